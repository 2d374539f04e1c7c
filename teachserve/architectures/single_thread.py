"""Single-threaded: one thread accepts a connection, serves it to its end, and only then accepts the next.

Everybody else waits in the kernel's accept queue (the backlog). A client that keeps its connection keeps the server.
Source: Hunchentoot's single-threaded-taskmaster; Stevens, UNIX Network Programming vol. 1, ch. 30 (iterative server).
"""

from teachserve.taskmaster import Taskmaster


class SingleThread(Taskmaster):
    accepting_role = "worker"

    def start(self):
        self.spawn(self.work, role="worker")

    def work(self):
        while (connection := self.accept()) is not None:
            self.serve(connection)
