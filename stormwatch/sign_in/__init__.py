"""Signing in with a provider of OpenID Connect, in place of the token: docs/deployment.md."""
