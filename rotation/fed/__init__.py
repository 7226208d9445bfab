"""The Fed: from futures prices to the probabilities of every coming meeting."""
