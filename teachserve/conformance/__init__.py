"""The conformance suite: grades any taskmaster, yours too. `teachserve check module:Class` runs it; so do our tests.

Each check starts a real server on a free port of this machine, asks it over real sockets, stops it, and looks whether
anything is left: a thread, a descriptor, a counter, the port. A check raises AssertionError with a sentence, or
DoesNotFit where an architecture has no such place. No test framework inside, no sleep, no absolute time judged.
"""

# The checks stand in CHECKS once `exchanges` and `stops` are imported, in this order.
from teachserve.conformance import exchanges, stops
from teachserve.conformance.client import Answer, Client, get
from teachserve.conformance.holding import step, stop_as_far_as_it_goes
from teachserve.conformance.servers import serving
from teachserve.conformance.suite import CHECKS, Check, DoesNotFit, Result, run, run_one

__all__ = [
    "CHECKS",
    "Answer",
    "Check",
    "Client",
    "DoesNotFit",
    "Result",
    "exchanges",
    "get",
    "run",
    "run_one",
    "serving",
    "step",
    "stop_as_far_as_it_goes",
    "stops",
]
