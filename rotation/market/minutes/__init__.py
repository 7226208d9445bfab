"""How the minutes of one symbol are kept."""
