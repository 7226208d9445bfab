"""What a viewer chose and how it is laid out and drawn: view state, keys, layout, themes, cells."""
