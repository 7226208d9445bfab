"""A running desk becomes another one."""
