"""What people may ask of us, and what we must be able to answer."""
