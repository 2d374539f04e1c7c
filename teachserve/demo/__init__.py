"""The demo without its screen: its processes, what they tell, and the one picture that all of it gives.

A room of its own below the dashboard, so that `--headless` cannot load Textual by accident: nothing here imports it.
"""
