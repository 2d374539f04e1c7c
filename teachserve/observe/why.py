"""Why a connection took as long as it did, in sentences that are true of the events.

Each place in which it spent a share worth telling gets one sentence: how long, and what kept it there. What the events do
not tell is not guessed: a thread that did not run although it could, for want of a core or of the GIL, looks like one that
is slow.
"""

from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

from teachserve.events import FIRST_MARK, SERVING, STATES, Mark, State, mark_of
from teachserve.observe.connection_view import ACCEPT_QUEUE, UNKNOWN, WATCHED, Connections, ConnectionView
from teachserve.observe.snapshot import Snapshot
from teachserve.observe.spawns import Spawn, spawns
from teachserve.observe.timeline import Stay
from teachserve.observe.times import moment, span, stretch

S = State
LEAST_US = 1000
LEAST_SHARE = 0.02
"""A place in which less time was spent, or a smaller share of it, gets no sentence."""
HARDLY = 0.1
"""Where less than this share of a wait went by with nobody there, that is not what it waited for."""

RUNNING_WITHIN_US = 1_000_000
"""How long before a wait a thread may have been asked for that came to run in it."""
CAN_ACCEPT = frozenset({S.ACCEPTING.code, S.SELECTING.code})
CAN_TAKE = frozenset({S.WAITING.code, S.SELECTING.code})
_SERVING = frozenset(state.code for state in SERVING)


class _Visit(NamedTuple):
    """The longest stay of a connection in one place: from and to in us, `thread` held it there, `then` took it on."""

    place: str
    thread: int
    began: int
    ended: int
    then: int
    over: bool

    @property
    def length(self) -> int:
        return self.ended - self.began


def why(connection: ConnectionView, log: Connections, snapshot: Snapshot) -> list[str]:
    """What this connection's time went to, and what it waited for: a headline, then one sentence for each place.

    Empty of reasons where nothing took long. Where no events are streamed, one sentence that says so.
    """
    if not log.known and connection.ended_at_s is None:
        return [f"connection {connection.number}: not known, for no events are streamed"]
    return _Why(connection, log, snapshot).sentences()


