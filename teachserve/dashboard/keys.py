"""Every key, declared once: the bindings, the footer, the help and the test against double meanings read this table."""

from dataclasses import dataclass

from textual.binding import Binding


@dataclass(frozen=True, slots=True)
class Key:
    """`keys` as Textual names them, comma between; `shown` as printed. Only `footer` keys stand in the footer."""

    keys: str
    action: str
    shown: str
    label: str
    sentence: str
    footer: bool = True

    def binding(self) -> Binding:
        """The key as Textual wants it."""
        return Binding(
            self.keys, self.action, self.label, show=self.footer, key_display=self.shown, tooltip=self.sentence,
            priority=self.keys == "ctrl+c", id=self.action.replace("(", "-").rstrip(")"),
        )  # fmt: skip


KEYS = (
    Key("q", "end", "q", "Quit", "Leaves: a demo's server and load end with it, a server that you watch runs on."),
    Key("ctrl+c", "end_at_once", "^c", "Quit", "Quits, as q does.", footer=False),
    Key("space", "freeze", "space", "Freeze", "Freezes the view, so that you can read it; the server runs on."),
    Key("question_mark,f1", "meanings", "?", "Help", "What each word, glyph and figure on this screen means."),
    Key("T", "theme", "T", "Theme", "Changes between the dark and the light theme."),
    Key("f8", "picture", "f8", "SVG", "Saves this screen as an SVG picture in the current folder."),
    Key("s", "stop", "s", "Stop", "Stops the server softly: what it has accepted is served. Again: abandons it."),
    Key("plus,equals_sign", "connections(2)", "+ -", "Clients", "+ doubles the connections, - halves them."),
    Key("minus", "connections(0.5)", "-", "Fewer", "Halves the connections of the load.", footer=False),
    Key("greater_than_sign", "rate(2)", "< >", "Rate", "> doubles the rate of the load, < halves it."),
    Key("less_than_sign", "rate(0.5)", "<", "Slower", "Halves the rate of the load.", footer=False),
)
SCROLLING = "arrows, page up and down, home, end"
