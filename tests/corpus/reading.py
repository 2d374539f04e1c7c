"""What the machine makes of bytes, without a socket, in the terms of the case files."""

from collections.abc import Iterable
from dataclasses import dataclass

from teachserve.connection import Limits
from teachserve.errors import Refusal
from teachserve.message import Request, Response
from teachserve.protocol import Machine
from teachserve.server import Server
from tests.corpus.cases import LIMITS, Answer, Case

AFTERWARDS = b"GET /afterwards HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
"""What is sent behind a case: answered where the connection is open, never interpreted where it is closed."""
OK = 200
_LIMITS = Limits.of(Server(None, "recycling", **LIMITS).options)


@dataclass(frozen=True, slots=True)
class Reading:
    """The answers in order, and whether the connection is closed after them."""

    answers: tuple[Answer, ...]
    closed: bool


def status(request: Request) -> int:
    """The status with which the tests' application answers: a tunnel is the one thing that it does not make."""
    return 405 if request.method == "CONNECT" else OK


def given(request: Request) -> Answer:
    """What the application was given, with all its fields."""
    return Answer(status(request), request.method, request.target, request.body, tuple(request.headers))


def read(pieces: Iterable[bytes], half_closes: bool = False) -> Reading:
    """Feed the pieces one by one; then, if the client half-closes, its end.

    After the last answer it is made sure that the machine is in step where it is open, and reads nothing more where
    it is closed. Raises: AssertionError; and whatever the machine raises beside Refusal.
    """
    machine = Machine(_LIMITS)
    answers: list[Answer] = []
    for piece in [*pieces, b""] if half_closes else pieces:
        if machine.finished:
            break
        machine.receive(piece)
        answers += _requests(machine)
    closed = machine.finished
    if closed:
        machine.receive(AFTERWARDS)
        assert not _requests(machine), "something was interpreted after the end"
    return Reading(tuple(answers), closed)


def in_step_after(pieces: Iterable[bytes]) -> bool:
    """Whether the request that follows these pieces is understood as what it is."""
    last = read([*pieces, AFTERWARDS]).answers[-1:]
    return bool(last) and (last[0].method, last[0].target, last[0].body) == ("GET", b"/afterwards", b"")


def mismatch(case: Case, reading: Reading) -> str:
    """What of a reading is not as the case says, as one line; "" where nothing."""
    for number, (wanted, got) in enumerate(zip(case.answers, reading.answers, strict=False), 1):
        names = {name for name, _ in wanted.fields}
        fields = tuple(pair for pair in got.fields if pair[0] in names)
        seen = Answer(got.status, got.method, got.target, got.body, fields)
        if seen != wanted:
            return f"answer {number} is {seen}, not {wanted}"
    if len(reading.answers) != len(case.answers):
        return f"{len(reading.answers)} answers instead of {len(case.answers)}: {reading.answers}"
    if reading.closed != case.closed:
        return f"the connection is {'closed' if reading.closed else 'open'}"
    return ""


def _requests(machine: Machine) -> list[Answer]:
    found = []
    try:
        while (request := machine.next_request()) is not None:
            response = Response()
            response.request = request
            machine.answer(response, last=False)
            found.append(given(request))
    except Refusal as refusal:
        assert machine.finished, "a refusal ends the connection"
        found.append(Answer(refusal.status))
    return found
