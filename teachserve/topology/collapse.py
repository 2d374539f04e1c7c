"""Leaves only the verbs of a role's points: what lies between two of them becomes the condition of one edge.

Points without a verb are taken out one after the other. Whoever led to one leads from then on to all that it led to, on
both conditions. Where both branches of a test come to the same verb, the test is no condition.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from teachserve.topology.points import Point, Test

MOST_ALTERNATIVES = 8
SEVERAL = Test("one of several conditions", ("", 0, 0, 0, 0), True)
"""Stands for the conditions where more than MOST_ALTERNATIVES lead from one verb to another."""


@dataclass(frozen=True, slots=True)
class Alternative:
    """Tests that all hold, in the order in which they are made, and whether a loop began anew on the way."""

    tests: tuple[Test, ...] = ()
    back: bool = False

    def then(self, other: "Alternative") -> "Alternative":
        """Both, one after the other."""
        return Alternative(tuple(dict.fromkeys(self.tests + other.tests)), self.back or other.back)

    def without(self, test: Test) -> "Alternative":
        """The same, whether or not this test holds."""
        return Alternative(tuple(one for one in self.tests if one != test), self.back)


Alternatives = tuple[Alternative, ...]
Ways = dict[Point, dict[Point, Alternatives]]


def collapse(begin: Point, keep: frozenset[Point]) -> Ways:
    """From each of these points, which of them may come next and on what conditions. `begin` is one of them."""
    ways: Ways = {}
    before: dict[Point, dict[Point, None]] = {}
    order = in_order(begin)
    for point in order:
        ways[point] = {}
        for way in point.ways:
            one = Alternative((way.test,) if way.test else (), way.back)
            ways[point][way.point] = either((*ways[point].get(way.point, ()), one))
            before.setdefault(way.point, {})[point] = None
    left = [point for point in reversed(order) if point not in keep]
    while left:  # whoever joins the fewest first: it makes the fewest new ways
        point = min(left, key=lambda one: len(before.get(one, ())) * len(ways[one]))
        left.remove(point)
        _take_out(point, ways, before)
    return ways


def _take_out(point: Point, ways: Ways, before: dict[Point, dict[Point, None]]) -> None:
    onward = ways.pop(point)
    again = onward.pop(point, ())
    if len(again) == 1 and len(again[0].tests) == 1:
        onward = {after: _in_the_end(again[0].tests[0], alternatives) for after, alternatives in onward.items()}
    for after in onward:
        before[after].pop(point, None)
    for earlier in before.pop(point, {}):
        if earlier is point:
            continue
        first = ways[earlier].pop(point)
        for after, second in onward.items():
            both = tuple(one.then(other) for one in first for other in second)
            ways[earlier][after] = either(ways[earlier].get(after, ()) + both)
            before[after][earlier] = None


def _in_the_end(test: Test, alternatives: Alternatives) -> Alternatives:
    """A loop in which no verb is called ends some time: that its test fails then is no condition."""
    return either(
        Alternative(tuple(one for one in each.tests if not one.denies(test)), each.back) for each in alternatives
    )


def either(alternatives: Iterable[Alternative]) -> Alternatives:
    """The same alternatives in as few words as they can be said in without a solver."""
    found = [*dict.fromkeys(alternatives)]
    while (fewer := _merged(found)) is not None:
        found = fewer
    if len(found) > MOST_ALTERNATIVES or (len(found) > 1 and any(SEVERAL in one.tests for one in found)):
        common = tuple(test for test in found[0].tests if all(test in one.tests for one in found))
        found = [Alternative(tuple(dict.fromkeys((*common, SEVERAL))), all(one.back for one in found))]
    return tuple(found)


def _merged(found: Sequence[Alternative]) -> list[Alternative] | None:
    """With one alternative or one test less; None where none can be spared."""
    for position, one in enumerate(found):
        for later, other in enumerate(found):
            if later > position and (merged := _one_for_both(one, other)) is not None:
                return [*found[:position], merged, *found[position + 1 : later], *found[later + 1 :]]
            if later != position and (fewer := _where_not(one, other)) is not None:
                return [*found[:later], fewer, *found[later + 1 :]]
    return None


def _one_for_both(one: Alternative, other: Alternative) -> Alternative | None:
    back = one.back and other.back
    mine, others = {*one.tests}, {*other.tests}
    if mine <= others or others <= mine:
        return Alternative(one.tests if mine <= others else other.tests, back)
    [*here], [*there] = mine - others, others - mine
    if len(here) == len(there) == 1 and here[0].denies(there[0]):
        return Alternative(one.without(here[0]).tests, back)
    return None


def _where_not(one: Alternative, other: Alternative) -> Alternative | None:
    """The other with a test less that says only that this one does not hold: a, or not a and b, is a or b."""
    mine = {*one.tests} - {*other.tests}
    denied = [test for test in other.tests for mine_alone in mine if test.denies(mine_alone)]
    return other.without(denied[0]) if len(mine) == 1 and denied else None


def in_order(begin: Point) -> list[Point]:
    """Every point, a branch before what is written after it."""
    found: dict[Point, None] = {}
    todo = [begin]
    while todo:
        point = todo.pop()
        if point not in found:
            found[point] = None
            todo += reversed(point.next)
    return [*found]


def needed(begin: Point, targets: frozenset[Point]) -> Iterator[Test]:
    """The tests that hold whenever one of these points is come to, but for those that count a loop's rounds."""
    tests = dict.fromkeys(way.test for point in in_order(begin) for way in point.ways if way.test)
    for test in tests:
        if not test.counts and not _comes_to(begin, targets, test):
            yield test


def _comes_to(begin: Point, targets: frozenset[Point], without: Test) -> bool:
    seen: set[Point] = set()
    todo = [begin]
    while todo:
        point = todo.pop()
        if point in targets:
            return True
        if point not in seen:
            seen.add(point)
            todo += [way.point for way in point.ways if way.test != without]
    return False
