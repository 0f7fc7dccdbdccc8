"""What became of a call."""
