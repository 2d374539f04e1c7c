"""The access log: what a line says, that nobody can forge one, and what happens when it cannot be written."""

import contextlib
import fcntl
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from teachserve import access_log, log_lane
from teachserve.access_log import AccessLog
from teachserve.architectures import NAMES
from teachserve.conformance import Client, get
from teachserve.errors import AccessLogError
from teachserve.log_lane import Lane
from teachserve.message import Request
from teachserve.server import Server

PATIENCE_S = 20
PEER = ("127.0.0.1", 54321)
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
COMBINED = re.compile(
    r'(?P<host>[^ "]+) - - \[(?P<time>\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4})\] "(?P<request>[ !#-\[\]-~\\]*)" '
    r'(?P<status>\d{3}) (?P<size>\d+|-) "(?P<referer>[^"]*)" "(?P<agent>[^"]*)" (?P<us>\d+)'
)


def request(target: bytes = b"/yo", method: str = "GET", **headers: bytes) -> Request:
    named = [(name.replace("_", "-").encode(), value) for name, value in headers.items()]
    return Request(method, target, [(b"host", b"localhost"), *named], (1, 1))


def eventually(reached: Callable[[], object]) -> object:
    """What `reached` gives once it is true."""
    deadline = time.monotonic() + PATIENCE_S
    while not (value := reached()):
        assert time.monotonic() < deadline, "it did not happen"
        threading.Event().wait(0.01)
    return value


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "access.log"


@pytest.fixture
def log(path: Path) -> Iterator[AccessLog]:
    log = AccessLog(path)
    yield log
    log.close()


def add(log: AccessLog, what: Request | None, status: int = 200, size: int = 4) -> None:
    lane = log.lane()
    lane.add(time.monotonic_ns(), PEER, what, status, size)
    log.give_back(lane)


def written(log: AccessLog, path: Path) -> list[str]:
    log.close()
    return path.read_text("ascii").splitlines()


def parse(line: str) -> dict[str, str]:
    match = COMBINED.fullmatch(line)
    assert match, line
    return match.groupdict()


# ---- what a line says ----------------------------------------------------------------------------------------------


def test_a_line_is_in_the_combined_format_with_the_microseconds_behind_it(log, path):
    before = int(time.time())
    lane = log.lane()
    began = time.monotonic_ns() - 1_500_000
    lane.add(began, PEER, request(b"/yo?name=Dude", referer=b"http://a.example/", user_agent=b"Dude/1.0"), 200, 10)
    (line,) = written(log, path)
    told = parse(line)
    at = time.mktime(time.strptime(told.pop("time")[:20], "%d/%b/%Y:%H:%M:%S"))
    assert before - 2 <= at <= time.time()
    assert 1500 <= int(told.pop("us")) <= PATIENCE_S * 1_000_000
    assert told == {
        "host": "127.0.0.1", "request": "GET /yo?name=Dude HTTP/1.1", "status": "200", "size": "10",
        "referer": "http://a.example/", "agent": "Dude/1.0",
    }  # fmt: skip


def test_the_time_of_day_is_local_with_its_offset(monkeypatch):
    monkeypatch.setenv("TZ", "NST+3:30")
    time.tzset()
    try:
        assert log_lane.time_stamp(0) == "31/Dec/1969:20:30:00 -0330"
    finally:
        monkeypatch.undo()
        time.tzset()


def test_what_is_not_there_is_a_dash(log, path):
    add(log, request(), 304, 0)
    add(log, None, 400, 20)
    no_body, not_understood = (parse(line) for line in written(log, path))
    assert (no_body["size"], no_body["referer"], no_body["agent"]) == ("-", "-", "-")
    assert (not_understood["request"], not_understood["status"]) == ("-", "400")


