"""From bytes to frames, and from many frames to columns."""
