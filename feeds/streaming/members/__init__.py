"""Prints of an index's members, which come on the connection of a desk's legs."""