def test_lines_of_many_threads_are_all_there_and_each_is_whole(log, path):
    each, threads = 500, 8

    def work(number: int) -> None:
        for turn in range(each):
            add(log, request(b"/%d/%d" % (number, turn)))

    workers = [threading.Thread(target=work, args=(number,)) for number in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    targets = [parse(line)["request"].split()[1] for line in written(log, path)]
    assert sorted(targets) == sorted(f"/{number}/{turn}" for number in range(threads) for turn in range(each))
    assert log.dropped == 0


def test_a_lane_given_back_is_the_next_threads_and_loses_nothing(log, path):
    first = log.lane()
    first.add(time.monotonic_ns(), PEER, request(b"/first"), 200, 4)
    log.give_back(first)
    second = log.lane()
    assert second is first
    second.add(time.monotonic_ns(), PEER, request(b"/second"), 200, 4)
    assert [parse(line)["request"].split()[1] for line in written(log, path)] == ["/first", "/second"]


def test_no_line_is_lost_or_mangled_while_it_is_taken_from_its_lane():
    """The log's thread takes without a pause what the owner adds without one. A bytearray for a lane crashed 3.13t here."""
    lane, taken, number = Lane([]), [], 0
    ended = threading.Event()

    def take() -> None:
        while not ended.is_set() or lane.lines:
            taken.append(lane.take())

    taker = threading.Thread(target=take)
    taker.start()
    for number in range(20_000):
        lane.add(0, PEER, request(b"/%d" % number), 200, 4)
    ended.set()
    taker.join(PATIENCE_S)
    assert not taker.is_alive()
    targets = [parse(line)["request"].split()[1] for line in b"".join(taken).decode("ascii").splitlines()]
    assert targets == [f"/{number}" for number in range(20_000)]
    assert lane.dropped == 0


def test_a_lane_has_some_room_and_more_only_while_all_of_them_have(monkeypatch):
    monkeypatch.setattr(log_lane, "LEAST_ROOM", 150)
    monkeypatch.setattr(log_lane, "MOST_WAITING", 400)
    lanes: list[Lane] = []
    lanes += [Lane(lanes), Lane(lanes)]
    told = [0, 0]
    for turn in range(2):
        for lane in lanes:
            for _ in range(20):
                lane.add(0, PEER, request(), 200, 4)
        first, second = (lane.take() for lane in lanes)
        assert 400 <= len(first) < 400 + 150 + 100
        assert 150 <= len(second) < 150 + 100
        told = [told[0] + first.count(b"\n"), told[1] + second.count(b"\n")]
        assert [lane.dropped + count for lane, count in zip(lanes, told, strict=True)] == [20 * (turn + 1)] * 2


def test_a_lane_keeps_the_words_of_a_bounded_number_of_requests(monkeypatch):
    monkeypatch.setattr(log_lane, "MOST_KNOWN", 3)
    monkeypatch.setattr(log_lane, "MOST_KNOWN_LENGTH", 100)
    lane = Lane([])
    for number in [*range(10), 9, 0]:
        lane.add(0, PEER, request(b"/%d" % number), 200, 4)
        assert len(lane._known) <= 3
    lane.add(0, PEER, request(b"/" + 100 * b"x"), 200, 4)
    assert not any(100 * b"x" in said[1] for said in lane._known)
    targets = [parse(line)["request"].split()[1] for line in lane.take().decode().splitlines()]
    assert targets == [f"/{number}" for number in [*range(10), 9, 0]] + ["/" + 100 * "x"]


def test_a_line_says_when_its_own_request_began():
    """Not when the one before it did: requests that take long end after others that began later."""
    lane = Lane([])
    now = time.monotonic_ns()
    for seconds_ago in (0, 90, 0, 1, 90):
        lane.add(now - seconds_ago * 1_000_000_000, PEER, request(), 200, 4)
    told = [parse(line)["time"][:20] for line in lane.take().decode().splitlines()]
    at = [time.mktime(time.strptime(stamp, "%d/%b/%Y:%H:%M:%S")) for stamp in told]
    assert [at[0] - second for second in at] == [0, 90, 0, 1, 90]


def test_a_wall_clock_that_is_set_is_followed_within_a_second(monkeypatch):
    lane = Lane([])
    now, wall = time.monotonic_ns(), time.time_ns()
    lane.add(now - 1_000_000_000, PEER, request(), 200, 4)
    monkeypatch.setattr("teachserve.log_lane.time.time_ns", lambda: wall + 3600 * 1_000_000_000)
    lane.add(now, PEER, request(), 200, 4)
    first, second = (parse(line)["time"][:20] for line in lane.take().decode().splitlines())
    first, second = (time.mktime(time.strptime(stamp, "%d/%b/%Y:%H:%M:%S")) for stamp in (first, second))
    assert 3600 <= second - first <= 3602


def test_a_thread_makes_anew_what_another_left_in_its_lane(log):
    """Objects of another thread are dear without a GIL: reused, they cost a server of short-lived threads a tenth."""
    lane = log.lane()
    lane.add(time.monotonic_ns(), PEER, request(), 200, 4)
    known = lane._known
    log.give_back(lane)
    assert log.lane() is lane
    assert known
    assert not lane._known


def test_no_byte_in_method_target_referer_or_agent_forges_a_line_or_a_field():
    lane = Lane([])
    for number in range(256):
        raw = bytes([number])
        forged = b'x%s" 200 4 "-" "-" 0\n127.0.0.1 - - [' % raw
        headers = [(b"referer", forged), (b"user-agent", forged)]
        lane.add(0, PEER, Request(forged.decode("latin-1"), forged, headers, (1, 1)), 404, 0)
        line = lane.take().decode("ascii")
        assert line.count("\n") == 1
        told = parse(line.removesuffix("\n"))
        plain = 0x20 <= number < 0x7F and raw not in b'"\\'
        byte = raw.decode() if plain else f"\\x{number:02X}"
        safe = rf"x{byte}\x22 200 4 \x22-\x22 \x22-\x22 0\x0A127.0.0.1 - - ["
        assert (told["request"], told["referer"], told["agent"]) == (f"{safe} {safe} HTTP/1.1", safe, safe)


def test_a_log_appends_to_what_is_there(path):
    path.write_text("what was there\n")
    log = AccessLog(path)
    add(log, request())
    first, second = written(log, path)
    assert first == "what was there"
    assert parse(second)


# ---- rotation ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("removed", [False, True])
def test_a_file_moved_or_removed_is_opened_anew(log, path, removed):
    add(log, request(b"/before"))
    eventually(lambda: path.read_text())
    if removed:
        path.unlink()
    else:
        moved = path.rename(path.with_suffix(".1"))
    eventually(path.exists)
    add(log, request(b"/after"))
    (line,) = written(log, path)
    assert parse(line)["request"] == "GET /after HTTP/1.1"
    if not removed:
        assert [parse(line)["request"] for line in moved.read_text().splitlines()] == ["GET /before HTTP/1.1"]


def test_a_file_that_cannot_be_opened_anew_goes_on_where_it_is(log, path, caplog):
    add(log, request(b"/before"))
    eventually(lambda: path.read_text())
    moved = path.rename(path.with_suffix(".1"))
    path.mkdir()
    eventually(lambda: "cannot be opened anew" in caplog.text)
    add(log, request(b"/after"))
    log.close()
    assert len(moved.read_text().splitlines()) == 2
    assert log.dropped == 0


# ---- when it cannot be written -------------------------------------------------------------------------------------


class Pipe:
    """A FIFO with its reading end; as small as the system lets it be."""

    def __init__(self, path: Path):
        self.path = path
        os.mkfifo(path)
        self.reading = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        fcntl.fcntl(self.reading, getattr(fcntl, "F_SETPIPE_SZ", 1031), 4096)

    def read(self) -> bytes:
        try:
            return os.read(self.reading, 65536)
        except BlockingIOError:
            return b""


@pytest.fixture
def pipe(tmp_path: Path) -> Iterator[Pipe]:
    pipe = Pipe(tmp_path / "pipe")
    yield pipe
    os.close(pipe.reading)


def test_a_full_disk_is_said_once_and_every_line_lost_is_counted(caplog):
    log = AccessLog("/dev/full")
    for lost in range(1, 4):
        add(log, request())
        eventually(lambda lost=lost: log.dropped == lost)
    log.close()
    said = [record.getMessage() for record in caplog.records]
    assert [line for line in said if "No space left" in line] == [
        "access log /dev/full: lines are dropped until it works again: No space left on device"
    ]
    assert said[-1] == "access log /dev/full: 3 lines were lost"


def test_it_says_so_when_it_works_again(path, tmp_path, monkeypatch, caplog):
    """The disk is full, then the log is moved to where there is room."""
    monkeypatch.setattr(access_log, "QUIET_S", 0)
    path.symlink_to("/dev/full")
    log = AccessLog(path)
    add(log, request())
    eventually(lambda: "No space left" in caplog.text)
    path.unlink()
    eventually(path.exists)
    add(log, request())
    eventually(lambda: "works again; 1 lines were lost" in caplog.text)
    assert len(written(log, path)) == 1
    assert len(caplog.records) == 2


def test_a_closed_pipe_costs_lines_and_nothing_else(tmp_path, caplog):
    pipe = Pipe(tmp_path / "pipe")
    log = AccessLog(pipe.path)
    os.close(pipe.reading)
    add(log, request())
    eventually(lambda: log.dropped == 1)
    add(log, request())
    eventually(lambda: log.dropped == 2)
    log.close()
    assert sum("Broken pipe" in record.getMessage() for record in caplog.records) == 1


def test_a_pipe_that_nobody_reads_blocks_nobody_and_its_backlog_is_bounded(pipe, monkeypatch, caplog):
    monkeypatch.setattr(log_lane, "LEAST_ROOM", 10_000)
    monkeypatch.setattr(log_lane, "MOST_WAITING", 30_000)
    log = AccessLog(pipe.path)
    lane = log.lane()
    for number in range(5000):
        lane.add(time.monotonic_ns(), PEER, request(b"/%d" % number), 200, 4)
    assert sum(map(len, tuple(lane.lines))) <= 30_000 + 10_000 + 1000
    eventually(lambda: "lines are dropped until it works again: it takes them too slowly" in caplog.text)
    received = bytearray()
    assert log.dropped >= 1

    def drain() -> bool:
        received.extend(pipe.read())
        return received.count(b"\n") + log.dropped == 5000

    eventually(drain)
    log.close()
    numbers = [int(parse(line)["request"].split()[1][1:]) for line in received.decode().splitlines()]
    assert numbers == sorted(set(numbers))


def test_a_close_does_not_wait_for_a_pipe_that_nobody_reads(pipe):
    log = AccessLog(pipe.path)
    for _ in range(500):
        add(log, request())
    log.close()
    assert not log._thread.is_alive()
    received = b""
    while more := pipe.read():
        received += more
    assert received.count(b"\n") + log.dropped == 500
    assert log.dropped


def test_a_line_cut_short_does_not_run_into_the_next(tmp_path, monkeypatch):
    """The disk is full in the middle of a line."""
    path = tmp_path / "access.log"
    log = AccessLog(path)
    write, fail = os.write, [5, OSError(28, "No space left on device")]

    def full(descriptor: int, data: memoryview) -> int:
        if not fail:
            return write(descriptor, data)
        step = fail.pop(0)
        if isinstance(step, OSError):
            raise step
        return write(descriptor, data[:step])

    monkeypatch.setattr("teachserve.log_file.os.write", full)
    add(log, request(b"/cut"))
    eventually(lambda: log.dropped == 1)
    add(log, request(b"/whole"))
    cut, whole = written(log, path)
    assert len(cut) == 5
    assert parse(whole)["request"] == "GET /whole HTTP/1.1"


def test_an_answer_of_which_no_line_can_be_made_costs_that_line_and_is_said(log, path, caplog):
    lane = log.lane()
    lane.add(time.monotonic_ns(), (), request(), 200, 4)
    eventually(lambda: "dropped until it works again: no line can be made: IndexError" in caplog.text)
    assert log.dropped == 1
    add(log, request())
    assert len(written(log, path)) == 1


def test_a_round_that_fails_costs_what_it_had_taken_and_does_not_end_the_log(log, path, monkeypatch, caplog):
    lanes = [log.lane(), log.lane()]
    steps = iter([Lane.take, None])

    def take(lane: Lane) -> bytes:
        if step := next(steps, Lane.take):
            return step(lane)
        raise MemoryError

    with monkeypatch.context() as patched:
        patched.setattr(Lane, "take", take)
        for lane in lanes:
            lane.add(time.monotonic_ns(), PEER, request(), 200, 4)
        eventually(lambda: "a round failed" in caplog.text)
    assert len(written(log, path)) + log.dropped == 2


def test_a_stdout_that_was_closed_before_we_began_is_left_alone(tmp_path):
    """The number 1 is then the next file that is opened: a client's connection, for one."""
    script = f"""if 1:
        import time
        from teachserve.access_log import AccessLog
        with open({str(tmp_path / "other")!r}, "wb", buffering=0) as other:
            assert other.fileno() == 1
            log = AccessLog("-")
            log.lane().add(time.monotonic_ns(), None, None, 400, 0)
            log.close()
        """
    command = ["sh", "-c", 'exec "$0" -c "$1" >&-', sys.executable, script]
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT, timeout=PATIENCE_S)
    assert (done.returncode, done.stderr) == (0, "stdout is closed: there is no access log\n")
    assert (tmp_path / "other").read_bytes() == b""


