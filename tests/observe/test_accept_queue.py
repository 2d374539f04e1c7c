"""The kernel's accept queue: its length and its bound are what the test put there, and what did not fit was counted."""

import contextlib
import socket
import sys
import time
from collections.abc import Iterator

import pytest

from teachserve.observe.accept_queue import AcceptQueue

from .child import PATIENCE_S

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux can be asked")
V4, V6 = socket.AF_INET, socket.AF_INET6


@contextlib.contextmanager
def listening(
    host: str, backlog: int, family: int = V4, port: int = 0, shared: bool = False
) -> Iterator[socket.socket]:
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        if family == V6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, host != "::")
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, shared)
        listener.bind((host, port))
        listener.listen(backlog)
        yield listener


@contextlib.contextmanager
def connected(host: str, listener: socket.socket, clients: int) -> Iterator[None]:
    with contextlib.ExitStack() as stack:
        for _ in range(clients):
            stack.enter_context(socket.create_connection((host, listener.getsockname()[1])))
        yield


def port_of(listener: socket.socket) -> int:
    return listener.getsockname()[1]


@pytest.mark.parametrize(
    ("family", "bind", "client", "asked"),
    [
        (V4, "127.0.0.1", "127.0.0.1", "127.0.0.1"),
        (V4, "127.0.0.1", "127.0.0.1", "localhost"),
        (V4, "0.0.0.0", "127.0.0.1", "0.0.0.0"),
        (V4, "0.0.0.0", "127.0.0.1", "127.0.0.1"),
        (V4, "0.0.0.0", "127.0.0.1", ""),
        (V6, "::1", "::1", "::1"),
        (V6, "::", "::1", "::"),
        (V6, "::", "127.0.0.1", "0.0.0.0"),
        (V6, "::", "127.0.0.1", "127.0.0.1"),
    ],
)
@pytest.mark.parametrize("clients", [0, 1, 5])
def test_length_is_the_connections_that_nobody_accepted_and_bound_is_the_backlog(family, bind, client, asked, clients):
    if family == V6 and not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    with listening(bind, 7, family) as listener, connected(client, listener, clients):
        assert AcceptQueue.read(asked, port_of(listener)) == AcceptQueue(length=clients, bound=7, drops=0)


def test_an_accepted_connection_leaves_the_queue():
    with listening("127.0.0.1", 5) as listener, connected("127.0.0.1", listener, 3):
        listener.accept()[0].close()
        assert AcceptQueue.read("127.0.0.1", port_of(listener)).length == 2


def test_a_bound_of_two_holds_three_and_counts_what_it_turns_away():
    with listening("127.0.0.1", 2) as listener, connected("127.0.0.1", listener, 3):
        full = AcceptQueue.read("127.0.0.1", port_of(listener))
        assert (full.length, full.bound, full.drops) == (3, 2, 0)
        with socket.socket() as late:
            late.setblocking(False)
            late.connect_ex(listener.getsockname())
            patience = time.monotonic() + PATIENCE_S
            while not (queue := AcceptQueue.read("127.0.0.1", port_of(listener))).drops:
                assert time.monotonic() < patience
        assert queue.length == 3


def test_listeners_that_share_a_port_are_taken_together():
    with (
        listening("127.0.0.1", 4, shared=True) as one,
        listening("127.0.0.1", 6, port=port_of(one), shared=True),
        connected("127.0.0.1", one, 3),
    ):
        assert AcceptQueue.read("127.0.0.1", port_of(one)) == AcceptQueue(length=3, bound=10)


def test_of_two_listeners_on_one_port_the_one_of_the_address_answers():
    with (
        listening("127.0.0.1", 4) as one,
        listening("127.0.0.2", 6, port=port_of(one)) as other,
        connected("127.0.0.2", other, 2),
    ):
        assert AcceptQueue.read("127.0.0.1", port_of(one)) == AcceptQueue(length=0, bound=4)
        assert AcceptQueue.read("127.0.0.2", port_of(one)) == AcceptQueue(length=2, bound=6)


def test_where_nobody_listens_there_is_a_reason():
    with listening("127.0.0.1", 1) as listener:
        port = port_of(listener)
    gone = AcceptQueue.read("127.0.0.1", port)
    assert gone.unavailable == f"nobody listens on 127.0.0.1:{port}, or not in this network namespace"


def test_a_name_that_does_not_resolve_is_a_reason_and_no_error():
    queue = AcceptQueue.read("no.such.host.invalid", 80)
    assert queue.unavailable.startswith("the accept queue of no.such.host.invalid:80 cannot be asked for: ")


def test_a_kernel_that_refuses_the_question_is_a_reason_and_no_error(monkeypatch):
    monkeypatch.setattr("teachserve.observe.accept_queue._NETLINK_SOCK_DIAG", 30)
    assert "cannot be asked for" in AcceptQueue.read("127.0.0.1", 80).unavailable
    monkeypatch.setattr("teachserve.observe.accept_queue._NETLINK_SOCK_DIAG", 4)
    monkeypatch.setattr("teachserve.observe.accept_queue._SOCK_DIAG_BY_FAMILY", 99)
    assert "the kernel refuses the question" in AcceptQueue.read("127.0.0.1", 80).unavailable


def test_a_system_without_netlink_says_so(monkeypatch):
    monkeypatch.delattr(socket, "AF_NETLINK")
    assert AcceptQueue.read("127.0.0.1", 80).unavailable == "only Linux tells the length of an accept queue"
