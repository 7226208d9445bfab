"""The Legs panel: its columns, which legs are shown in which order, and in the zoom a year of each."""
