"""A world that remembers, to hold what lanes say of it against."""

from bisect import bisect_right

from hypothesis import strategies as st

from teachserve.events import State
from teachserve.observe.lane import CODE, CODE_BITS, Lane, Lanes
from teachserve.observe.lanes import LaneLog

from .world import World

S = State
Steps = list[tuple[str, int, int]]


class Remembered(World):
    """A world that remembers where each thread was since when, and which moments its tables were of."""

    def __init__(self):
        super().__init__()
        self.truth: dict[int, list[tuple[int, int]]] = {}
        self.looked: list[tuple[int, dict[int, int]]] = []

    def spawn(self, role: int = 1) -> int:
        number = super().spawn(role)
        self.truth[number] = [(self.at, S.STARTING.code)]
        return number

    def move(self, number: int, after: State) -> None:
        super().move(number, after)
        self.truth[number].append((self.at, after.code))

    def send_table(self) -> None:
        super().send_table()
        self.looked.append((self.at, {number: row[3] for number, row in self.threads.items()}))

    def was(self, number: int, at: int) -> int | None:
        """Where the thread was; None: it had not been made yet."""
        stays = self.truth[number]
        place = bisect_right(stays, at, key=lambda stay: stay[0]) - 1
        return stays[place][1] if place >= 0 else None


def code_at(lane: Lane, at: int) -> int | None:
    place = bisect_right(lane.runs, at, 0, lane.length, key=lambda run: run >> CODE_BITS) - 1
    return lane.runs[place] & CODE if place >= 0 else None


def folded(frames: list[dict]) -> Lanes:
    log = LaneLog()
    for frame in frames:
        log.apply(frame)
    return log.lanes()


STEPS = st.lists(
    st.tuples(st.sampled_from(["wander"] * 6 + ["spawn", "table"]), st.integers(0, 9), st.integers(0, 99)), max_size=80
)


def played(steps: Steps, streaming: bool) -> Remembered:
    world = Remembered()
    world.send_table()
    for name, thread, choice in steps:
        if name == "wander":
            world.wander(thread, choice)
        elif name == "spawn":
            world.spawn()
        else:
            if streaming:
                world.send_events()
            world.send_table()
    if streaming:
        world.send_events()
    world.send_table()
    return world
