"""The same figures as text, SVG and JSON."""
