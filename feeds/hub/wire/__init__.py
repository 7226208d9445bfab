"""What a hub sends, as bytes: messages, their encoding, and which of two is newer."""
