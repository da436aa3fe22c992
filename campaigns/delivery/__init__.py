"""One message to one recipient, and the ledger of what happened to it."""
