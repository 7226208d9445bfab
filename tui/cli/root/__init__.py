"""The command line itself: which commands there are, and each imported when it is named."""
