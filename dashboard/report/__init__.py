"""A report of an incident: one page that needs neither this program nor a network."""
