"""One file per provider: verify, then map to our events. Pure."""
