"""The screen: app, layout, view state, keys, themes and cells."""
