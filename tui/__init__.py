"""The terminal desk: view state, panels and the command line. Knows no vendor."""
