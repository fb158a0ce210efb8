"""Which field is the id, the cause, the group: told by the values, where names may say the opposite."""
