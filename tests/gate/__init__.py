"""The gate: its protocol, its model, its failpoints."""
