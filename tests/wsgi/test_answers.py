"""Every form in which an application may answer, and what becomes of each that it may not."""

import re
import threading
from wsgiref.validate import validator

import pytest

from .wire import Answer, answers, connect, exchange, one, read_to_end, request

TEXT = [("Content-Type", "text/plain")]
SECRET = "the secret of the application"


class Closing:
    """An iterable of these pieces that knows how often it was closed. A piece that is an exception is raised."""

    def __init__(self, *pieces: object):
        self.pieces = iter(pieces)
        self.closed = 0
        self.was_closed = threading.Event()

    def __iter__(self):
        return self

    def __next__(self):
        piece = next(self.pieces)
        if isinstance(piece, BaseException):
            raise piece
        return piece

    def close(self) -> None:
        self.closed += 1
        self.was_closed.set()


class ClosingList(list):
    """A list that is to be closed all the same."""

    closed = 0

    def close(self) -> None:
        self.closed += 1


def answering(given: object, headers: list | None = None, status: str = "200 OK"):
    """An application that answers so, whatever it is asked."""

    def application(environ, start_response):
        start_response(status, [*TEXT] if headers is None else headers)
        return given() if callable(given) else given

    return application


def writing(*pieces: bytes, rest: tuple[bytes, ...] = ()):
    def application(environ, start_response):
        write = start_response("200 OK", [*TEXT])
        for piece in pieces:
            write(piece)
        return [*rest]

    return application


def late(environ, start_response):
    """A generator: nothing of it runs before it is iterated, start_response neither."""
    start_response("200 OK", [*TEXT])
    yield b"ab"
    yield b""
    yield b"c"


