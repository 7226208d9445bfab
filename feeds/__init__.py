"""Where quotes come from: a folder a question, one contract, one supervisor."""
