"""The line that says in words what is happening: a function of one picture, and of nothing else.

It reads roles and states, not architectures, so that a student's own taskmaster gets its sentence too. It speaks of the
instant of the picture: what many instants have in common is for the charts.
"""

from collections import Counter

from teachserve.demo.picture import Picture
from teachserve.demo.wording import age, counted, duration
from teachserve.events import SERVING, State
from teachserve.observe.snapshot import ThreadView

# What the only acceptor does when it is not in accept(2) or epoll_wait(2), and nobody else can take its place.
ELSEWHERE = {
    State.STARTING: "is starting",
    State.CREATING: "waits for the thread that it spawned to run",
    State.ACCEPTED: "has just taken a connection",
    State.BACKING_OFF: "pauses, for the system is short of descriptors or memory",
    State.HANDING_OVER: "hands a connection over",
    State.WAITING: "waits for something on a named queue",
    State.WAITING_FOR_PLACE: "has a connection and waits until fewer than max_threads serve",
    State.READING: "reads a request",
    State.IDLE: "waits for the next request of a kept connection",
    State.WRITING: "sends an answer",
    State.LINGERING: "waits until a refused client has read its answer",
    State.RECYCLING: "decides whether to accept again",
}
# What threads do that neither accept nor serve: one of them, many of them.
DOING = {
    State.WAITING: ("waits for work", "wait for work"),
    State.WAITING_FOR_PLACE: ("waits for a place", "wait for a place"),
    State.CREATING: ("creates a thread", "create threads"),
    State.STARTING: ("is starting", "are starting"),
    State.RECYCLING: ("is recycling", "are recycling"),
    State.BACKING_OFF: ("backs off", "back off"),
    State.ACCEPTED: ("has just accepted", "have just accepted"),
}
WORTH_TELLING_S = 0.001
"""`for 0us` would be no news."""


def sentence(picture: Picture) -> str:
    """What is happening in this picture, in one or two clauses and at most about 150 characters."""
    text = _phase(picture)
    if text is None:
        role = picture.snapshot.header.accepting_role
        threads = [thread for thread in picture.snapshot.threads if thread.role == role]
        if not threads:
            text = f"there is no {role}: nobody accepts; {_queues(picture)}"
        elif len(threads) == 1:
            text = _single(picture, threads[0])
        else:
            text = _many(picture, role, threads)
    return text[0].upper() + text[1:] + "."


def _phase(picture: Picture) -> str | None:
    """The sentence of every phase but serving."""
    ended = _ended(picture)
    if ended is not None and picture.waiting_at:
        return f"{ended}; waiting for a server at {picture.waiting_at}"
    return ended or _unsettled(picture)


def _ended(picture: Picture) -> str | None:
    snapshot = picture.snapshot
    answered = counted(snapshot.counters["requests"], "request")
    if snapshot.phase == "lost":
        return f"the server is gone without a word: this is the last that it said, after {answered}"
    if snapshot.phase == "stopped":
        return f"the server has stopped: {answered} served, nothing that was accepted is left over"
    if snapshot.phase == "abandoned":
        return f"the server was abandoned after {answered}: what was in progress is lost"
    return None


def _unsettled(picture: Picture) -> str | None:
    snapshot = picture.snapshot
    if snapshot.header is None or (not snapshot.threads and snapshot.phase == "connecting"):
        return "waiting for the server's first word"
    if snapshot.phase == "stopping":
        if not snapshot.threads:
            return "soft stop: nobody accepts any more, and every thread has ended"
        left = counted(len(snapshot.threads), "thread")
        serve = "serves" if snapshot.serving == 1 else "serve"
        return f"soft stop: nobody accepts any more; of {left} left {snapshot.serving} still {serve} what was accepted"
    return None