@pytest.mark.parametrize("where", ["no/such/folder/access.log", "."])
def test_a_file_that_cannot_be_opened_is_an_error_that_names_it(tmp_path, where):
    with pytest.raises(AccessLogError, match=re.escape(str(tmp_path / where))):
        AccessLog(tmp_path / where)


def test_a_pipe_without_a_reader_is_an_error_and_no_wait(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(AccessLogError, match="nobody reads this pipe"):
        AccessLog(tmp_path / "pipe")


# ---- the server and the command line -------------------------------------------------------------------------------


def test_a_server_without_a_log_has_no_thread_for_one_and_with_one_ends_it(path):
    with Server():
        assert not [thread for thread in threading.enumerate() if thread.name == "access-log"]
    with Server(access_log=path) as server:
        assert [thread for thread in threading.enumerate() if thread.name == "access-log"]
    assert server.report.clean
    assert path.read_text() == ""


@pytest.mark.parametrize("architecture", [*NAMES, "event-loop, offload"])
def test_every_answer_has_its_line_refusals_too(path, architecture):
    architecture, _, offload = architecture.partition(", ")
    options = {"offload": 2} if offload else {}
    with Server(arch=architecture, access_log=path, **options) as server:
        with Client(server.port) as client:
            client.send(get("/yo") + get("/yo?name=Dude") + get("/nowhere"))
            answers = [client.answer(), client.answer(), client.answer()]
        with Client(server.port, heads_only=True) as client:
            client.send(b"HEAD /yo HTTP/1.1\r\nHost: x\r\nUser-Agent: test\r\nConnection: close\r\n\r\n")
            client.answer()
        with Client(server.port) as client:
            client.send(b"GET /yo HTTP/1.1\r\n\r\n")
            refused = client.answer()
    told = [parse(line) for line in path.read_text("ascii").splitlines()]
    assert sorted((line["request"], line["status"], line["size"]) for line in told) == sorted([
        ("GET /yo HTTP/1.1", "200", str(len(answers[0].body))),
        ("GET /yo?name=Dude HTTP/1.1", "200", str(len(answers[1].body))),
        ("GET /nowhere HTTP/1.1", "404", str(len(answers[2].body))),
        ("HEAD /yo HTTP/1.1", "200", "-"),
        ("-", "400", str(len(refused.body))),
    ])  # fmt: skip
    assert all(line["host"] == "127.0.0.1" and int(line["us"]) < PATIENCE_S * 1_000_000 for line in told)


@pytest.mark.parametrize("architecture", NAMES)
def test_answers_are_the_same_when_the_disk_is_full(architecture, caplog):
    with Server(arch=architecture, access_log="/dev/full") as server:
        for _ in range(5):
            with Client(server.port) as client:
                client.send(get())
                assert client.answer().body == b"Hey!"
    assert server.report.clean
    assert "/dev/full: 5 lines were lost" in caplog.text


def test_a_server_whose_log_cannot_be_opened_does_not_listen(tmp_path):
    with pytest.raises(AccessLogError):
        Server(access_log=tmp_path).start()


def run_serve(*options: str, **variables: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "teachserve", "serve", "--port", "0", *options],
        capture_output=True, text=True, env=ENVIRONMENT | variables, timeout=PATIENCE_S,
    )  # fmt: skip


