"""Polymarket on Fed decisions: REST and its market channel."""
