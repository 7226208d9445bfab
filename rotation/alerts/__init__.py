"""Conditions on figures, and when they call: the same code live and on settled history."""
