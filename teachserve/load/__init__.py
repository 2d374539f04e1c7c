"""The load generator: a process of its own, so that it never fights with the server over one GIL."""
