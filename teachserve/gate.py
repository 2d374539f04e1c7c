"""The gate: holds threads at their verbs and lets one of them move at a time, so that an interleaving can be written down.

One baton: exactly one actor runs. Whoever reaches a gate picks the next actor itself; there is no controller between.
A blocking verb has a gate before it and one on its far side, and is let go only when it would not block, which is asked
before the release. No gate while a lock is held, so no lock is ever contended. A schedule is text:

    w1:begin,accept A:connect,send w1:accepted

an actor, then the gates that it is let through in turn. Names are the role's initial and its birth number (of
`thread-maker` the m); a client is what the caller named it. Nothing in a schedule depends on thread ids, ports or clocks.
"""

import select
import sys
import threading
import time
import traceback
from collections import Counter, deque
from collections.abc import Callable, Iterable

Ready = Callable[[], object]


class Divergence(AssertionError):
    """The schedule names a step that cannot be made now; the text says what stands where."""


def readable(descriptor: int) -> Ready:
    """Asks the kernel whether a read, an accept or an epoll_wait on this descriptor would return at once."""

    def ready() -> bool:
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        return bool(poll.poll(0))

    return ready


class _Actor:
    """A thread or a client. `verb` is the gate where it stands, None while it runs."""

    def __init__(self, name: str, script: dict[str, Callable[[], None]] | None = None):
        self.name = name
        self.script = script  # a client's moves; they never block, so whoever picks the client makes them
        self.verb: str | None = None
        self.ready: Ready | None = None
        self.wake = threading.Semaphore(0)
        self.arrived = threading.Event()
        self.thread: threading.Thread | None = None
        self.error: BaseException | None = None


