"""The Fed panel: layout, next meeting, history, zoom."""
