"""What every transport keeps to."""
