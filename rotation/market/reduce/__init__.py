"""Many prints at once: columns judged and reduced, equal to one by one."""
