"""wsgi.file_wrapper: files, by sendfile(2) where the kernel can, and whatever else can be read."""

import gzip
import io
import os
import tempfile
import threading
from pathlib import Path

import pytest

from .wire import answers, connect, exchange, one, read_to_end, request

CONTENT = bytes(range(256)) * 2000
TEXT = [("Content-Type", "application/octet-stream")]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_bytes(CONTENT)
    return path


class Opened:
    """Files given to the wrapper, and how often each was closed."""

    def __init__(self) -> None:
        self.closed: list[object] = []

    def wrap(self, file):
        """Note when it is closed, as Django does it: by an attribute of the file."""
        close = file.close

        def closing():
            self.closed.append(file)
            close()

        file.close = closing
        return file


def serving_file(open_file, headers=(), block=8192, start=0):
    def application(environ, start_response):
        file = open_file()
        if start:
            file.seek(start)
        start_response("200 OK", [*TEXT, *headers])
        return environ["wsgi.file_wrapper"](file, block)

    return application


@pytest.fixture
def kernel_sent(monkeypatch) -> list[int]:
    """The offsets from which sendfile(2) was asked to send."""
    calls: list[int] = []
    sendfile = os.sendfile

    def counted(out, source, offset, count):
        calls.append(offset)
        return sendfile(out, source, offset, count)

    monkeypatch.setattr("teachserve.connection.os.sendfile", counted)
    return calls


@pytest.mark.parametrize("start", [0, 1, 300_000, len(CONTENT)])
def test_a_file_goes_out_by_the_kernel_from_where_it_stands(serve, looping, path, kernel_sent, start):
    opened = Opened()
    server = serve(serving_file(lambda: opened.wrap(path.open("rb")), start=start))
    for answer in exchange(server.port, request() * 2):
        assert (answer.body == CONTENT[start:], answer.complete) == (True, True)
        assert answer.fields["content-length"] == str(len(CONTENT) - start)
    assert len(opened.closed) == 2
    assert (kernel_sent[:1] == [start]) is (not looping and start < len(CONTENT))


@pytest.mark.parametrize("kind", ["a file", "bytes"])
def test_it_ends_where_content_length_says(serve, path, kind):
    """PEP 3333: until the end is reached, or Content-Length bytes have been written."""
    source = {"a file": lambda: path.open("rb"), "bytes": lambda: io.BytesIO(CONTENT)}[kind]
    found = exchange(serve(serving_file(source, [("Content-Length", "1000")], start=5)).port, request() * 2)
    assert [answer.body for answer in found] == [CONTENT[5:1005]] * 2


@pytest.mark.parametrize("kind", ["a file", "bytes"])
def test_a_file_that_is_shorter_than_announced_closes_the_connection_and_is_logged(serve, path, caplog, kind):
    source = {"a file": lambda: path.open("rb"), "bytes": lambda: io.BytesIO(CONTENT)}[kind]
    length = str(len(CONTENT) + 1)
    (answer,) = exchange(serve(serving_file(source, [("Content-Length", length)])).port, request() * 2)
    assert (answer.body == CONTENT, answer.complete) == (True, False)
    assert "1 bytes fewer than its Content-Length says" in caplog.text


def test_a_file_that_is_cut_short_while_it_is_sent(serve, path, caplog):
    """Its length was told in the head: after that only the end of the connection can say that it is not whole."""

    def application(environ, start_response):
        file = path.open("rb")
        start_response("200 OK", [("Content-Length", str(len(CONTENT)))])
        os.truncate(path, 1000)
        return environ["wsgi.file_wrapper"](file)

    (answer,) = exchange(serve(application).port, request() * 2)
    assert (answer.body, answer.complete) == (CONTENT[:1000], False)
    assert "bytes fewer" in caplog.text


class Readable:
    """Something with a read, and nothing else."""

    def __init__(self) -> None:
        self._file = io.BytesIO(CONTENT)

    def read(self, size):
        return self._file.read(size)


