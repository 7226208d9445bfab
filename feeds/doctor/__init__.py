"""Examines the installation and says what to do about what it finds."""
