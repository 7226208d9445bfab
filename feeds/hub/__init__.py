"""One process reads the vendors, and any number of hosts and desks watch it."""
