"""Every key, declared once: the bindings, the footer, the help and the test against double meanings read this table."""

from dataclasses import dataclass

from textual.binding import Binding

from teachserve.dashboard.views import VIEWS

EVERYWHERE = ""
LIST = "list"
"""Every pane that is a list of rows."""
CONTROL = "control"
REPLAY = "replay"
"""Everywhere, where a trace is played again."""
OVER = "over"
"""The whole dashboard, while something lies over it or one pane has the screen to itself."""


@dataclass(frozen=True, slots=True)
class Key:
    """`keys` as Textual names them, comma between; `shown` as printed. Only `footer` keys stand in the footer.

    `where` names the pane or screen that hears it while it has the focus; EVERYWHERE: always.
    """

    keys: str
    action: str
    shown: str
    label: str
    sentence: str
    footer: bool = False
    where: str = EVERYWHERE

    def binding(self) -> Binding:
        """The key as Textual wants it."""
        name = "".join(letter if letter.isalnum() else "-" for letter in f"{self.where}-{self.action}").strip("-")
        return Binding(
            self.keys, self.action, self.label, show=self.footer, key_display=self.shown, tooltip=self.sentence,
            priority=self.keys == "ctrl+c" or self.where == OVER, id=name,
        )  # fmt: skip


# The footer is for a newcomer: how to leave, to get help, to hold the picture still, to change something, to see it large.
KEYS = (
    Key(
        "q", "end", "q", "Quit", "Leaves: a demo's server and load end with it, a server that you watch runs on.", True
    ),
    Key("ctrl+c", "end_at_once", "^c", "Quit", "Quits, as q does."),
    Key(
        "question_mark,f1",
        "meanings",
        "?",
        "Help",
        "Explains the pane with the focus, and each word on it; again: every word there is.",
        True,
    ),
    Key(
        "space", "freeze", "space", "Freeze", "Freezes the view, so that you can read it; a replay stands still.", True
    ),
    *(Key(view.key, f"view('{view.name}')", view.key, view.label, view.sentence) for view in VIEWS),
    Key("tab", "focus_next", "Tab", "Pane", "Moves the focus to the next pane: ? explains it, m maximises it.", True),
    Key("shift+tab", "focus_previous", "shift+Tab", "Previous", "Moves the focus to the pane before."),
    Key("plus,equals_sign", "change('connections', 1)", "+ -", "Load", "+ gives the load more clients.", True),
    Key("minus", "change('connections', -1)", "-", "Fewer", "Gives the load fewer clients."),
    Key(
        "greater_than_sign",
        "change('rate', 1)",
        ">",
        "Faster",
        "Raises the rate of the load; a replay plays faster.",
    ),
    Key("less_than_sign", "change('rate', -1)", "<", "Slower", "Lowers the rate of the load; a replay plays slower."),
    Key("c", "control", "c", "Control", "Opens the controls: load, options, architecture, slow motion, stop.", True),
    Key("P", "present", "P", "Present", "Presenter mode: big numbers and one pane, light; again or Esc: back.", True),
    Key("X", "stop", "X", "Stop", "Stops the server softly: what it has accepted is served. Again: abandons it.", True),
    Key("m", "maximise", "m", "Maximise", "Gives the pane with the focus the whole middle; again or Esc: back."),
    Key("T", "theme", "T", "Theme", "Changes between the dark and the light theme."),
    Key("f8", "picture", "f8", "SVG", "Saves this screen as an SVG picture in the current folder."),
    Key("ctrl+p", "command_palette", "^p", "Palette", "Finds any action, control, view or word by its name."),
    Key("down,j", "move(1)", "arrows", "Below", "Shows the charts below; j does as well.", where="charts"),
    Key("up,k", "move(-1)", "up", "Above", "Shows the charts above; k does as well.", where="charts"),
    Key("z", "zoom(-1)", "z Z", "Zoom", "z shows less time, more closely; Z more time.", where="lanes"),
    Key("Z", "zoom(1)", "Z", "Zoom out", "Shows more time.", where="lanes"),
    Key(
        "left", "pan(-1)", "left", "Earlier", "Shows what was before; best while frozen, or in a replay.", where="lanes"
    ),
    Key("right", "pan(1)", "right", "Later", "Shows what came after, up to the newest.", where="lanes"),
    Key("escape", "newest", "Esc", "Newest", "Shows the newest moment, zoomed as in the beginning.", where="lanes"),
    Key("down,j", "move(1)", "arrows", "Next", "Chooses the next lane; j and k do as well.", where="lanes"),
    Key("up,k", "move(-1)", "up", "Before", "Chooses the lane before.", where="lanes"),
    Key("pagedown", "page(1)", "pgdn", "Page on", "Chooses the lane a page further down.", where="lanes"),
    Key("pageup", "page(-1)", "pgup", "Page back", "Chooses the lane a page further up.", where="lanes"),
    Key("home", "end_of_list(False)", "home", "First", "Chooses the first lane.", where="lanes"),
    Key("end", "end_of_list(True)", "end", "Last", "Chooses the last lane.", where="lanes"),
    Key("enter", "open", "Enter", "Open", "Shows all that is known of the chosen lane's thread.", where="lanes"),
    Key("down,j,right", "move(1)", "arrows", "Next", "Chooses the next part of the diagram.", where="diagram"),
    Key("up,k,left", "move(-1)", "up", "Before", "Chooses the part before.", where="diagram"),
    Key("pagedown", "page(1)", "pgdn", "Page on", "Shows what is further down.", where="diagram"),
    Key("pageup", "page(-1)", "pgup", "Page back", "Shows what is further up.", where="diagram"),
    Key("escape", "leave", "Esc", "All", "Chooses none: the lists show every thread again.", where="diagram"),
    Key("down,j", "move(1)", "arrows", "Next", "Goes to the next line of the file; j and k do as well.", where="code"),
    Key("up,k", "move(-1)", "up", "Before", "Goes to the line before.", where="code"),
    Key("pagedown", "page(1)", "pgdn", "Page on", "Goes a page further down.", where="code"),
    Key("pageup", "page(-1)", "pgup", "Page back", "Goes a page further up.", where="code"),
    Key("home", "end_of_text(False)", "home", "First", "Goes to the first line.", where="code"),
    Key("end", "end_of_text(True)", "end", "Last", "Goes to the last line.", where="code"),
    Key("right", "aside(1)", "right", "Aside", "Shows the ends of long lines.", where="code"),
    Key("left", "aside(-1)", "left", "Back", "Shows the beginnings of long lines again.", where="code"),
    Key("enter", "choose", "Enter", "Choose", "Chooses a thread at the line; again, the next.", where="code"),
    Key("escape", "leave", "Esc", "Follow", "Leaves the lines: the pane shows the hottest again.", where="code"),
    Key("down,j", "move(1)", "arrows", "Next", "Choose the next row of the list; j and k do as well.", where=LIST),
    Key("up,k", "move(-1)", "up", "Before", "Chooses the row before.", where=LIST),
    Key("pagedown", "page(1)", "pgdn", "Page on", "Chooses the row a page further down.", where=LIST),
    Key("pageup", "page(-1)", "pgup", "Page back", "Chooses the row a page further up.", where=LIST),
    Key("home", "end_of_list(False)", "home", "First", "Chooses the first row.", where=LIST),
    Key("end", "end_of_list(True)", "end", "Last", "Chooses the last row.", where=LIST),
    Key("enter", "open", "Enter", "Open", "Shows all that is known of the chosen row.", where=LIST),
    Key("s", "sort(1)", "s S", "Sort", "s sorts by the next column, S by the one before.", where=LIST),
    Key("S", "sort(-1)", "S", "Sort back", "Sorts by the column before.", where=LIST),
    Key("i", "invert", "i", "Invert", "Turns the order round.", where=LIST),
    Key(
        "slash", "filter", "/", "Filter", "Shows only the rows in which all the words that you type stand.", where=LIST
    ),
    Key("escape", "clear_filter", "Esc", "All", "Shows all rows again.", where=LIST),
    Key("e", "ended", "e", "Ended", "Hides the threads that have ended lately, or shows them again.", where="threads"),
    Key("e", "ended", "e", "Ended", "Hides the connections that have ended, or shows them again.", where="connections"),
    Key(
        "y",
        "open",
        "y",
        "Why",
        "Says in sentences why the chosen connection took as long as it did.",
        where="connections",
    ),
    Key("escape,enter", "leave", "Esc", "Back", "Goes back to the view.", where="detail"),
    Key("up,k", "choose(-1)", "up", "Before", "Chooses the control before.", where=CONTROL),
    Key("down,j", "choose(1)", "down", "Next", "Chooses the next control.", where=CONTROL),
    Key(
        "left,h",
        "step(-1)",
        "left",
        "Less",
        "Changes the chosen control a step down, at once; an architecture it only chooses.",
        where=CONTROL,
    ),
    Key(
        "right,l",
        "step(1)",
        "right",
        "More",
        "Changes it a step up, at once; an architecture it only chooses.",
        where=CONTROL,
    ),
    Key(
        "enter",
        "do",
        "Enter",
        "Do",
        "Does it, or starts the architecture that was chosen; changes a value a step up.",
        where=CONTROL,
    ),
    Key("escape", "back", "Esc", "Back", "Closes what lies over the view.", where=OVER),
    Key(
        "right_square_bracket",
        "play_step(1)",
        "[ ]",
        "Event",
        "] shows the next event, and stands there.",
        True,
        REPLAY,
    ),
    Key("left_square_bracket", "play_step(-1)", "[", "Event back", "Shows the event before.", where=REPLAY),
    Key("right_curly_bracket", "play_skip(1)", "{ }", "1 s", "} goes a second on.", True, REPLAY),
    Key("left_curly_bracket", "play_skip(-1)", "{", "Second back", "Goes a second back.", where=REPLAY),
    Key("colon", "play_seek", ":", "Seek", "Asks for a moment: 12.4, or +5 and -5 from here, or 50%.", True, REPLAY),
)
SCROLLING = "arrows, page up and down, home, end"


def bindings(where: str = EVERYWHERE) -> list[Binding]:
    """The bindings of one place, in the order of the table."""
    return [key.binding() for key in KEYS if key.where == where]