class Gate:
    """Holds the threads of one server. The thread that made it directs: `play` a schedule, or let things `settle`.

    `patience_s` is the watchdog: how long an actor may run without reaching a gate before `play` reports where it is.
    """

    def __init__(self, patience_s: float = 10.0):
        self._lock = threading.Lock()
        self._actors: dict[str, _Actor] = {}
        self._of_thread: dict[threading.Thread, _Actor] = {}
        self._births: Counter[str] = Counter()
        self._plan: deque[tuple[str, str]] = deque()
        self._settling = False
        self._director = threading.Semaphore(0)
        self._running: _Actor | None = None
        self._trouble: BaseException | None = None
        self._open = False
        self._patience_s = patience_s
        self.history: list[str] = []

    # ---- called by the server's rooms --------------------------------------------------------------------------

    def expect(self, role: str, thread: threading.Thread) -> str:
        """Name a thread that is about to start."""
        initial = role.rpartition("-")[2][0]
        with self._lock:
            self._births[initial] += 1
            actor = _Actor(f"{initial}{self._births[initial]}")
            actor.thread = thread
            self._actors[actor.name] = self._of_thread[thread] = actor
        return actor.name

    def await_arrival(self, thread: threading.Thread) -> None:
        """Return when the new thread stands at `begin`: only then is its birth over."""
        if actor := self._of_thread.get(thread):
            actor.arrived.wait(self._patience_s)

    def hold(self, verb: str, ready: Ready | None = None) -> None:
        """Stand at a gate until picked. A thread that the gate does not know goes straight through."""
        actor = self._of_thread.get(threading.current_thread())
        if actor is None or self._open:
            if actor is not None:
                actor.arrived.set()
            return
        with self._lock:
            actor.verb, actor.ready = verb, ready
            if actor.arrived.is_set():
                self._pass_baton(actor)
            actor.arrived.set()
        actor.wake.acquire()

    def leave(self) -> None:
        """The calling thread ends: whoever is next gets the baton."""
        actor = self._of_thread.pop(threading.current_thread(), None)
        if actor is None:
            return
        with self._lock:
            self._actors.pop(actor.name, None)
            if self._running is actor and not self._open:
                self._pass_baton(None)

    def open(self) -> None:
        """Let everybody go, for good: an abandon waits for nobody."""
        with self._lock:
            self._open = True
            for actor in self._actors.values():
                actor.wake.release()
            self._director.release()

    # ---- called by the director --------------------------------------------------------------------------------

    def client(self, name: str, script: dict[str, Callable[[], None]]) -> None:
        """A client as an actor: its moves by name, none of which may block."""
        self._actors[name] = _Actor(name, script)

    def thread(self, name: str, run: Callable[[], None]) -> threading.Thread:
        """A thread of the director's own as an actor, the stopper for one; it stands at `begin`."""
        actor = _Actor(name)

        def live() -> None:
            try:
                self.hold("begin")
                run()
            except BaseException as error:
                self._trouble = self._trouble or error
            finally:
                self.leave()

        actor.thread = threading.Thread(target=live, name=name, daemon=True)
        self._actors[name] = self._of_thread[actor.thread] = actor
        actor.thread.start()
        actor.arrived.wait(self._patience_s)
        return actor.thread

    def play(self, schedule: str) -> None:
        """Make exactly these steps, then hold everybody. Raises: Divergence where a step cannot be made."""
        for part in schedule.split():
            name, _, verbs = part.partition(":")
            self._plan.extend((name, verb) for verb in verbs.split(","))
        self._direct()

    def settle(self) -> dict[str, str]:
        """Go on until nobody can move: who runs goes on, else the first born, `stop` last. Who stands where, then."""
        self._settling = True
        try:
            self._direct()
        finally:
            self._settling = False
        return self.standing()

    def standing(self) -> dict[str, str]:
        """The gate at which each thread stands."""
        return {actor.name: actor.verb for actor in self._actors.values() if actor.verb and actor.script is None}

    def _direct(self) -> None:
        with self._lock:
            self._pass_baton(None)
        if not self._director.acquire(timeout=self._patience_s):
            raise Divergence(f"nobody reached a gate in {self._patience_s:g} s: {self._whereabouts()}")
        if self._trouble:
            trouble, self._trouble = self._trouble, None
            raise trouble

    # ---- the baton; the lock is held ---------------------------------------------------------------------------

    def _pass_baton(self, current: _Actor | None) -> None:
        self._running = None
        chosen = None
        try:
            chosen = self._pick(current)
        except BaseException as trouble:
            self._trouble = trouble
            self._plan.clear()
        if chosen is None:
            self._director.release()
            return
        self.history.append(f"{chosen.name}:{chosen.verb}")
        chosen.verb = chosen.ready = None
        self._running = chosen
        chosen.wake.release()

    def _pick(self, current: _Actor | None) -> _Actor | None:
        while self._plan:
            name, verb = self._plan.popleft()
            actor = self._actors.get(name)
            if actor is None:
                raise Divergence(f"{name}:{verb}: there is no {name}; {self._who_stands()}")
            if actor.script is not None:
                actor.script[verb]()
                self.history.append(f"{name}:{verb}")
                continue
            if actor.verb != verb:
                raise Divergence(f"{name}:{verb}: {name} stands at {actor.verb}; {self._who_stands()}")
            if actor.ready is not None and not actor.ready():
                raise Divergence(f"{name}:{verb}: would block; {self._who_stands()}")
            return actor
        if not self._settling:
            return None
        standing = [actor for actor in self._actors.values() if actor.script is None and actor.verb]
        return next((actor for actor in self._order(standing, current) if actor.ready is None or actor.ready()), None)

    @staticmethod
    def _order(actors: Iterable[_Actor], current: _Actor | None) -> list[_Actor]:
        return sorted(actors, key=lambda actor: (actor is not current, actor.name == "stop"))

    def _who_stands(self) -> str:
        return "standing: " + (", ".join(f"{name} at {verb}" for name, verb in self.standing().items()) or "nobody")

    def _whereabouts(self) -> str:
        """Where the baton's owner is: the source line of the thread that blocks outside a verb."""
        actor = self._running
        if actor is None or actor.thread is None:
            return self._who_stands()
        frame = sys._current_frames().get(actor.thread.ident)
        stack = "".join(traceback.format_stack(frame)[-3:]) if frame else "gone"
        return f"{actor.name} blocks outside a verb at {time.strftime('%X')}:\n{stack}"
