"""The service as a process that is killed: its harness, and a sandbox that outlives it."""
