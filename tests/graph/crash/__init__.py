"""Processes that die while they place a call, and the table of all the ways to."""
