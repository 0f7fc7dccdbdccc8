"""What callees and assistants say, one module per language."""
