"""A graph that calls many contacts: one campaign of Revox's per language, watched to its end."""