def test_a_log_that_cannot_be_written_is_one_line_and_status_2(tmp_path):
    missing = str(tmp_path / "no" / "log")
    for done in (run_serve("--access-log", missing), run_serve(TEACHSERVE_ACCESS_LOG=missing)):
        assert (done.returncode, done.stdout) == (2, "")
        (line,) = done.stderr.splitlines()
        assert line.endswith("/no/log cannot be opened: No such file or directory; see --access-log")


@pytest.mark.parametrize(("options", "lines"), [((), 1), (("--access-log", "none"), 0)])
def test_serve_logs_to_stdout_unless_told_otherwise(options, lines):
    serving = subprocess.Popen(
        [sys.executable, "-m", "teachserve", "serve", "--port", "0", *options],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT,
    )  # fmt: skip
    with serving, contextlib.ExitStack() as stack:
        stack.callback(serving.kill)
        port = next(
            int(found[1]) for line in serving.stderr if (found := re.search(r"serves on http://.*:(\d+) ", line))
        )
        with Client(port) as client:
            client.send(get())
            client.answer()
        serving.terminate()
        told, _ = serving.communicate(timeout=PATIENCE_S)
    assert [parse(line)["request"] for line in told.splitlines()] == ["GET /yo HTTP/1.1"] * lines


def test_the_help_explains_the_option():
    assert "none turns it off" in " ".join(run_serve("--help").stdout.split())
