"""The page that a sandbox server shows in a browser."""
