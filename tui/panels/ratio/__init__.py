"""The Ratio panel: base over against as a line, over the past year and today, and value against growth."""
