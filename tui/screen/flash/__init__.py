"""Which figures have just changed."""
