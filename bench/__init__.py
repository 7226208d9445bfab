"""Measurements of start-up, paint, growth and memory: ``python -m bench [NAME…]``, a JSON line each."""
