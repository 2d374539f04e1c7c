"""Thread per connection: an acceptor accepts, and makes a new thread for each connection.

The new thread, not the acceptor, finds out whether there is room: at max_accepts it answers 503, beyond max_threads it
waits for a place. So up to max_accepts threads exist, and max_threads of them serve. The thread ends with its connection.
Source: Hunchentoot's one-thread-per-connection-taskmaster; Stevens, UNIX Network Programming vol. 1, ch. 30.
"""

from teachserve.taskmaster import Taskmaster


class ThreadPerConnection(Taskmaster):
    accepting_role = "acceptor"

    def start(self):
        self.spawn(self.accept_connections, role="acceptor")

    def accept_connections(self):
        while (connection := self.accept()) is not None:
            self.spawn(self.work, connection, role="worker")

    def work(self, connection):
        if self.admit(connection):                     # else it was answered 503
            self.wait_for_place()
            self.serve(connection)
