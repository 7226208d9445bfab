"""What charts of a value over time share: the dates below them, levels across them, and the crosshair."""