def spooled():
    file = tempfile.SpooledTemporaryFile(1 << 30)  # noqa: SIM115 (the server closes it)
    file.write(CONTENT)
    file.seek(0)
    return file


def pipe():
    reader, writer = os.pipe()

    def write():
        with os.fdopen(writer, "wb") as end:
            end.write(CONTENT)

    threading.Thread(target=write).start()
    return os.fdopen(reader, "rb")


def packed(folder: Path):
    with gzip.open(folder / "packed", "wb") as file:
        file.write(CONTENT)
    return gzip.open(folder / "packed", "rb")


@pytest.mark.parametrize("kind", ["bytes", "no more than read", "spooled", "a pipe", "gzip", "unbuffered", "temporary"])
def test_whatever_can_be_read_goes_out_whole(serve, path, tmp_path, kind):
    """A GzipFile is the trap here: it has a descriptor, but the bytes behind that are others."""

    def temporary():
        file = tempfile.NamedTemporaryFile(dir=tmp_path)  # noqa: SIM115 (the server closes it)
        file.write(CONTENT)
        file.seek(0)
        return file

    source = {"bytes": lambda: io.BytesIO(CONTENT), "no more than read": Readable, "spooled": spooled, "a pipe": pipe,
              "gzip": lambda: packed(tmp_path), "unbuffered": lambda: path.open("rb", buffering=0),
              "temporary": temporary}[kind]  # fmt: skip
    for answer in exchange(serve(serving_file(source)).port, request() * 2):
        assert (answer.status, answer.body == CONTENT, answer.complete) == (200, True, True)
    (old,) = exchange(serve(serving_file(source)).port, request(version="1.0"))
    assert old.body == CONTENT


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("status", ["200 OK", "304 Not Modified"])
def test_where_no_body_is_sent_the_file_is_closed_all_the_same(serve, path, kernel_sent, method, status):
    opened = Opened()

    def application(environ, start_response):
        start_response(status, [*TEXT])
        return environ["wsgi.file_wrapper"](opened.wrap(path.open("rb")))

    found = exchange(serve(application).port, request(method=method) * 2, method, method)
    assert len(found) == len(opened.closed) == 2
    if method == "HEAD" or status[0] == "3":
        assert [answer.body for answer in found] == [b"", b""]
        assert not kernel_sent
    if status[0] == "2":
        assert found[0].fields["content-length"] == str(len(CONTENT))


def test_a_file_that_cannot_be_read_is_a_500(serve, caplog):
    class Broken:
        def read(self, size):
            raise OSError("the disk is gone")

    assert one(serve(serving_file(Broken)).port, request()).status == 500
    assert "the disk is gone" in caplog.text


def test_a_file_that_the_kernel_cannot_read_is_logged(serve, looping, path, caplog):
    """It is open for writing only. Where the head has gone out the answer ends there, else it is a 500."""
    descriptors = os.open(path, os.O_WRONLY), os.open(path, os.O_WRONLY)
    opened = [os.fdopen(descriptor, "wb", buffering=0) for descriptor in descriptors]
    server = serve(serving_file(opened.pop))
    for _ in descriptors:
        (answer,) = exchange(server.port, request() * 2)
        assert (answer.status, answer.complete) == ((500, True) if looping else (200, False))
    assert caplog.text.count("Traceback") == 2


def test_ten_megabytes_of_a_file_to_a_slow_reader(serve, tmp_path):
    """More than all socket buffers hold; read in small portions through a small window."""
    path = tmp_path / "big"
    with path.open("wb") as file:
        for number in range(10):
            file.write(bytes([number]) * (1 << 20))
    opened = Opened()
    server = serve(serving_file(lambda: opened.wrap(path.open("rb"))))
    with connect(server.port, receive_bytes=20_000) as sock:
        sock.sendall(request("/", "Connection: close"))
        (answer,) = answers(read_to_end(sock))
    assert (answer.complete, len(answer.body)) == (True, 10 << 20)
    assert all(answer.body.count(number) == 1 << 20 for number in range(10))
    assert len(opened.closed) == 1
