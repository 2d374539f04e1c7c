"""A trace played again: a source of pictures as a feed is, on a clock of its own that can be stopped and moved."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator

from teachserve.demo.picture import Picture
from teachserve.demo.playback import Playback
from teachserve.observe.trace import TraceError

LOOK_S = 0.05
READ_S = 0.2
SLOW = 0.5
"""Up to this speed single events are shown; above there are enough tables."""
NOT_LIVE = "this is a replay: there is no server to be asked"


class Player:
    """The moment that is shown, and how it moves. Any thread may use it; moments are seconds since the first table."""

    def __init__(self, length_s: float, speed: float = 1.0, clock: Callable[[], float] = time.monotonic) -> None:
        self.length_s = length_s
        self._speed = speed
        self._clock = clock
        self._playing = True
        self._at_s, self._since = 0.0, clock()
        self._steps = 0
        self._changed = threading.Condition(threading.RLock())
        self._changes = 0
        self.closed = False
        self.read_s: float | None = None
        """How far the file has been read, while a moment far on is looked for; None: the moment is shown."""
        self.marks_s: tuple[float, ...] = ()
        """When a person has changed something: all of the trace's marks."""

    @property
    def at_s(self) -> float:
        """The moment that is shown."""
        with self._changed:
            moved = (self._clock() - self._since) * self._speed if self._playing else 0.0
            return min(self.length_s, self._at_s + moved)

    @property
    def playing(self) -> bool:
        """Whether it moves; at the end it does not."""
        return self._playing and self.at_s < self.length_s

    @property
    def speed(self) -> float:
        """Seconds of the trace in one second."""
        return self._speed

    @speed.setter
    def speed(self, speed: float) -> None:
        with self._changed:
            self._move(self.at_s)
            self._speed = speed

    def seek(self, at_s: float) -> None:
        """Show another moment, the nearest there is, and go on as before from there."""
        with self._changed:
            self._steps = 0
            self._move(at_s)

    def step(self, events: int) -> None:
        """So many events on, or back where it is negative; there it stands still."""
        with self._changed:
            self._move(self.at_s)
            self._playing = False
            self._steps += events

    def toggle(self) -> None:
        """Stand still, or move on; at the end once more from the beginning."""
        with self._changed:
            playing, at_s = self.playing, self.at_s
            self._move(0.0 if at_s >= self.length_s else at_s)
            self._playing = not playing

    def _move(self, at_s: float) -> None:
        self._at_s, self._since = max(0.0, min(at_s, self.length_s)), self._clock()
        self._changes += 1
        self._changed.notify_all()

    # For the thread that makes the pictures.

    def take_steps(self) -> tuple[int, int]:
        """The steps to be made, and the number of the last change: see `arrive`."""
        with self._changed:
            steps, self._steps = self._steps, 0
            return steps, self._changes

    def arrive(self, at_s: float, changes: int) -> None:
        """The steps have led here, unless something else was wanted since."""
        with self._changed:
            if changes == self._changes:
                self._at_s = at_s

    def changed(self, changes: int) -> bool:
        """Whether something else is wanted by now."""
        return self._changes != changes

    def wait(self, changes: int) -> None:
        """Until there may be something new to show."""
        with self._changed:
            patience = LOOK_S if self.playing else None
            self._changed.wait_for(lambda: changes != self._changes, patience)

    def close(self) -> None:
        """Show no more."""
        with self._changed:
            self.closed = True
            self._move(self.at_s)


class Replay:
    """The source of pictures that a trace is. `pictures` is for one thread, everything else for any."""

    controls = None

    def __init__(self, playback: Playback, speed: float = 1.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._playback = playback
        self._failure = ""
        self.player = Player(playback.length_us / 1e6, speed, clock)
        self.player.marks_s = playback.marks_s

    @property
    def damage(self) -> str:
        """What of the file cannot be shown, in a sentence; empty: nothing."""
        return self._failure or self._playback.damage

    def pictures(self) -> Iterator[Picture]:
        """Each picture that is new at its moment. Blocks, at the end of the trace too; `close` ends it."""
        with contextlib.closing(self._playback):
            try:
                yield from self._pictures()
            except TraceError as error:
                self._failure = str(error)

    def _pictures(self) -> Iterator[Picture]:
        shown: Picture | None = None
        while True:
            steps, changes = self.player.take_steps()
            if self.player.closed:
                return
            at_us = round(self.player.at_s * 1e6)
            for _ in range(abs(steps)):
                at_us = self._playback.next_us(at_us) if steps > 0 else self._playback.before_us(at_us)
            if steps:
                self.player.arrive(at_us / 1e6, changes)
            elif self.player.playing and self.player.speed > SLOW:
                at_us = self._playback.stop_us(at_us)
            if not self._found(at_us, changes):
                continue
            picture = self._playback.picture(at_us)
            self.player.length_s = self._playback.length_us / 1e6
            if picture is not shown:
                yield picture
                shown = picture
            self.player.wait(changes)

    def _found(self, at_us: int, changes: int) -> bool:
        """Read on to this moment. False: something else is wanted by now."""
        while (read_us := self._playback.approach(at_us, READ_S)) is not None:
            self.player.read_s = read_us / 1e6
            if self.player.changed(changes):
                return False
        self.player.read_s = None
        return True

    def close(self) -> None:
        """No more pictures."""
        self.player.close()

    def send(self, command: str, **fields: object) -> str:
        """Nothing can be asked of a replay: why not."""
        return NOT_LIVE

    def stop(self) -> None:
        """Nobody is there to be stopped."""

    def abandon(self) -> None:
        """Nobody is there to be stopped."""
