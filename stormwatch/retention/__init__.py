"""Deletes what is older than is to be kept."""
