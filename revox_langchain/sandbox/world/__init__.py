"""What exists in the sandbox, and how it changes with time."""
