"""The system makes no thread, and threads break."""

from teachserve.conformance import get

from .child import NO_HOST, Child, until

BROKEN = r"ERROR (\w+-\d+) broke"


def test_a_thread_for_a_connection_that_cannot_be_made_is_a_503(launch):
    child = launch(architecture="thread-per-connection").serving()
    child.inject("thread")
    for _ in range(3):
        answer = child.ask()
        assert (answer.status, answer.headers["retry-after"]) == (503, "1")
    assert child.log().count("no new worker: can't start new thread") == 1, child.log()
    child.mend("thread")
    child.is_as_before()
    child.stop()


def test_a_worker_more_that_cannot_be_made_lets_the_clients_wait(launch, clients):
    child = launch("--timeout-keep-alive", "5m", architecture="recycling").serving()
    child.inject("thread")
    first, second = (clients.enter_context(child.client(get())) for _ in range(2))
    for client in (first, second):
        assert client.answer().body == b"Hey!"
    third = clients.enter_context(child.client(get()))
    child.says("no new worker: can't start new thread")
    child.mend("thread")
    first.sock.close()
    assert third.answer().body == b"Hey!"
    assert child.answers()  # the second is still there: this takes a third worker
    for client in (second, third):
        client.sock.close()
    child.is_as_before()
    child.stop()


def test_a_refusal_needs_no_thread(on_every):
    """The one that closes refused connections politely is made on first need. Without it they are closed all the same."""

    def scene(child: Child) -> None:
        child.listening()
        child.inject("thread")
        for _ in range(3):
            with child.client(NO_HOST) as client:
                assert client.end()[9:12] in (b"400", b"503", b"")
        child.mend("thread")
        child.serving()
        child.stop()

    on_every(scene)


def test_a_start_without_threads_is_one_line_and_status_2(on_every):
    def scene(child: Child) -> None:
        assert child.status() == 2
        (line,) = child.log().splitlines()
        assert line.startswith("teachserve: no thread can be made")

    on_every(scene, "--log-level", "error", "--access-log", "none", faults={"thread": "on"})


def test_a_stop_needs_no_thread(launch, architecture):
    child = launch(architecture=architecture).serving()
    child.inject("thread")
    child.stop()


# ---- threads that break --------------------------------------------------------------------------------------------


def test_whatever_a_handler_raises_is_a_500_and_costs_no_thread(launch, architecture):
    child = launch(architecture=architecture).serving()
    kinds = ("SystemExit", "KeyboardInterrupt", "GeneratorExit", "MemoryError", "StopIteration", "BaseException")
    for kind in kinds:
        assert child.ask(f"/raise?name={kind}").status == 500
        assert f"{kind}: as asked" in child.log()
    assert child.ask("/recurse").status == 500
    assert "RecursionError" in child.log()
    assert child.ask("/interrupt").status == 500
    assert "ZeroDivisionError" in child.log()
    child.is_as_before()
    assert "broke" not in child.log()
    child.stop()


def asked_until_broken(child: Child) -> None:
    """A thread that blocks in the kernel notices only when it has something to do."""

    def broken() -> bool:
        child.client().sock.close()
        return "broke" in child.log()

    until(broken, "no thread breaks")


def test_a_thread_that_breaks_in_accept_is_named_and_replaced(launch, architecture):
    child = launch(architecture=architecture).serving()
    child.inject("accept", "breaks")
    asked_until_broken(child)
    child.mend("accept")
    child.is_as_before()
    child.says(BROKEN)
    child.stop()


def test_a_thread_that_breaks_while_none_can_be_made_is_replaced_later(launch, architecture):
    child = launch(architecture=architecture).serving()
    child.inject("accept", "breaks")
    asked_until_broken(child)
    child.inject("thread")
    child.says("can't start new thread")
    child.mend("accept")
    for _ in range(4):  # whoever still waits in accept(2)
        child.client().sock.close()
    child.mend("thread")
    child.is_as_before()
    child.stop()
