"""Messages that are written alike, key by key: thousands are read as arrays, without an object each."""
