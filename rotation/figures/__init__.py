"""Every figure of the Snapshot by its id: definition, unit, formula, value and status."""
