"""Thousands of prints judged at once, as arrays; numpy is imported where the first of them come."""
