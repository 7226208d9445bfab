"""Measurements: ``python -m bench [NAME…]``, a JSON line each. One folder answers one question."""
