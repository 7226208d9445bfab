"""What changes the sentence, and what followed when it read like this before."""
