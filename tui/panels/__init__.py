"""Panels: pure row builders, drawn by one Line-API widget."""
