"""At most one order per intent, and only what is allowed."""
