"""Alerts: rules are SELECTs with a header, what they find becomes episodes, and routes tell of these."""
