"""The load under one's hands: how many clients, how often they ask, and whether they keep their connections."""

from teachserve.demo.control import NOT_OURS, Control, doubled
from teachserve.demo.load_line import NoMoreOrders, Wanted
from teachserve.demo.picture import Picture

MOST_CONNECTIONS = 10_000
MOST_RATE = 100_000.0
OFF = "off"
KEEP_ALIVE, CLOSE = "keep-alive", "close"


class LoadControl(Control):
    """A part of the load generator's plan, `field` of it."""

    group = kind = "load"
    field: str

    def shown(self, value: object) -> str:
        """A value of the plan, as shown."""
        return str(value)

    def parsed(self, text: str) -> object:
        """A value of the plan. Raises: ValueError, with a sentence."""
        raise NotImplementedError

    def value(self, picture: Picture) -> str:
        return "n/a" if picture.load is None else self.shown(getattr(picture.load, self.field))

    def reason(self, picture: Picture) -> str:
        return NOT_OURS if self._feed.load is None else ""  # it goes on when the server does not

    def choose(self, value: str, picture: Picture) -> str:
        try:
            return self._set(self.parsed(value))
        except ValueError as error:
            return str(error)

    @property
    def _wanted(self) -> Wanted:
        return self._feed.load.wanted  # what was asked for: a key may be pressed again before it has come about

    def _set(self, after: object) -> str:
        before = getattr(self._wanted, self.field)
        if after == before:
            return f"{self.label.lower()}: {self.shown(after)} already"
        try:
            self._feed.load.change(**{self.field: after})
        except NoMoreOrders as error:
            return str(error)
        return self.changed(self.shown(before), self.shown(after))


class Connections(LoadControl):
    """The clients."""

    name = field = "connections"
    label = "Connections"
    sentence = "Doubles or halves the clients that ask at the same time."

    def parsed(self, text: str) -> int:
        try:
            return min(MOST_CONNECTIONS, max(1, int(text)))
        except ValueError:
            raise ValueError(f"connections must be a whole number from 1 to {MOST_CONNECTIONS}: {text}") from None

    def change(self, direction: int, picture: Picture) -> str:
        return self._set(min(MOST_CONNECTIONS, max(1, int(doubled(self._wanted.connections, direction)))))


class Rate(LoadControl):
    """The plan of an open loop."""

    name = field = "rate"
    label = "Rate"
    sentence = "Requests a second as planned ahead, doubled or halved; below 1 the clients ask again once answered."
    choices = (OFF,)

    def shown(self, value: float | None) -> str:
        return OFF if value is None else f"{value:g}/s"

    def parsed(self, text: str) -> float | None:
        if text == OFF:
            return None
        try:
            rate = float(text.removesuffix("/s"))
        except ValueError:
            rate = 0.0
        if not 0 < rate <= MOST_RATE:
            raise ValueError(f"rate must be off, or a number above 0 and up to {MOST_RATE:g}: {text}")
        return rate

    def change(self, direction: int, picture: Picture) -> str:
        before = self._wanted.rate
        if before is not None:
            after = min(MOST_RATE, doubled(before, direction))
            return self._set(after if after >= 1 else None)
        if direction < 0:
            return self._set(None)
        return self._set(float(max(1, round(self._feed.load.view().answered_per_s))))


class KeepAlive(LoadControl):
    """Whether a connection is for one request or for many."""

    name = "keep-alive"
    field = "keep_alive"
    label = "Clients"
    sentence = "Lets each client keep its connection, or open a new one for every request."
    choices = (KEEP_ALIVE, CLOSE)

    def shown(self, value: bool) -> str:
        return KEEP_ALIVE if value else CLOSE

    def parsed(self, text: str) -> bool:
        if text not in self.choices:
            raise ValueError(f"clients must be {KEEP_ALIVE} or {CLOSE}: {text}")
        return text == KEEP_ALIVE

    def change(self, direction: int, picture: Picture) -> str:
        return self._set(not self._wanted.keep_alive)
