"""A strip of futures: reading, checking, fitting."""
