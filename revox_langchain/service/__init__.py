"""Calls that outlive the process: parked threads, who wakes them, and a front that speaks HTTP."""
