"""The demo without its screen: its processes, what they tell, and the one picture that all of it gives.

A watch of a server that runs already is a demo that starts nothing: it shares all that comes after the start.

A room of its own below the dashboard, so that `--headless` cannot load Textual by accident: nothing here imports it.
"""
