"""One SSH connection: its place among the others, what it may send, who logs in, what the log says of it."""
