"""The command palette (ctrl+p): whatever can be done, changed, seen or explained, by its name, with one sentence."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

from textual.command import DiscoveryHit, Hit, Hits, Provider

from teachserve.dashboard.control import ACTIONS
from teachserve.dashboard.keys import EVERYWHERE, KEYS, REPLAY
from teachserve.dashboard.playing import LIVE_ONLY
from teachserve.dashboard.views import VIEWS
from teachserve.observe.glossary import GLOSSARY, meanings

DIRECTIONS = (("more", 1), ("less", -1))


class Command(NamedTuple):
    """An entry: what it is called, what it does, one sentence. `told`: among those offered before anything is typed."""

    name: str
    run: Callable[[], object]
    sentence: str
    told: bool = True


class Everything(Provider):
    """The controls, the views, the keys' actions, the architectures and the glossary."""

    def commands(self) -> Iterator[Command]:
        """All of them, what can be done now before what can be looked up."""
        yield from self._controls()
        for view in VIEWS:
            yield Command(f"view: {view.label.lower()}", partial(self.app.action_view, view.name), view.sentence)
        replay = self.app.source.player is not None
        places, left_out = ((EVERYWHERE, REPLAY), LIVE_ONLY) if replay else ((EVERYWHERE,), ())
        for key in KEYS:
            if key.where in places and not key.action.startswith(("change", "view", "command_palette", *left_out)):
                yield Command(f"{key.label.lower()} ({key.shown})", partial(self._run, key.action), key.sentence)
        for one in GLOSSARY:
            yield Command(f"explain: {one.word}", partial(self._explain, one.word), one.sentence, told=False)

    def _controls(self) -> Iterator[Command]:
        controls, picture = self.app.source.controls, self.app.newest
        if controls is None or picture is None:
            return
        for control in controls.all:
            reason = controls.reason(control.name, picture)
            sentence = f"not now: {reason}" if reason else control.sentence
            if control.name in ACTIONS:
                yield Command(control.label, partial(self.app.action_change, control.name, 1), sentence)
            for value in control.choices:
                what = next((one.sentence for one in meanings(value) if one.group == "architectures"), sentence)
                yield Command(
                    f"{control.label}: {value}", partial(self.app.choose, control.name, value), reason or what
                )
            if control.name not in ACTIONS and not control.choices:
                for word, step in DIRECTIONS:
                    run = partial(self.app.action_change, control.name, step)
                    yield Command(f"{control.label}: {word}", run, sentence)

    async def _run(self, action: str) -> None:
        await self.app.run_action(action)

    def _explain(self, word: str) -> None:
        self.app.notify("\n".join(one.sentence for one in meanings(word)), title=word, timeout=12, markup=False)

    async def discover(self) -> Hits:
        """Before anything is typed."""
        for command in self.commands():
            if command.told:
                yield DiscoveryHit(command.name, command.run, help=command.sentence)

    async def search(self, query: str) -> Hits:
        """What fits what was typed."""
        matcher = self.matcher(query)
        for command in self.commands():
            if (score := matcher.match(command.name)) > 0:
                yield Hit(score, matcher.highlight(command.name), command.run, help=command.sentence)
