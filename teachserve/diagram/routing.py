"""The way of each edge over terminal cells: from border to border, around boxes and words, with few bends and crossings.

It is the cheapest way by the costs below, found as A* does. A cell's number is row * columns + column, and a step's state
cell * 4 + side: a picture has 10 to 20 thousand cells, and looking places up in sets took five times as long.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from heapq import heappop, heappush

from teachserve.diagram.placing import Box
from teachserve.diagram.strokes import EAST, NORTH, SOUTH, WEST

Place = tuple[int, int]
"""Row and column."""

SIDES = (NORTH, EAST, SOUTH, WEST)
_UP, _RIGHT, _DOWN, _LEFT = range(4)
_UPRIGHT, _LEVEL = NORTH | SOUTH, EAST | WEST
_ALONG_SIDE = (_UPRIGHT, _LEVEL, _UPRIGHT, _LEVEL)
_ACROSS_SIDE = (_LEVEL, _UPRIGHT, _LEVEL, _UPRIGHT)

# What makes a way long for the eye that follows it. A cell is twice as high as wide.
STEP = (2.0, 1.0, 2.0, 1.0)
BEND = 5.0
CROSSING = 7.0
CROSSING_FRAME = 14.0
ALONG_BOX = 4.0
ALONG_LINE = 2.0
OFF_CENTRE = 0.4


class Grid:
    """Cells that boxes, words and lines take up. Boxes and words block; a line or a frame may be crossed, straight on."""

    def __init__(self, rows: int, columns: int) -> None:
        self.rows = rows
        self.columns = columns
        self._blocked = bytearray(rows * columns)
        self._lines = bytearray(rows * columns)
        self._frames = bytearray(rows * columns)
        self._ports: set[int] = set()
        self._moves = (-columns, 1, columns, -1)

    def block(self, row: int, column: int, width: int, height: int = 1) -> None:
        """Nothing goes through these cells; what lies outside the grid is left out."""
        for y in range(row, row + height):
            for x in range(max(column, 0), min(column + width, self.columns)):
                self._blocked[y * self.columns + x] = 1

    def frame(self, box: Box, title: int) -> None:
        """A group's border: lines go straight through it, but for its corners and `title` cells from the left upper one."""
        for x in range(box.column, box.right + 1):
            for row in (box.row, box.bottom):
                self._frames[row * self.columns + x] = _LEVEL
        for y in range(box.row, box.bottom + 1):
            for column in (box.column, box.right):
                self._frames[y * self.columns + column] = _UPRIGHT
        for row, column in ((box.row, box.right), (box.bottom, box.column), (box.bottom, box.right)):
            self.block(row, column, 1)
        self.block(box.row, box.column, title)

    def line(self, place: Place) -> int:
        """The sides that lines in this cell join."""
        return self._lines[self._number(place)]

    def free(self, row: int, column: int, width: int) -> bool:
        """Whether these cells hold nothing at all."""
        if not (0 <= row < self.rows and column >= 0 and column + width <= self.columns):
            return False
        cells = slice(row * self.columns + column, row * self.columns + column + width)
        return not any(any(held[cells]) for held in (self._blocked, self._lines, self._frames))

    def straight_across(self, row: int, column: int, width: int) -> bool:
        """Whether one line runs through all these cells, and nothing crosses it or stands on it."""
        if column < 0 or column + width > self.columns:
            return False
        cells = slice(row * self.columns + column, row * self.columns + column + width)
        return set(self._lines[cells]) == {_LEVEL} and not any(self._blocked[cells])

    def draw(self, way: list[Place]) -> None:
        """Take up the cells of a way that `route` found; its ends are borders of boxes."""
        for before, place, after in zip(way, way[1:], way[2:], strict=False):
            self._lines[self._number(place)] |= side_of(place, before) | side_of(place, after)
        self._ports.update((self._number(way[0]), self._number(way[-1])))
        self._blocked[self._number(way[-2])] = 1  # the arrow's head

    @contextmanager
    def undoing(self) -> Iterator[None]:
        """What is drawn and blocked within is gone afterwards."""
        kept = bytes(self._blocked), bytes(self._lines), frozenset(self._ports)
        yield
        self._blocked, self._lines, self._ports = bytearray(kept[0]), bytearray(kept[1]), set(kept[2])

    def route(self, tail: Box, head: Box, back: bool, by: int = 0) -> list[Place] | None:
        """The cells from one of the tail's border to one of the head's; None where there is no way.

        `by`: the side, EAST or WEST, of both boxes that is to be preferred, where the best way left no room for words.
        """
        goals = {
            cell * 4 + (side + 2) % 4: cost
            for cell, side, cost in self._open_ports(head, _sides(tail, head, back, by, entering=True))
        }
        best: dict[int, float] = {}
        came: dict[int, int] = {}
        todo: list[tuple[float, float, int]] = []
        for cell, side, cost in self._open_ports(tail, _sides(tail, head, back, by, entering=False)):
            state = cell * 4 + side
            best[state] = cost
            heappush(todo, (cost, cost, state))
        while todo:
            _, cost, state = heappop(todo)
            if cost > best[state]:
                continue
            if state in goals and state in came:
                return self._way(came, state)
            for after, price in self._steps(state, goals, state not in came):
                if after in goals and self._closed(after // 4, state, came):
                    continue
                total = cost + price
                if total < best.get(after, float("inf")):
                    best[after], came[after] = total, state
                    heappush(todo, (total + self._distance(after, head), total, after))
        return None

    def _steps(self, state: int, goals: dict[int, float], first: bool) -> Iterator[tuple[int, float]]:
        """The states that can follow, and what each costs."""
        cell, heading = divmod(state, 4)
        row, column = divmod(cell, self.columns)
        held = self._lines[cell] or self._frames[cell]
        for side in (heading,) if held or first else ((heading + 3) % 4, heading, (heading + 1) % 4):
            edge = (row == 0, column == self.columns - 1, row == self.rows - 1, column == 0)[side]
            if edge:
                continue
            following = cell + self._moves[side]
            after = following * 4 + side
            price = STEP[side] + (BEND if side != heading else 0.0)
            if self._blocked[following]:
                if after not in goals or held:  # an arrow's head needs a cell of its own
                    continue
                yield after, price + goals[after]
                continue
            if line := self._lines[following]:
                if line != _ACROSS_SIDE[side]:
                    continue
                price += CROSSING
            if frame := self._frames[following]:
                if frame != _ACROSS_SIDE[side]:
                    continue
                price += CROSSING_FRAME
            for beside in (self._moves[(side + 1) % 4], self._moves[(side + 3) % 4]):
                near = following + beside
                if not 0 <= near < len(self._blocked):
                    continue
                if self._blocked[near]:
                    price += ALONG_BOX
                elif self._lines[near] & _ALONG_SIDE[side] or self._frames[near]:
                    price += ALONG_LINE
            yield after, price

    def _closed(self, goal: int, state: int, came: dict[int, int]) -> bool:
        """Whether the way would end where it began, or has no cell between the two boxes."""
        if state not in came:
            return True
        while state in came:
            state = came[state]
        return state // 4 == goal

    def _open_ports(self, box: Box, sides: dict[int, float]) -> Iterator[tuple[int, int, float]]:
        """Cells of the border where a line may end: not another's end, nor, above and below, beside one."""
        for side, cost in sides.items():
            if side in (_UP, _DOWN):
                row = box.row if side == _UP else box.bottom
                cells = [row * self.columns + column for column in range(box.column + 1, box.right)]
            else:
                column = box.column if side == _LEFT else box.right
                cells = [row * self.columns + column for row in range(box.row + 1, box.bottom)]
            for number, cell in enumerate(cells):
                near = {cell - 1, cell, cell + 1} if side in (_UP, _DOWN) else {cell}
                if not near & self._ports:
                    yield cell, side, cost + OFF_CENTRE * abs(number - (len(cells) - 1) / 2)

    def _distance(self, state: int, box: Box) -> float:
        """No way from here is cheaper than this."""
        cell, side = divmod(state, 4)
        row, column = divmod(cell, self.columns)
        rows, columns = max(box.row - row, 0, row - box.bottom), max(box.column - column, 0, column - box.right)
        bend = columns if side in (_UP, _DOWN) else rows
        return rows * STEP[_DOWN] + columns * STEP[_RIGHT] + (BEND if bend else 0.0)

    def _way(self, came: dict[int, int], state: int) -> list[Place]:
        states = [state]
        while states[-1] in came:
            states.append(came[states[-1]])
        return [divmod(one // 4, self.columns) for one in reversed(states)]

    def _number(self, place: Place) -> int:
        return place[0] * self.columns + place[1]


def side_of(place: Place, other: Place) -> int:
    """On which side of the cell its neighbour lies."""
    step = other[0] - place[0], other[1] - place[1]
    return SIDES[((-1, 0), (0, 1), (1, 0), (0, -1)).index(step)]


def _sides(tail: Box, head: Box, back: bool, by: int, *, entering: bool) -> dict[int, float]:
    """What it costs to use each side: up and down for the way on, the sides for a way back or to a neighbour."""
    if by:
        return {_RIGHT: 0.0 if by == EAST else 20.0, _LEFT: 0.0 if by == WEST else 20.0, _UP: 20.0, _DOWN: 20.0}
    if tail.key == head.key:
        return {_RIGHT: 0.0, _LEFT: 2.0, _DOWN: 3.0 if entering else 6.0}
    if head.row > tail.bottom and not back:
        return {_UP if entering else _DOWN: 0.0, _RIGHT: 5.0, _LEFT: 5.0}
    return {_RIGHT: 0.0, _LEFT: 0.0, _DOWN if entering else _UP: 4.0, _UP if entering else _DOWN: 8.0}