class _Why:
    def __init__(self, connection: ConnectionView, log: Connections, snapshot: Snapshot):
        self._one = connection
        self._log = log
        self._timeline = log.timeline
        self._snapshot = snapshot
        self._now = max(_us(log.at_s), _us(connection.since_s))
        path = connection.path
        ends = [*(step for step in path[1:]), None]
        self._visits = [
            _Visit(step.place, step.thread, _us(step.at_s), _us(then.at_s) if then else self._now,
                   then.thread if then else 0, then is not None)
            for step, then in zip(path, ends, strict=True)
            if then is not None or connection.ended_at_s is None
        ]  # fmt: skip
        self._spent = {place: _us(seconds) for place, seconds in connection.waits.items()}
        if connection.ended_at_s is None:
            self._spent[connection.place] = self._spent.get(connection.place, 0) + self._now - _us(connection.since_s)

    def sentences(self) -> list[str]:
        """The headline, what is missing, the reasons in the order of their time."""
        whole = sum(self._spent.values())
        told = [place for place, us in self._spent.items() if us >= max(LEAST_US, LEAST_SHARE * whole)]
        longest = [
            max((visit for visit in self._visits if visit.place == place), key=lambda visit: visit.length, default=None)
            for place in told
        ]
        reasons = [self._reason(visit) for visit in sorted(filter(None, longest), key=lambda visit: visit.began)]
        return [self._headline(whole), *self._holes(), *filter(None, reasons)]

    def _headline(self, whole: int) -> str:
        one = self._one
        state = "so far" if one.ended_at_s is None else f"until it was {one.place}"
        parts = sorted(self._spent.items(), key=lambda part: -part[1])
        told = ", ".join(f"{place} {span(us)}" for place, us in parts[:4] if us) or "nothing"
        count = f"{one.requests} request{'' if one.requests == 1 else 's'}"
        return f"connection {one.number}: {span(whole)} {state}, {count}: {told}"

    def _holes(self) -> list[str]:
        told = []
        if self._one.incomplete:
            told.append("part of its life was not seen: it began before the watching, or events were lost")
        if slow_s := self._snapshot.slow_s:
            told.append(f"slow motion is on: at each verb a thread is held for {span(_us(slow_s))}")
        return told

    def _reason(self, visit: _Visit) -> str:
        if visit.place.startswith("queue "):
            return self._queue(visit)
        explain: dict[str, Callable[[_Visit], str]] = {
            ACCEPT_QUEUE: self._accept_queue,
            WATCHED: self._watched,
            UNKNOWN: lambda visit: "",
            S.STARTING.value: self._starting,
            S.CREATING.value: self._creating,
            S.WAITING_FOR_PLACE.value: self._place,
            S.READING.value: self._reading,
            S.IDLE.value: self._idle,
            S.HANDLING.value: self._handling,
            S.WRITING.value: self._writing,
        }
        return explain.get(visit.place, self._in_hand)(visit)

    # ---- the places ----------------------------------------------------------------------------------------------

    def _accept_queue(self, visit: _Visit) -> str:
        role = self._log.role(self._one.accepted_by)
        head = f"waited at least {span(visit.length)} in the accept queue: "
        if not self._timeline.covers(visit.began):
            return head + "what the threads did then is not kept any more"
        spans = self._timeline.without(self._threads(role), CAN_ACCEPT, visit.began, visit.ended)
        nobody = sum(ended - began for began, ended in spans)
        if nobody < HARDLY * visit.length:
            return head + f"{'hardly' if nobody else 'not'} for want of a thread in accept; no event tells why"
        began, ended = max(spans, key=lambda one: one[1] - one[0])
        during = f"nobody accepting {stretch(began, ended)}"
        if nobody - (ended - began) >= LEAST_US:
            during = f"nobody accepting for {span(nobody)} of it, the longest {stretch(began, ended)}"
        before = sum(code == S.ACCEPTED.code for _, _, code, _ in self._timeline.words(visit.began, visit.ended - 1))
        parts = [during, self._doing(role, began, ended), self._asked_for(visit, role),
                 f"{before} accepted before it" if before else ""]  # fmt: skip
        return head + "; ".join(filter(None, parts))

    def _queue(self, visit: _Visit) -> str:
        queue = visit.place.removeprefix("queue ")
        head = f"waited {self._how_long(visit)} in '{queue}': "
        roles = {self._log.role(visit.then)} if visit.over else set(self._log.takers.get(visit.place, ()))
        roles = roles or {thread.role for thread in self._snapshot.threads if thread.queue == queue}
        taken = f"taken by {self._log.name(visit.then)} at {moment(visit.ended)}" if visit.over else ""
        if len(roles) != 1:
            return head + (taken or "nobody has taken from it yet")
        if not self._timeline.covers(visit.began):
            return head + "what the threads did then is not kept any more"
        (role,) = roles
        threads = self._threads(role)
        spans = self._timeline.without(threads, CAN_TAKE, visit.began, visit.ended)
        if sum(ended - began for began, ended in spans) < HARDLY * visit.length:
            return head + "; ".join(filter(None, [f"some {role} was free all the while", taken]))
        longest = max(spans, key=lambda one: one[1] - one[0])
        return head + "; ".join(filter(None, [self._doing(role, *longest), self._before(visit, threads), taken]))

    def _before(self, visit: _Visit, threads: frozenset[int]) -> str:
        """What the takers took before this connection; where that is nothing, when the first of them was free."""
        stands = self._timeline.standing(visit.began)
        waiting = {thread for thread in threads if thread in stands and stands[thread].state in CAN_TAKE}
        took, free = 0, None
        for at, thread, code, about in self._timeline.words(visit.began, visit.ended):
            if thread not in threads or code >= FIRST_MARK:
                continue
            if code in CAN_TAKE:
                free = at if free is None else free
                waiting.add(thread)
            elif thread in waiting:
                waiting.discard(thread)
                took += about not in (0, self._one.number)
        if took:
            return f"{took} taken before it"
        if free is not None:
            return f"the first free at {moment(free)}"
        return "" if visit.over else "none free yet"

    def _place(self, visit: _Visit) -> str:
        most = self._snapshot.options.get("max_threads", "n/a")
        head = f"waited {self._how_long(visit)} for a place, of which there are {most}: "
        if not self._timeline.covers(visit.began):
            return head + "what the threads did then is not kept any more"
        middle = (visit.began + visit.ended) // 2
        stands = self._timeline.standing(middle)
        serving = sum(stand.state in _SERVING for stand in stands.values())
        parts = [f"{serving} {'thread' if serving == 1 else 'threads'} serving at {moment(middle)}"]
        done = [
            one for one in self._timeline.events(visit.began, visit.ended)
            if one.code >= FIRST_MARK and mark_of(one.code) is Mark.CLOSED
        ]  # fmt: skip
        if visit.over and done:
            last = done[-1]
            parts.append(f"{self._log.name(last.thread)} was done with connection {last.about} at {moment(last.at)}")
        return head + "; ".join(parts)

    def _watched(self, visit: _Visit) -> str:
        head = f"watched by the loop for {self._how_long(visit)}: "
        if not self._timeline.covers(visit.began):
            return head + "what the loop did then is not kept any more"
        stays = self._timeline.stays(visit.thread, visit.began, visit.ended)
        inside = [stay for stay in stays if stay.state != S.SELECTING.code]
        away = sum(stay.ended - stay.began for stay in inside)
        if away < HARDLY * visit.length:
            return head + "the loop was in select, and nothing had arrived: the client's time"
        return head + f"{span(away)} of it the loop was not in select; the longest: {self._stay(visit.thread, inside)}"

    def _starting(self, visit: _Visit) -> str:
        born = self._spawns(visit).get(visit.then) if visit.over else None
        spawned = f": spawned at {moment(born.spawned)}, running at {moment(visit.ended)}" if born else ""
        return f"waited {self._how_long(visit)} until its thread ran{spawned}"

    def _creating(self, visit: _Visit) -> str:
        return f"waited {self._how_long(visit)} while {self._log.name(visit.thread)} made a thread for it"

    def _reading(self, visit: _Visit) -> str:
        if visit.thread in self._log.loops:
            return f"reading took {self._how_long(visit)}: in a loop that is no wait for the client"
        return f"reading took {self._how_long(visit)}: {self._log.name(visit.thread)} waited for the client's request"

    def _idle(self, visit: _Visit) -> str:
        return f"idle for {self._how_long(visit)}: the client kept it, and {self._log.name(visit.thread)} with it"

    def _handling(self, visit: _Visit) -> str:
        whole = sum(self._spent.values())
        where = " in the loop, and everybody else waited for it" if visit.thread in self._log.loops else ""
        return f"handling took {self._how_long(visit)} of {span(whole)}{where}: the application's own code"

    def _writing(self, visit: _Visit) -> str:
        if visit.thread in self._log.loops:
            return f"writing took {self._how_long(visit)}: in a loop that is no wait for the client"
        return f"writing took {self._how_long(visit)}: send(2) blocks until the client has taken enough of the answer"

    def _in_hand(self, visit: _Visit) -> str:
        return f"{self._log.name(visit.thread)} had it, {visit.place}, for {self._how_long(visit)}"

    # ---- what the threads did ------------------------------------------------------------------------------------

    def _how_long(self, visit: _Visit) -> str:
        """The place's whole time; where it came there more than once, the longest stay too."""
        whole = self._spent[visit.place]
        so_far = "" if visit.over else " so far"
        if whole - visit.length < LEAST_US:
            return f"{span(visit.length)}{so_far}"
        return f"{span(whole)} in all{so_far}, the longest {span(visit.length)} from {moment(visit.began)}"

    def _threads(self, role: str) -> frozenset[int]:
        return self._log.threads(role)

    def _doing(self, role: str, began: int, ended: int) -> str:
        """What the threads of a role were at in this span: the one thread's longest stay, or how many did what half-way."""
        middle = (began + ended) // 2
        threads = self._threads(role)
        stands = {thread: at for thread, at in self._timeline.standing(middle).items() if thread in threads}
        if not stands:
            return f"there was no {role} at {moment(middle)}"
        if len(stands) == 1:
            (thread,) = stands
            return self._stay(thread, self._timeline.stays(thread, began, ended))
        states = Counter(stand.state for stand in stands.values())
        serving = sum(count for state, count in states.items() if state in _SERVING)
        idle = f" ({states[S.IDLE.code]} idle)" if states[S.IDLE.code] else ""
        others = [f"{count} {STATES[state].value}" for state, count in states.items() if state not in _SERVING]
        count = f"all {serving}" if serving == len(stands) else f"{serving} of {len(stands)}"
        return ", ".join([f"at {moment(middle)} {count} {role}s serving{idle}", *others])

    def _spawns(self, visit: _Visit) -> dict[int, Spawn]:
        """Who was spawned during this stay, or so shortly before that he came to run in it."""
        return spawns(self._timeline, visit.began - RUNNING_WITHIN_US, visit.ended)

    def _stay(self, thread: int, stays: list[Stay]) -> str:
        """The longest of a thread's stays: `loop-1 inside a handler for connection 17 from 3.104 s for 52 ms`."""
        stay = max(stays, key=lambda one: one.ended - one.began)
        state = STATES[stay.state]
        doing = state.value
        if state is S.HANDLING:
            doing = f"inside a handler for connection {stay.connection}"
        elif stay.connection:
            doing = f"{state.value}, with connection {stay.connection}"
        return f"{self._log.name(thread)} {doing} from {moment(stay.began)} for {span(stay.ended - stay.began)}"

    def _asked_for(self, visit: _Visit, role: str) -> str:
        """The thread that was made meanwhile: the one that accepted it, or else the last that came to run."""
        made = {
            thread: born for thread, born in self._spawns(visit).items()
            if self._log.role(thread) == role and visit.began < born.running <= visit.ended
        }  # fmt: skip
        if not made:
            return ""
        thread = self._one.accepted_by if self._one.accepted_by in made else max(made)
        born = made[thread]
        asked = f"asked for at {moment(born.asked)}" if born.asked is not None else f"spawned at {moment(born.spawned)}"
        return f"{self._log.name(thread)} {asked}, running at {moment(born.running)}"


def _us(seconds: float) -> int:
    return round(seconds * 1e6)
