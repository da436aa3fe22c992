"""What one message to one recipient goes through."""
