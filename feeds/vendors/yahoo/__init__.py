"""Yahoo: keyless quotes and history, unofficial."""
