"""Tokens: every thread as a mark in the room that it is in. One that stays keeps its cell, so that moves can be seen."""

from collections.abc import Sequence
from typing import NamedTuple

from teachserve.events import State
from teachserve.observe.snapshot import ThreadView

FOLLOWED = 3
"""Moves between two frames that an eye can still take for one. A thread that made more, or that the last frame did not
have at all, is not marked as just come."""


class Token(NamedTuple):
    """A cell: the thread's state, its number (0 where a token stands for several threads), whether it has just come."""

    state: State
    thread: int
    fresh: bool


class Tokens:
    """Remembers which cell of which room each thread had in the last frame."""

    def __init__(self) -> None:
        self._cells: dict[str, list[int]] = {}
        self._moves: dict[int, int] = {}

    def place(self, rooms: dict[str, Sequence[ThreadView]], scale: int) -> dict[str, list[Token | None]]:
        """The cells of each room for this frame; None is one that was left free. `scale`: threads for each token."""
        placed = {}
        moves = {}
        for room, threads in rooms.items():
            there = {thread.number: thread for thread in threads}
            moves |= {number: thread.moves for number, thread in there.items()}
            if scale > 1:
                self._cells.pop(room, None)
                placed[room] = [Token(thread.state, 0, False) for thread in threads[::scale]]
            else:
                placed[room] = self._place(room, there)
        self._moves = moves
        return placed

    def _place(self, room: str, there: dict[int, ThreadView]) -> list[Token | None]:
        before = self._cells.get(room, [])
        slow = {
            number
            for number, thread in there.items()
            if number in self._moves and thread.moves - self._moves[number] <= FOLLOWED
        }
        if 2 * len(slow) < len(there):  # too fast to be seen: a bar
            cells = sorted(there)
            fresh = set()
        else:
            stay = set(before)
            cells = [number if number in there else 0 for number in before]
            come = [number for number in there if number not in stay]
            fresh = slow.intersection(come)
            free = [position for position, number in enumerate(cells) if not number]
            for position, number in zip(free, come, strict=False):
                cells[position] = number
            cells += come[len(free) :]
            while cells and not cells[-1]:
                cells.pop()
        self._cells[room] = cells
        return [Token(there[number].state, number, number in fresh) if number else None for number in cells]
