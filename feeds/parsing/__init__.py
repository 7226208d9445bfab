"""What parsers share: checked fields, instants, symbols, text without escape sequences."""
