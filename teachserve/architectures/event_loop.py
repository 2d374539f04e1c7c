"""Event loop: one thread watches every connection, and handles whichever is ready, one after the other.

No thread waits for a client. But the handlers run in the loop too, and one that blocks stalls every connection.
With --offload N the loop hands requests to N workers, which hand the answers back, and never waits for a handler.
Source: Woo and libev; epoll(7); Stevens, UNIX Network Programming vol. 1, ch. 6 (I/O multiplexing).
"""

from teachserve.taskmaster import Queue, Taskmaster


class EventLoop(Taskmaster):
    accepting_role = "loop"
    requests, answers = Queue(), Queue()

    def start(self):
        self.spawn(self.loop, role="loop")
        for _ in range(self.options.offload):
            self.spawn(self.work, role="worker")

    def loop(self):
        while (ready := self.select(self.listener, self.answers)) is not None:
            if ready is self.listener:
                self.accept()                          # joins what select watches
            elif ready is self.answers:
                self.write(self.take(self.answers))
            elif request := self.read(ready):
                if self.options.offload:
                    self.hand_over(request, self.requests)
                else:
                    self.write(self.handle(request))   # a slow handler stalls everyone here

    def work(self):
        while (request := self.take(self.requests)) is not None:
            self.hand_over(self.handle(request), self.answers)
