"""The Breadth panel: both indices, their charts and sectors."""
