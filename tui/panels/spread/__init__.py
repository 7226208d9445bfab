"""The Spread panel: its lines, and in the zoom the years, the widest readings, levels and what followed."""
