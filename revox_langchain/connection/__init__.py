"""The only room that talks to Revox's REST API."""
