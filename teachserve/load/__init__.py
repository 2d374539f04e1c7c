"""The load generator: clients on non-blocking sockets, in one thread, in a process of its own.

`Generator(LoadPlan(...)).run()` gives a `Result`. `python -m teachserve.load.process` is the same for a program that
steers it through pipes, `teachserve load` for people.
"""

from teachserve.load.generator import Generator
from teachserve.load.plan import LoadError, LoadPlan
from teachserve.load.result import Progress, Result

__all__ = ["Generator", "LoadError", "LoadPlan", "Progress", "Result"]
