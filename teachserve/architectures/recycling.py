"""Recycling: every worker blocks in accept(2) on the one listening socket.

No acceptor thread and no queue of connections: the kernel wakes one worker for each connection, that worker
serves it and goes back to accept. The listening socket is all the workers share. Whoever leaves nobody in accept asks
the thread-maker for one worker more; whoever finds `standby` others there again ends (the reference system keeps one more).
Source: hunchentoot-recycling-taskmaster; Stevens, UNIX Network Programming vol. 1, ch. 30.
"""

from teachserve.taskmaster import WORKER_WANTED, Queue, Taskmaster


class Recycling(Taskmaster):
    accepting_role = "worker"
    wanted = Queue()

    def start(self):
        self.spawn(self.make_workers, role="thread-maker")
        for _ in range(self.options.standby):
            self.spawn(self.work, role="worker")

    def make_workers(self):
        while self.take(self.wanted) is WORKER_WANTED:
            self.spawn(self.work, role="worker")       # False once max_threads workers live

    def work(self):
        while (connection := self.accept()) is not None:
            if self.short_of_acceptors():              # we took the last one out of accept
                self.hand_over(WORKER_WANTED, self.wanted)
            self.serve(connection)
            if not self.recycle():                     # enough others wait in accept: surplus
                return
