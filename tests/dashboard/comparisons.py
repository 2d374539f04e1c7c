"""Made-up comparisons, and a screen without a terminal for them."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace

from demo.pictures import recycling
from textual.pilot import Pilot

from teachserve.compare.plan import ComparePlan
from teachserve.compare.score import Score
from teachserve.compare.sides import difference, sides_of
from teachserve.compare.view import LIVE, Comparison, SideView
from teachserve.dashboard.compare_app import CompareApp
from teachserve.dashboard.look import Look
from teachserve.dashboard.window import DEFAULT_LOOK
from teachserve.load.outcomes import FAILED
from teachserve.observe.places import waiting

PLAN = ComparePlan(sides_of(("recycling", "thread-pool"), {"delay": "1ms"}, (), ()))


def outcomes(side: int, until: int, rate: float) -> list[int]:
    """What a side told: A takes 1 ms and some more, B three times that; B refuses each 50th and fails each 70th."""
    told: list[int] = []
    for number in range(until):
        us = 1000 + 37 * (number % 23) + (30_000 if number % 40 == 0 else 0)
        outcome = 200 if side == 0 or number % 50 else 503
        outcome = FAILED if side and number % 70 == 69 else outcome
        told += [number, outcome, us * (3 if side and number % 3 else 1)]
    return told


def comparison(at_s: float = 6.4, plan: ComparePlan = PLAN, **changes: object) -> Comparison:
    """A comparison with everything in it."""
    until = min(plan.planned, int(at_s * plan.rate))
    score = Score(plan.planned, plan.rate, 100)
    for side in range(2):
        score.add(side, outcomes(side, until - 3 * side, plan.rate))
    snapshot = recycling()
    view = SideView(
        side=plan.sides[0], turn=LIVE, gil=True, python="3.13.5", at_s=at_s, snapshot=snapshot,
        waiting=tuple(waiting(snapshot, 3)), queued=3, answered_per_s=498.0, p50=0.0018, p99=0.0123, cpu=0.34,
        client_cpu=0.08,
    )  # fmt: skip
    other = replace(view, side=plan.sides[1], answered_per_s=471.0, p50=0.0051, p99=0.092, cpu=0.41)
    made = Comparison(
        plan=plan, phase=LIVE, at_s=at_s, sides=(view, other),
        differences=tuple(difference(side, plan.sides) for side in plan.sides), score=score.view(),
        remarks=(plan.sentence(2),),
    )  # fmt: skip
    return replace(made, **changes)


class Given:
    """A source of one comparison, then of none until the screen leaves; the test shows others by itself."""

    def __init__(self, first: Comparison) -> None:
        self.first = first
        self.closed = threading.Event()

    def comparisons(self) -> Iterator[Comparison]:
        yield self.first
        self.closed.wait()

    def close(self) -> None:
        self.closed.set()


Story = Callable[[CompareApp, Pilot, Given], Awaitable[None]]


def play(first: Comparison, story: Story, size: tuple[int, int] = (80, 24), look: Look = DEFAULT_LOOK) -> Given:
    """Run the screen on a terminal of this size for as long as the story goes."""

    async def run() -> Given:
        source = Given(first)
        app = CompareApp(source, look)
        async with app.run_test(size=size) as pilot:
            while app.newest is None:
                await pilot.pause()
            await pilot.pause()
            try:
                await story(app, pilot, source)
            finally:
                source.closed.set()
        return source

    return asyncio.run(run())


async def show(app: CompareApp, pilot: Pilot, newer: Comparison) -> None:
    """Another comparison comes in, as from the thread that reads."""
    app.post_message(CompareApp.NewComparison(newer))
    await pilot.pause()
    await pilot.pause()
