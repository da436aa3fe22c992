"""From a document to a campaign, and from a campaign to the ledger."""
