"""Which attributes of a table go with a target, and how sure that is."""
