"""Taskmasters that are none of the project's: what a student writes, with a helper, a base class, an alias and a bug."""

from teachserve.taskmaster import Queue, Taskmaster


class Desk(Taskmaster):
    """One accepts, others serve. To be inherited from."""

    accepting_role = "doorman"
    waiting = Queue()
    clerks = 2

    def start(self):
        self.open_desk(self.clerks)
        self.spawn(self.stand_at_the_door, role=self.accepting_role)

    def open_desk(self, clerks):
        for _ in range(clerks):
            self.spawn(self.sit, role="clerk")

    def stand_at_the_door(self):
        """Lets everybody in."""
        while (guest := self.accept()) is not None:
            self.welcome_in(guest)

    def welcome_in(self, guest):
        self.hand_over(guest, self.waiting)

    def sit(self):
        while (guest := self.take(self.waiting)) is not None:
            self.serve(guest)


class PoliteDesk(Desk):
    """The doorman turns people away when the house is full! The base only lets them in."""

    def welcome_in(self, guest):
        if self.admit(guest):
            super().welcome_in(guest)

    def sit(self):
        super().sit()
        if self.options.offload:
            self.spawn(self.sit, role="clerk")


class WithHelpers(Taskmaster):
    """Serves by hand, every step behind a helper."""

    accepting_role = "worker"

    def start(self):
        for _ in range(self.options.threads):
            self.spawn(self.work, role="worker")

    def work(self):
        while True:
            connection = self.next_one()
            if connection is None:
                break
            self.tend(connection)
            self.note("done")
        self.note("ends")

    def next_one(self):
        return self.accept()

    def tend(self, connection):
        request = self.read(connection)
        if request is None:
            self.close(connection)
            return
        self.answer(request)
        self.tend(connection)

    def answer(self, request):
        self.write(self.handle(request))

    def note(self, word):
        if word:
            self.noted = word


class Alias(Taskmaster):
    """Calls a verb by another name."""

    accepting_role = "worker"

    def start(self):
        self.spawn(self.work, role="worker")

    def work(self):
        go = self.accept
        while (connection := go()) is not None:
            self.serve(connection)


class TwoQueues(Taskmaster):
    """Every second connection goes to another counter, which reads, handles and writes itself."""

    accepting_role = "acceptor"
    left = Queue()
    right = Queue()

    def start(self):
        self.spawn(self.sort, role="acceptor")
        self.spawn(self.serve_left, role="left")
        self.spawn(self.serve_right, role="right")

    def sort(self):
        odd = False
        while connection := self.accept():
            odd = not odd
            self.hand_over(connection, self.left if odd else self.right)

    def serve_left(self):
        queue = self.left
        while (connection := self.take(queue)) is not None:
            self.serve(connection)

    def serve_right(self):
        while (connection := self.take(self.right)) is not None:
            while (request := self.read(connection)) is not None:
                self.write(self.handle(request))
            self.close(connection)


class Forgetful(Taskmaster):
    """A bug: what the acceptor hands over, nobody takes."""

    accepting_role = "acceptor"
    inbox, outbox = Queue(), Queue()

    def start(self):
        self.spawn(self.accept_connections, role="acceptor")
        self.spawn(self.work, role="worker")

    def accept_connections(self):
        while (connection := self.accept()) is not None:
            self.hand_over(connection, self.inbox)

    def work(self):
        while (connection := self.take(self.outbox)) is not None:
            self.serve(connection)
