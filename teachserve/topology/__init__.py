"""What an architecture's source says, read with `ast` alone: who is there, which verbs each role calls, in what order.

Nothing of the architecture is imported or run. This room knows the standard library and the words in `events`.
"""
