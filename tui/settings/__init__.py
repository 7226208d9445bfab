"""One file for what a person wants of every run: ``config.toml``, checked, and merged with the options."""