def _single(picture: Picture, thread: ThreadView) -> str:
    """One thread alone may accept: where it is decides for everybody who knocks."""
    role, state = thread.role, thread.state
    others = _others(picture, role)
    waits = _queues(picture)
    alone = picture.snapshot.serving <= 1 and not picture.snapshot.states[State.WAITING_FOR_PLACE]
    if state is State.ACCEPTING:
        head = f"the {role} is in accept(2)" if picture.queued else f"the {role} blocks in accept(2)"
        head += "" if picture.queued or others else ": the next connection wakes it"
    elif state is State.SELECTING:
        head = f"the {role} blocks in epoll_wait(2) until one of its sockets is ready"
    elif state is State.HANDLING:
        spent = age(picture.snapshot, thread)
        since = f" for {duration(spent)}" if spent is None or spent >= WORTH_TELLING_S else ""
        head = f"the {role} is inside a handler{since}: nobody accepts"
        head += " and nobody else is served" if alone else ""
    else:
        head = f"the {role} {ELSEWHERE.get(state, f'is {state}')}: nobody accepts"
    return "; ".join(part for part in (head, others, waits) if part)


def _many(picture: Picture, role: str, threads: list[ThreadView]) -> str:
    """Many threads share the listening socket: how many are in accept(2) is the whole story."""
    states = Counter(thread.state for thread in threads)
    count, accepting = len(threads), states[State.ACCEPTING]
    serving = sum(states[state] for state in SERVING)
    queued = picture.queued
    if accepting and not queued:
        verb, whom = ("blocks", "it") if accepting == 1 else ("block", "one of them")
        head = f"{accepting} of {count} {role}s {verb} in accept(2); the next connection wakes {whom}"
        return f"{head}; {_serve(serving, states)}" if serving else f"{head}; nobody serves"
    if accepting:
        verb = "is" if accepting == 1 else "are"
        return f"{accepting} of {count} {role}s {verb} in accept(2); {_serve(serving, states)}; {_queues(picture)}"
    if serving == count:
        return f"all {_serve(count, states, role)}; {_queues(picture)}"
    what = ", ".join([_serve(serving, states), *_doing(states)])
    return f"none of {count} {role}s is in accept(2): {what}; {_queues(picture)}"


def _serve(serving: int, states: Counter, role: str = "") -> str:
    """`8 serve`, and how many of them only keep a place for a client that says nothing."""
    who = f"{serving} {role}s serve" if role else f"{serving} {'serves' if serving == 1 else 'serve'}"
    idle = states[State.IDLE]
    if serving and idle == serving:
        return f"{who}, but idle: their clients keep the connections"
    return who + (f" ({idle} idle, kept by their clients)" if idle else "")


def _doing(states: Counter) -> list[str]:
    """`2 wait for work`, `1 is starting`: the others by what they do."""
    return [f"{states[state]} {words[states[state] > 1]}" for state, words in DOING.items() if states[state]]


def _others(picture: Picture, accepting_role: str) -> str:
    """What the threads do that do not accept, a clause for each role that has something to tell."""
    roles: dict[str, Counter] = {}
    for thread in picture.snapshot.threads:
        if thread.role != accepting_role:
            roles.setdefault(thread.role, Counter())[thread.state] += 1
    clauses = []
    for role, states in roles.items():
        count = states.total()
        serving = sum(states[state] for state in SERVING)
        if count == 1:  # a helper at rest (a closer, a maker) is no news
            clauses += [f"1 {role} serves"] if serving else []
            continue
        if serving == count:
            clauses.append(f"all {_serve(count, states, role)}")
            continue
        clauses.append(f"of {count} {role}s " + ", ".join([_serve(serving, states), *_doing(states)]))
    return "; ".join(clauses)


def _queues(picture: Picture) -> str:
    """Who waits where: connections in the kernel's queue, and on a named queue of ours whatever it is for."""
    own = [(queue.length, name) for name, queue in picture.snapshot.queues.items() if queue.length]
    kernel = picture.queued
    if own and not kernel:
        (first, name), *others = own
        more = "".join(f" and {length} on {other!r}" for length, other in others)
        verb = "waits" if first == 1 else "wait"
        kernels = "the kernel's queue: n/a" if kernel is None else "nothing in the kernel's queue"
        return f"{counted(first, 'item')} {verb} on {name!r}{more}; {kernels}"
    if kernel is None:
        return "the kernel's queue: n/a"
    if not kernel:
        return "nothing waits in a queue"
    ours = "".join(f" and {counted(length, 'item')} on {name!r}" for length, name in own)
    return f"{counted(kernel, 'connection')} {'waits' if kernel == 1 else 'wait'} in the kernel's queue{ours}"
