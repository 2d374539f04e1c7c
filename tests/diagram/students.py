"""Taskmasters with which a proof has to be done all the same: they hang, break, raise, and call twice in one line."""

import threading

from teachserve.taskmaster import Queue, Taskmaster

NEVER = threading.Event()


class One(Taskmaster):
    """To be inherited from."""

    accepting_role = "worker"

    def start(self):
        self.spawn(self.work, role="worker")


class Blocks(One):
    """Waits for something that is no verb."""

    def work(self):
        while (connection := self.accept()) is not None:
            NEVER.wait()
            self.serve(connection)


class NeverStarts(Taskmaster):
    """Its start does not return."""

    accepting_role = "worker"

    def start(self):
        print("it starts", flush=True)
        NEVER.wait()


class CannotStart(Taskmaster):
    """Its start raises."""

    accepting_role = "worker"

    def start(self):
        raise KeyError("no\nworkers")


class GoesOn(One):
    """Once the server stops it does not."""

    def work(self):
        while not NEVER.is_set():
            if connection := self.accept():
                self.serve(connection)


class Breaks(One):
    """Has a bug behind what it serves."""

    def work(self):
        while (connection := self.accept()) is not None:
            self.serve(connection)
            connection.no_such_name()


class TakesNone(Taskmaster):
    """Serves what take gives once the server stops: nothing."""

    accepting_role = "acceptor"
    connections = Queue()

    def start(self):
        self.spawn(self.accept_connections, role="acceptor")
        self.spawn(self.work, role="worker")

    def accept_connections(self):
        while (connection := self.accept()) is not None:
            self.hand_over(connection, self.connections)

    def work(self):
        while True:
            self.serve(self.take(self.connections))


class Raises(One):
    """Ends by raising, and says so."""

    def work(self):
        connection = self.accept()
        if connection is not None:
            self.serve(connection)
            raise ValueError("one is enough")


class MakesThreads(One):
    """Serves in threads that it makes itself, in which no verb can be called."""

    def work(self):
        while (connection := self.accept()) is not None:
            thread = threading.Thread(target=self.serve, args=(connection,))
            thread.start()
            thread.join()
            self.close(connection)


class InOneLine(One):
    """Two calls of one verb stand in one line, and one behind `super()` over three."""

    def work(self):
        while (connection := super().accept()) is not None:
            self.refuse(connection, 400, "twice"); self.close(connection); self.close(connection)  # fmt: skip # noqa: E702
            (self
             .admit(
                 connection))  # fmt: skip


class NamesRolesAsItGoes(Taskmaster):
    """Its role is put together, and its serve has another name."""

    accepting_role = "worker"

    def start(self):
        self.spawn(self.work, role="work" + "er")

    def work(self):
        serve = getattr(self, "serve")  # noqa: B009
        while (connection := self.accept()) is not None:
            serve(connection)
