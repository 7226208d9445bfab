"""The Fed of the past: what the settlements, decisions and ranges of the time say about an instant."""
