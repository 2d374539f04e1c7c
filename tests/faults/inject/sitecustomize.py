"""Faults in a server's process, and handlers that misbehave. Python runs this at its start: the folder is on PYTHONPATH.

A fault is on while a symbolic link of its name lies in the folder $FAULTS; what it leads to is which fault of that kind.
(A link takes no descriptor to read: one of the faults is that there is none.)

  accept  an errno's name: accept(2) fails so; `breaks`: what calls it raises what nobody expects
  thread  anything: the system makes no thread
  clock   seconds by which the wall clock is wrong
"""

import builtins
import ctypes
import errno
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

from teachserve import handlers

FOLDER = Path(os.environ["FAULTS"])
ABOUT_ONE_CLIENT = ("ECONNABORTED", "EPROTO", "EINTR", "ENETDOWN")
"""Those come with a connection, and take it away; others come at once, whether or not anybody has connected."""
BIG = 10_000_000

accept_in_truth = socket.socket._accept
time_in_truth, time_ns_in_truth = time.time, time.time_ns
routes_in_truth = handlers.built_in_routes
never = threading.Event()


def fault(name: str) -> str:
    """Which fault of this kind is on; "" for none."""
    try:
        return str((FOLDER / name).readlink())
    except FileNotFoundError:
        return ""


# ---- faults --------------------------------------------------------------------------------------------------------


def fails(name: str) -> OSError:
    number = getattr(errno, name)
    return OSError(number, os.strerror(number))


def accept(listener: socket.socket) -> tuple:
    name = fault("accept")
    if name == "breaks":
        raise ZeroDivisionError("as asked")
    if name and name not in ABOUT_ONE_CLIENT:
        raise fails(name)
    descriptor, peer = accept_in_truth(listener)
    if (name := fault("accept")) in ABOUT_ONE_CLIENT:
        os.close(descriptor)
        raise fails(name)
    return descriptor, peer


def refusing(start):
    """As the system does at its limit of threads."""

    def start_unless_refused(*args, **kwargs):
        if fault("thread"):
            raise RuntimeError("can't start new thread")
        return start(*args, **kwargs)

    return start_unless_refused


socket.socket._accept = accept
for way in ("_start_new_thread", "_start_joinable_thread"):  # up to CPython 3.12, and from 3.13
    if hasattr(threading, way):
        setattr(threading, way, refusing(getattr(threading, way)))
time.time = lambda: time_in_truth() + float(fault("clock") or 0)
time.time_ns = lambda: time_ns_in_truth() + int(float(fault("clock") or 0) * 1e9)


# ---- handlers that misbehave ---------------------------------------------------------------------------------------


def raise_what_is_asked_for(request) -> str:
    (name,) = request.query["name"]
    raise getattr(builtins, name)("as asked")


def recurse(request) -> str:
    return recurse(request)


def big(request) -> bytes:
    return bytes(BIG)


def hang(request) -> str:
    (FOLDER / "hanging").touch()
    never.wait()
    return "never"


def slow(request) -> str:
    (FOLDER / "slow").touch()
    never.wait(0.2)
    return "late"


def interrupt_me(request) -> str:
    """An exception from outside, at whichever line the handler is: as an abandon's, or a debugger's."""
    me = ctypes.c_ulong(threading.get_ident())
    computing = threading.Event()

    def interrupt() -> None:
        computing.wait()
        ctypes.pythonapi.PyThreadState_SetAsyncExc(me, ctypes.py_object(ZeroDivisionError))

    thread = threading.Thread(target=interrupt)
    thread.start()
    computing.set()
    while thread:  # and no call: in a weak reference's callback Python would swallow the exception
        continue


def fork(request) -> str:
    """A child that only waits, as a daemon would that a handler makes. The answer: its number."""
    number = os.fork()
    if not number:
        while True:
            time.sleep(60)
    return str(number)


def run_a_program(request) -> str:
    return str(subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(60)"]).pid)


def routes(delay) -> handlers.Routes:
    built_in = routes_in_truth(delay)
    for path, handler in {
        "/raise": raise_what_is_asked_for, "/recurse": recurse, "/interrupt": interrupt_me, "/big": big, "/hang": hang,
        "/slow": slow, "/fork": fork, "/subprocess": run_a_program,
    }.items():  # fmt: skip
        built_in.route(path)(handler)
    return built_in


handlers.built_in_routes = routes
# Until the program's first line Python would answer SIGINT with a traceback of its own start; that line does the same.
signal.signal(signal.SIGINT, signal.SIG_DFL)
(FOLDER / "begun").touch()
