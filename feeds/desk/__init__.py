"""Which feeds this run has: composition of live, replay and demo."""
