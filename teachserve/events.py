"""The vocabulary: what a thread can be doing, which moves are allowed, and the name of each move that tells a story.

Everything shown is drawn from this file: the probe stores these states, the model checks these moves, the legend prints
these words, the diagrams draw these arrows. A state's value is the very word on screen and in the trace; its code, the
position in `State`, is what travels in machine words.
"""

from enum import StrEnum


class State(StrEnum):
    """What one thread is doing. The value is the word on screen; `code` is its number in words and frames."""

    STARTING = "starting"
    CREATING = "creating"
    ACCEPTING = "accepting"
    ACCEPTED = "accepted"
    BACKING_OFF = "backing off"
    SELECTING = "selecting"
    HANDING_OVER = "handing over"
    WAITING = "waiting"
    WAITING_FOR_PLACE = "waiting for a place"
    READING = "reading"
    IDLE = "idle"
    HANDLING = "handling"
    WRITING = "writing"
    LINGERING = "lingering"
    RECYCLING = "recycling"
    ENDED = "ended"
    BROKEN = "broken"

    @property
    def code(self) -> int:
        """The state's number in machine words and frames: its position in this class."""
        return CODES[self]


STATES: tuple[State, ...] = tuple(State)
CODES: dict[State, int] = {state: code for code, state in enumerate(STATES)}

MEANING: dict[State, str] = {
    State.STARTING: "spawned, and not yet at its first verb",
    State.CREATING: "asks the system for a new thread",
    State.ACCEPTING: "in accept(2): takes the next connection, or blocks until there is one",
    State.ACCEPTED: "accept(2) has returned a connection; decides what becomes of it",
    State.BACKING_OFF: "the system is short of descriptors or memory: pauses before it accepts again",
    State.SELECTING: "in epoll_wait(2): blocks until one of many sockets is ready",
    State.HANDING_OVER: "puts something on a named queue for another thread",
    State.WAITING: "blocks until there is something on a named queue",
    State.WAITING_FOR_PLACE: "has a connection, blocks until fewer than max_threads serve",
    State.READING: "in recv(2): a request is arriving",
    State.IDLE: "in recv(2) between two requests: the client keeps the connection, and thereby this thread",
    State.HANDLING: "runs the handler, which is the application's own code",
    State.WRITING: "in send(2): the answer is on its way",
    State.LINGERING: "waits until the refused client has read its answer, so that it is not reset",
    State.RECYCLING: "decides whether to go back to accept or to end as surplus",
    State.ENDED: "its method returned",
    State.BROKEN: "its method raised an exception",
}

# "serving" is the umbrella for a thread that a connection holds.
SERVING = frozenset({State.READING, State.IDLE, State.HANDLING, State.WRITING})


def _moves() -> dict[State, frozenset[State]]:
    s = State
    # What a thread that holds nothing may begin; any verb may also be a method's last, hence the two ends.
    free = {s.CREATING, s.ACCEPTING, s.SELECTING, s.WAITING, s.HANDING_OVER, s.RECYCLING, s.ENDED, s.BROKEN}
    # What a thread that holds a connection or a request may do with it. A refusal (a 503, a 400) is written unhandled.
    holding = {s.READING, s.HANDLING, s.WRITING, s.WAITING_FOR_PLACE}
    return {
        s.STARTING: frozenset({s.LINGERING} | free | holding),
        s.CREATING: frozenset(free | holding),
        # Reading: in a loop accept does not block, and where it found nobody, the next connection's turn has come.
        s.ACCEPTING: frozenset({s.ACCEPTED, s.BACKING_OFF, s.READING} | free),
        s.ACCEPTED: frozenset(free | holding),
        s.BACKING_OFF: frozenset({s.ACCEPTING, s.ENDED, s.BROKEN}),
        s.SELECTING: frozenset(free | holding),
        s.HANDING_OVER: frozenset(free | holding),
        s.WAITING: frozenset({s.LINGERING} | free | holding),
        s.WAITING_FOR_PLACE: frozenset({s.READING, s.ENDED, s.BROKEN} | free),
        s.READING: frozenset({s.IDLE} | free | holding),
        s.IDLE: frozenset({s.READING} | free | holding),
        s.HANDLING: frozenset({s.WRITING, s.READING, s.IDLE} | free),
        s.WRITING: frozenset({s.IDLE} | free | holding),
        s.LINGERING: frozenset({s.WAITING, s.ENDED, s.BROKEN}),
        s.RECYCLING: frozenset({s.ACCEPTING, s.CREATING, s.HANDING_OVER, s.WAITING, s.ENDED, s.BROKEN}),
        s.ENDED: frozenset(),
        s.BROKEN: frozenset(),
    }


