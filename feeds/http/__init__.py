"""One HTTP client for every REST source."""
