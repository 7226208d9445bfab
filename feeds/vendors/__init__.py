"""A folder a vendor; every one has the same file names, so one teaches the next."""
