"""Thread pool: an acceptor puts connections on a queue, and a fixed number of workers takes them from it.

A connection holds its worker until it closes, so a kept-alive connection holds it between requests too: `threads` clients
that stay are enough to keep everybody else on the queue. Queued and served together are at most max_accepts.
Source: quux-hunchentoot's thread-pooling-taskmaster; Stevens, UNIX Network Programming vol. 1, ch. 30.
"""

from teachserve.taskmaster import Queue, Taskmaster


class ThreadPool(Taskmaster):
    accepting_role = "acceptor"
    connections = Queue()

    def start(self):
        self.spawn(self.accept_connections, role="acceptor")
        for _ in range(self.options.threads):
            self.spawn(self.work, role="worker")

    def accept_connections(self):
        while (connection := self.accept()) is not None:
            if self.admit(connection):                 # else it was answered 503
                self.hand_over(connection, self.connections)

    def work(self):
        while (connection := self.take(self.connections)) is not None:
            self.serve(connection)
