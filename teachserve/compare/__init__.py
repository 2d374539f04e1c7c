"""Two servers under one plan: who answers each request first.

A room between the demo, whose processes and link it uses, and the screen: nothing here imports Textual.
"""
