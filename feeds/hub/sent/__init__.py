"""What a hub has sent of its desk, so that only what has changed is sent."""
