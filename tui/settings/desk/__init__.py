"""What of the configuration file decides which desk is opened."""
