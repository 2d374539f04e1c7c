"""The watcher's side: attach to a server's link, fold its frames into a model, ask the kernel whether they are true.

Nothing here runs in the server's process, and nothing here imports more of it than the vocabulary in `events`.
"""
