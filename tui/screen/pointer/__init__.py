"""What a click and the wheel do."""
