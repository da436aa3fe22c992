"""What is to be sent, and to whom."""
