"""Generated and changed requests: h11 as the oracle, and the same result however the bytes are cut."""

import itertools
from dataclasses import replace

import h11
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.corpus import cases, oracle
from tests.corpus.invariants import disagreement, fault
from tests.corpus.mutation import mutate
from tests.corpus.reading import Answer, Reading, in_step_after, mismatch, read

# The same examples in every run: a run that fails, fails for what was changed. `fuzz` is there to look further.
bounded = settings(max_examples=250, derandomize=True, database=None)
CASES = cases.load()
SEEDS = [case.data for case in CASES]

methods = st.sampled_from(["GET", "POST", "HEAD", "PUT", "OPTIONS", "DELETE", "PATCH", "CONNECT", "get", "G(T", "BREW"])
targets = st.sampled_from(
    ["/", "/a?b=c", "*", "http://x/a", "http://x", "x:443", "a", "/a#b", "/\xe9", "//x/a", "ftp://x/", ""]
)
versions = st.sampled_from(
    ["HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.0", "HTTP/1.2", "HTTP/2.0", "http/1.1", "HTTP/1.1 "]
)
names = st.sampled_from(["Content-Length", "Transfer-Encoding", "Connection", "Host", "Expect", "Upgrade", "TE", "X",
                         "x-Y_z", "X ", "", "X\0"])  # fmt: skip
blanks = st.sampled_from(["", " ", " ", "\t", "  ", " \t ", "\x0b", "\r\n "])
values = st.one_of(
    st.sampled_from(["5", "0", "05", "+5", "5, 5", "chunked", "Chunked", "gzip, chunked", "chunked, gzip", "identity", "close",
                     "keep-alive", "Close, x", "x", "y:80", "[::1]", "a b", "100-continue", "h2c", "a\0b",
                     "a\rb", "a\nb", "\xff", ""]),
    st.text(st.characters(max_codepoint=255), max_size=6),
)  # fmt: skip
fields = st.builds("{}:{}{}{}\r\n".format, names, blanks, values, blanks)
bodies = st.sampled_from(
    ["", "", "hello", "5\r\nhello\r\n0\r\n\r\n", "5;a=b\r\nhello\r\n0\r\nX: y\r\n\r\n", "05 ;a\r\nhello\r\n00\r\n\r\n",
     "5\nhello\n0\n\n", "0x5\r\nhello\r\n0\r\n\r\n", "5\r\nhelloXX0\r\n\r\n", "5\r\nhel"]
)  # fmt: skip


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    """A request, often a good one, with a Host and up to three more fields."""
    host = draw(st.sampled_from(["Host: x\r\n", "Host: x\r\n", "Host: x\r\n", "Host: x:80\r\n", ""]))
    head = f"{draw(methods)} {draw(targets)} {draw(versions)}\r\n{host}"
    return f"{head}{''.join(draw(st.lists(fields, max_size=3)))}\r\n{draw(bodies)}".encode("latin-1")


@bounded
@given(st.lists(requests(), min_size=1, max_size=3).map(b"".join))
def test_generated_requests_keep_every_invariant(data: bytes):
    assert not (broken := fault(data)), (broken, data)


@bounded
@given(st.sampled_from(SEEDS), st.randoms(use_true_random=False))
def test_changed_cases_keep_every_invariant(data: bytes, chance):
    changed = mutate(data, chance, SEEDS)
    assert not (broken := fault(changed)), (broken, changed)


@bounded
@given(st.binary(max_size=64))
def test_bytes_of_chance_keep_every_invariant(data: bytes):
    assert not (broken := fault(data)), (broken, data)


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_what_a_case_lets_pass_h11_reads_as_the_same(case: cases.Case):
    """The expectations themselves stand against a second reader."""
    accepted = tuple(itertools.takewhile(lambda answer: answer.method, case.answers))
    theirs = oracle.read(case.data).answers[: len(accepted)]
    assert not mismatch(replace(case, answers=accepted, closed=True), Reading(theirs, True))


def plain(data: bytes) -> tuple[str, list[bytes], bool]:
    """How h11 by itself ends a message, the values of its fields, and whether the connection lives on after a 405."""
    connection = h11.Connection(h11.SERVER)
    connection.receive_data(data)
    try:
        request = connection.next_event()
        while not isinstance(connection.next_event(), h11.EndOfMessage):
            continue
    except h11.RemoteProtocolError:
        return "refused", [], False
    connection.send(h11.Response(status_code=405, headers=[("Content-Length", "0")]))
    connection.send(h11.EndOfMessage())
    return "read", [value for _, value in request.headers], connection.our_state is h11.DONE


GET = b"GET / HTTP/1.%d\r\nHost: x\r\n"
CHUNKED = GET % 1 + b"Transfer-Encoding: %s\r\n\r\n"
DIFFERING = {
    "empty lines before a request line": (b"\r\n" + GET % 1 + b"\r\n", ("refused", [], False)),
    "blanks before a chunk extension": (CHUNKED % b"chunked" + b"0 ;a\r\n\r\n", ("refused", [], False)),
    "framing fields among the trailers": (CHUNKED % b"chunked" + b"0\r\nContent-Length: x\r\n\r\n", ("refused", [], False)),
    "HTTP/1.0 with Connection: keep-alive": (
        GET % 0 + b"Connection: keep-alive\r\n\r\n", ("read", [b"x", b"keep-alive"], False)
    ),
    "CONNECT": (b"CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n", ("read", [b"x"], True)),
    "Host with a whole address as the target": (
        b"GET http://y/ HTTP/1.1\r\nHost: x\r\n\r\n", ("read", [b"x"], True)
    ),
    "the value of Transfer-Encoding": (CHUNKED % b"Chunked" + b"0\r\n\r\n", ("read", [b"x", b"chunked"], True)),
}  # fmt: skip


@pytest.mark.parametrize("difference", oracle.DIFFERENCES)
def test_each_difference_of_h11_is_still_one(difference: str):
    data, theirs = DIFFERING[difference]
    assert plain(data) == theirs
    (ours,) = read([data]).answers
    lives = in_step_after([data])
    assert ("read", [value for _, value in ours.fields], lives) != theirs


def test_a_disagreement_is_told():
    good, other, refused = Answer(200, "GET", b"/"), Answer(200, "GET", b"/2"), Answer(400)

    def told(ours: list[Answer], theirs: list[Answer]) -> str:
        return disagreement(Reading(tuple(ours), True), Reading(tuple(theirs), True))

    assert told([good], [good]) == told([good, refused], [good, other]) == told([refused], [good]) == ""
    assert "refuses request 1" in told([good], [refused])
    assert "reads request 1 as" in told([good], [other])
    assert "finds no request 2" in told([good, good], [good])
    assert "goes on with" in told([good], [good, refused])