FORMS = {
    "a list": (answering([b"ab", b"c"]), b"abc"),
    "a tuple": (answering((b"ab", b"c")), b"abc"),
    "an empty list": (answering([]), b""),
    "a list of nothing": (answering([b"", b""]), b""),
    "a generator": (answering(lambda: (piece for piece in (b"a", b"", b"bc"))), b"abc"),
    "an empty generator": (answering(lambda: iter(())), b""),
    "an iterable with close": (answering(lambda: Closing(b"ab", b"c")), b"abc"),
    "a late start_response": (late, b"abc"),
    "write": (writing(b"ab", b"", b"c"), b"abc"),
    "write, then a list": (writing(b"ab", rest=(b"c",)), b"abc"),
    "write of nothing, then a list": (writing(b"", rest=(b"abc",)), b"abc"),
    "a length that is right": (answering([b"ab", b"c"], [*TEXT, ("Content-Length", "3")]), b"abc"),
    "a length, and a generator": (answering(lambda: iter((b"ab", b"c")), [*TEXT, ("content-length", "3")]), b"abc"),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_an_answer(serve, form: str):
    """And the connection lives on after each, to 1.1 and to a 1.0 client that asks for it where a length is known."""
    application, body = FORMS[form]
    server = serve(validator(application))
    for answer in exchange(server.port, request() * 2):
        assert (answer.status, answer.reason, answer.body, answer.complete) == (200, "OK", body, True)
        assert "connection" not in answer.fields
        assert ("content-length" in answer.fields) is not ("transfer-encoding" in answer.fields)
    old = exchange(server.port, request("/", "Connection: keep-alive", version="1.0") * 2)
    assert {(answer.status, answer.body) for answer in old} == {(200, body)}
    assert "transfer-encoding" not in old[0].fields
    if "content-length" in old[0].fields:
        assert [answer.fields["connection"] for answer in old] == ["keep-alive"] * 2
    else:
        assert [answer.fields["connection"] for answer in old] == ["close"]
    (head,) = exchange(server.port, request(method="HEAD"), "HEAD")
    assert (head.status, head.body) == (200, b"")


def test_twenty_pipelined_requests_are_answered_in_order_however_they_are_cut(serve):
    def application(environ, start_response):
        body = environ["wsgi.input"].read()
        start_response("200 OK", [*TEXT])
        pieces = [environ["PATH_INFO"].encode(), b" ", body]
        return pieces if int(environ["PATH_INFO"][1:]) % 2 else iter(pieces)

    server = serve(application)
    data = b"".join(
        request(f"/{number}", "Content-Length: 3", method="POST", body=b"%03d" % number) for number in range(20)
    )
    for size in (1, 7, 64, 1000, len(data)):
        with connect(server.port) as sock:
            for at in range(0, len(data), size):
                sock.sendall(data[at : at + size])
            sock.shutdown(1)
            found = answers(read_to_end(sock))
        assert [answer.body for answer in found] == [b"/%d %03d" % (number, number) for number in range(20)]


# ---- the framing ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
@pytest.mark.parametrize("given", [lambda: [b"abc"], lambda: iter([b"abc"])], ids=["list", "generator"])
def test_what_has_no_body_gets_none(serve, status: str, given):
    first, second = exchange(serve(answering(given, [("ETag", '"x"')], status)).port, request() * 2)
    assert (first.status, first.body, first.fields["etag"]) == (int(status[:3]), b"", '"x"')
    assert "transfer-encoding" not in first.fields and "content-length" not in first.fields
    assert second.status == first.status


def test_a_304_may_say_how_long_the_200_would_be_and_a_204_may_not(serve):
    """RFC 9110 sections 8.6 and 15.4.5."""
    headers = [("Content-Length", "3")]
    assert one(serve(answering([], headers, "304 Not Modified")).port, request()).fields["content-length"] == "3"
    assert "content-length" not in one(serve(answering([], headers, "204 No Content")).port, request()).fields


@pytest.mark.parametrize(
    ("application", "length"),
    [(answering([b"abc"]), "3"), (answering([], [("Content-Length", "3")]), "3"), (answering([]), None),
     (answering(lambda: iter([])), None), (answering(lambda: iter([b"abc"]), [("Content-Length", "3")]), "3"),
     (writing(b"abc"), None)],
    ids=["a body", "its length", "neither", "an empty generator", "a generator and its length", "write"],
)  # fmt: skip
def test_the_answer_to_a_head_says_the_length_of_the_get_or_none(serve, application, length):
    """RFC 9110 section 8.6: no Content-Length, unless it is that of the answer to a GET."""
    found = exchange(serve(application).port, request(method="HEAD") * 2, "HEAD", "HEAD")
    assert [answer.status for answer in found] == [200, 200]
    assert {answer.fields.get("content-length") for answer in found} <= {length, "3"} if length is None else {length}
    assert not any("transfer-encoding" in answer.fields for answer in found)


def test_a_head_does_not_wait_for_an_answer_without_end(serve):
    def endless():
        while True:
            yield b"abc"

    found = exchange(serve(answering(endless)).port, request(method="HEAD") * 2, "HEAD", "HEAD")
    assert [answer.status for answer in found] == [200, 200]


@pytest.mark.parametrize("form", ["list", "generator", "write"])
@pytest.mark.parametrize(("length", "sent"), [("2", b"ab"), ("4", b"abc"), ("0", b"")], ids=["long", "short", "none"])
def test_a_length_that_is_wrong_closes_the_connection_and_is_logged(serve, caplog, form, length, sent):
    headers = [*TEXT, ("Content-Length", length)]

    def write(environ, start_response):
        start_response("200 OK", headers)(b"abc")
        return []

    application = {"list": answering([b"a", b"bc"], headers), "write": write,
                   "generator": answering(lambda: iter([b"a", b"bc"]), headers)}[form]  # fmt: skip
    (answer,) = exchange(serve(application).port, request() * 2)
    assert (answer.status, answer.fields["content-length"], answer.body) == (200, length, sent)
    assert answer.complete is (length != "4")
    assert "than its Content-Length says" in caplog.text


def test_an_application_may_close_the_connection(serve):
    (answer,) = exchange(serve(answering([b"abc"], [("Connection", "Close")])).port, request() * 2)
    assert answer.fields["connection"] == "close"


def test_what_is_the_servers_to_say_is_left_out(serve):
    """PEP 3333 forbids hop-by-hop fields to an application; one that sends them all the same is served."""
    own = [("Transfer-Encoding", "gzip"), ("Keep-Alive", "max=3"), ("Upgrade", "x"), ("TE", "x"), ("Trailer", "x"),
           ("Connection", "x-a"), ("Proxy-Authenticate", "x")]  # fmt: skip
    answer = one(serve(answering([b"abc"], own)).port, request())
    assert (answer.body, set(answer.fields)) == (b"abc", {"date", "server", "content-length"})


def test_a_date_and_a_server_of_the_applications_own(serve):
    answer = one(serve(answering([], [("date", "then"), ("SERVER", "mine")])).port, request())
    assert (answer.fields["date"], answer.fields["server"]) == ("then", "mine")
    answer = one(serve(answering([], [])).port, request())
    assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", answer.fields["date"])
    assert answer.fields["server"].startswith("teachserve/")


def test_repeated_fields_and_latin_1_go_out_as_they_are(serve):
    cookies = [("Set-Cookie", "a=b"), ("Set-Cookie", "c=d"), ("X-Name", "J\xfcrgen"), ("X-Empty", "")]
    fields = one(serve(answering([], cookies)).port, request()).fields
    assert (fields["set-cookie"], fields["x-name"], fields["x-empty"]) == ("a=b, c=d", "J\xfcrgen", "")


@pytest.mark.parametrize(
    ("status", "code", "reason"),
    [("200 OK", 200, "OK"), ("200 Fine so far", 200, "Fine so far"), ("404", 404, "Not Found"), ("299 ", 299, "")],
)  # fmt: skip
def test_the_status_goes_out_as_the_application_says_it(serve, status, code, reason):
    answer = one(serve(answering([b"abc"], status=status)).port, request())
    assert (answer.status, answer.reason, answer.body) == (code, reason, b"abc")


# ---- what an application may not do --------------------------------------------------------------------------------


def raising(environ, start_response):
    raise ValueError(SECRET)


def leaving(environ, start_response):
    raise SystemExit(SECRET)


def twice(environ, start_response):
    start_response("200 OK", [*TEXT])
    start_response("200 OK", [*TEXT])
    return [b"abc"]


BROKEN = {
    "raises": raising,
    "raises SystemExit": leaving,
    "raises at once when it is iterated": answering(lambda: Closing(ValueError(SECRET))),
    "exits when it is iterated": answering(lambda: Closing(SystemExit(SECRET))),
    "returns None": answering(None),
    "returns text": answering("abc"),
    "gives a list of text": answering(["abc"]),
    "gives text": answering(lambda: iter(["abc"])),
    "gives None": answering(lambda: iter([None, 3])),
    "does not call start_response": lambda environ, start_response: [b"abc"],
    "does not call start_response, and gives nothing": lambda environ, start_response: iter(()),
    "calls start_response twice": twice,
    "writes text": writing("abc"),
    "has two lengths": answering([b"abc"], [("Content-Length", "3"), ("Content-Length", "3")]),
    "has no list of fields": answering([b"abc"], 3),
}  # fmt: skip


BAD_STATUSES = [
    "", "OK", "20", "2000 OK", "200OK", "100 Continue", "099 x", "\u0662\u0660\u0660 OK", "200 a\r\nX: b", "200 a\nb",
    "200 a\0", "200 \u2603", 200, b"200 OK", None,
]  # fmt: skip
BAD_FIELDS = [
    ("X-A", "a\r\nSet-Cookie: b"), ("X-A", "a\nb"), ("X-A", "a\rb"), ("X-A", "a\0b"), ("X-A", "a\r\n b"), ("X-A\r\nX-B", "a"),
    ("X A", "b"), ("X-A:", "b"), ("", "b"), ("X-\xfc", "b"), ("X-A", "\u2603"), ("X-A", b"b"), (b"X-A", "b"), ("X-A", None),
    ("Content-Length", "x"), ("Content-Length", "-1"), ("Content-Length", "+1"), ("Content-Length", ""),
    ("Content-Length", "3, 3"), ("Content-Length", "\u0663"), ("Content-Length", 3), ("only a name",),
]  # fmt: skip


@pytest.mark.parametrize("given", [lambda: [b"abc"], lambda: iter([b"abc"])], ids=["list", "generator"])
def test_a_bad_status_or_field_is_a_500_and_splits_no_answer(serve, caplog, given):
    broken = [answering(given, status=status) for status in BAD_STATUSES]
    broken += [answering(given, [field]) for field in BAD_FIELDS]
    server = serve(lambda environ, start_response: broken[int(environ["PATH_INFO"][1:])](environ, start_response))
    for number, bad in enumerate(BAD_STATUSES + BAD_FIELDS):
        answer = one(server.port, request(f"/{number}"))
        assert answer.status == 500, bad
        assert_nothing_leaks(answer)
        assert f"GET /{number} failed: Traceback" in caplog.text
    assert server.taskmaster.counts.broken == 0


@pytest.mark.parametrize("what", BROKEN)
def test_an_application_that_breaks_the_protocol_is_answered_500_and_the_log_says_why(serve, caplog, what: str):
    server = serve(BROKEN[what])
    answer = one(server.port, request())
    assert answer.status == 500
    assert_nothing_leaks(answer)
    one(server.port, request(method="HEAD"), "HEAD")
    assert server.taskmaster.counts.broken == 0, "it took a thread with it"
    assert "GET / failed: Traceback" in caplog.text


def assert_nothing_leaks(answer: Answer) -> None:
    said = f"{answer.reason} {answer.fields} {answer.body.decode('latin-1')}"
    assert SECRET not in said and "Traceback" not in said and "ValueError" not in said
    assert "set-cookie" not in answer.fields


@pytest.mark.parametrize("error", [ValueError, SystemExit, MemoryError, KeyboardInterrupt, GeneratorExit])
@pytest.mark.parametrize("form", ["generator", "write"])
def test_an_application_that_breaks_in_the_middle_of_its_answer_ends_only_that(serve, caplog, looping, form, error):
    """Nothing but the end can be said after the beginning; where nothing has begun, it is a 500. No worker ends of it."""
    source = Closing(b"abc", error(SECRET))

    def write(environ, start_response):
        start_response("200 OK", [*TEXT])(b"abc")
        raise error(SECRET)

    server = serve(write if form == "write" else answering(source))
    (answer,) = exchange(server.port, request() * 2) if not looping else exchange(server.port, request())
    if looping:
        assert answer.status == 500
    else:
        assert (answer.status, answer.body, answer.complete) == (200, b"abc", False)
    assert_nothing_leaks(answer)
    assert server.taskmaster.counts.broken == 0, "it took a thread with it"
    assert f"{error.__name__}: {SECRET}" in caplog.text
    assert source.closed == (form == "generator")


def test_an_error_in_close_is_logged_and_costs_no_thread(serve, caplog):
    class Sour(Closing):
        def close(self) -> None:
            super().close()
            raise SystemExit("sour")

    sources = [Sour(b"abc"), Sour(ValueError("first")), Sour(b"x" * 10)]
    server = serve(lambda environ, start_response: answering(
        sources[int(environ["PATH_INFO"][1:])], [("Content-Length", "3")]
    )(environ, start_response))  # fmt: skip
    for number in range(3):
        exchange(server.port, request(f"/{number}"))
    assert [source.closed for source in sources] == [1, 1, 1]
    assert server.taskmaster.counts.broken == 0
    assert caplog.text.count("SystemExit: sour") == 3


def test_a_request_cannot_write_lines_of_its_own_into_the_log(serve, caplog):
    one(serve(raising).port, request("/a%0AERROR%20forged"))
    assert "\nERROR forged" not in caplog.text


def test_start_response_may_be_called_as_late_as_before_the_first_byte(serve):
    def application(environ, start_response):
        yield b""
        yield from late(environ, start_response)

    assert one(serve(application).port, request()).body == b"abc"


# ---- exc_info ------------------------------------------------------------------------------------------------------


def restarting(*before: bytes, form: str):
    """An application that finds out late that something went wrong, and says so by exc_info."""

    def application(environ, start_response):
        write = start_response("200 OK", [*TEXT, ("Content-Length", "99")])
        if form == "write":
            for piece in before:
                write(piece)
        else:
            yield from before
        try:
            raise ValueError(SECRET)
        except ValueError as error:
            start_response("503 Sorry", [("X-Again", "yes")], (ValueError, error, error.__traceback__))
            yield b"sorry"

    return application


@pytest.mark.parametrize("form", ["write", "generator"])
def test_exc_info_before_any_output_replaces_the_answer(serve, form):
    for before in ((), (b"",)):
        answer = one(serve(restarting(*before, form=form)).port, request())
        assert (answer.status, answer.reason, answer.body) == (503, "Sorry", b"sorry")
        assert answer.fields["x-again"] == "yes"
        assert "content-type" not in answer.fields


@pytest.mark.parametrize("form", ["write", "generator"])
def test_exc_info_after_output_raises_the_error_again(serve, looping, caplog, form):
    """PEP 3333: once headers have been sent. In an event loop nothing has been sent while the application runs."""
    found = exchange(serve(restarting(b"abc", form=form)).port, request())
    assert len(found) == 1
    assert found[0].fields.get("x-again") is None
    assert_nothing_leaks(found[0])
    assert f"ValueError: {SECRET}" in caplog.text
    if looping:
        assert found[0].status == 500
    else:
        assert (found[0].status, found[0].body, found[0].complete) == (200, b"abc", False)


def test_write_after_the_iterable_has_begun_is_an_error(serve, looping, caplog):
    """PEP 3333: an application must not use write from within its iterable."""

    def application(environ, start_response):
        write = start_response("200 OK", [*TEXT])
        yield b"abc"
        write(b"out of order")

    (answer,) = exchange(serve(application).port, request())
    assert b"out of order" not in answer.body
    assert (answer.status, answer.complete) == ((500, True) if looping else (200, False))


# ---- close ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("status", ["200 OK", "304 Not Modified"])
def test_the_iterable_is_closed_once(serve, method, status):
    sources = {"/iterable": Closing(b"ab", b"c"), "/empty": Closing(), "/list": ClosingList([b"abc"])}

    def application(environ, start_response):
        start_response(status, [*TEXT])
        return sources[environ["PATH_INFO"]]

    server = serve(application)
    for path, source in sources.items():
        exchange(server.port, request(path, method=method), method)
        assert source.closed == 1, path


@pytest.mark.parametrize("headers", [[("X-A", "a\nb")], [("Content-Length", "2")], [("Content-Length", "9")]])
def test_the_iterable_of_an_answer_that_cannot_be_sent_is_closed_once(serve, headers):
    source = Closing(b"ab", b"c")
    exchange(serve(answering(source, headers)).port, request())
    assert source.closed == 1


def test_the_iterable_of_an_application_that_never_started_is_closed_once(serve):
    source = Closing(b"abc")
    assert one(serve(lambda environ, start_response: source).port, request()).status == 500
    assert source.closed == 1
