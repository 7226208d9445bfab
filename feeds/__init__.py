"""Where quotes come from: one file a source, one contract, one supervisor."""