TRANSITIONS: dict[State, frozenset[State]] = _moves()
"""The moves that a thread may make: TRANSITIONS[before] holds every state that may come next."""


class Mark(StrEnum):
    """What happens without moving a thread: announced beside the moves, in the same stream, of one connection as a rule.

    ARRIVED is announced when the connection is accepted, and its time lies before: at that moment, at the latest, it was in
    the kernel's accept queue. SPAWNED names the new thread where the others name the connection. HANDED_OVER is of
    connection 0 where what is put on the queue holds none, as a worker that is wanted.
    """

    CLOSED = "closed"
    REFUSED = "refused"
    ARRIVED = "arrived"
    SPAWNED = "spawned"
    HANDED_OVER = "handed over"


FIRST_MARK = 64
"""A code below this is a state entered; a code from this on is a Mark."""
FIRST_QUEUE = 128
"""A code from this on is HANDED_OVER, to the named queue of position code - FIRST_QUEUE in the header."""
MARKS: tuple[Mark, ...] = tuple(Mark)
MARK_CODES: dict[Mark, int] = {mark: FIRST_MARK + position for position, mark in enumerate(MARKS)}


def mark_of(code: int) -> Mark:
    """The mark with this code, which is FIRST_MARK or above."""
    return Mark.HANDED_OVER if code >= FIRST_QUEUE else MARKS[code - FIRST_MARK]


def mark_name(mark: Mark) -> str:
    """The mark in the past tense, as an event: `Closed`, `HandedOver`."""
    return mark.name.title().replace("_", "")


EVENT_NAMES: dict[tuple[State, State], str] = {
    (State.ACCEPTING, State.ACCEPTED): "Accepted",
    (State.RECYCLING, State.ACCEPTING): "Recycled",
    (State.RECYCLING, State.ENDED): "EndedAsSurplus",
    (State.ACCEPTING, State.BACKING_OFF): "BackedOff",
    (State.WRITING, State.IDLE): "KeptAlive",
}
"""Moves that have a name of their own; every other move is called by the state it enters."""


def event_name(before: State, after: State) -> str:
    """The move's name in the past tense: `Accepted`, `Recycled`, else what was entered (`EnteredHandling`)."""
    if name := EVENT_NAMES.get((before, after)):
        return name
    if after in (State.ENDED, State.BROKEN):
        return after.name.title()
    return "Entered" + "".join(word.title() for word in after.name.split("_"))


# The word: sequence << 32 | descriptor << 8 | state code. One 64-bit store, so a reader never sees half of it.
WORD_STATE_BITS = 8
WORD_DESCRIPTOR_BITS = 24
WORD_SEQUENCE_SHIFT = WORD_STATE_BITS + WORD_DESCRIPTOR_BITS

ROW_WORDS = 4
"""A thread's row in the shared table: number, native id, word, unused."""
ROWS = 4096
"""Rows in the shared table; a thread beyond them is counted and shown, but the kernel cannot be asked about it."""


def unpack_word(word: int) -> tuple[int, int, State]:
    """(sequence, descriptor or 0, state) of one word from the shared table. The sequence wraps at 2**32."""
    descriptor = word >> WORD_STATE_BITS & (1 << WORD_DESCRIPTOR_BITS) - 1
    return word >> WORD_SEQUENCE_SHIFT, descriptor, STATES[word & (1 << WORD_STATE_BITS) - 1]
