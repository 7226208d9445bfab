"""Alerts that run: state that outlives the program, and the delivery of calls."""
