"""The Fed of the past: what settlements, decisions and ranges of then say about an instant."""
