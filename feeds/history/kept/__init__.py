"""What was computed of the history, kept beside it: a start that has it reads no history at all."""
