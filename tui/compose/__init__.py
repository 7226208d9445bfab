"""The composition: the only part of the screen that knows where quotes come from, a command a file."""
