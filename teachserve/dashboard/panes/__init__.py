"""The panes: one file, one widget each. A picture goes down to them; they draw it and know nothing of each other."""
