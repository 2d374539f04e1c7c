"""The hues, on a dark and on a light ground, and which of them each state has: for the dashboard and the diagrams.

The hues are Okabe and Ito's, which people with any common colour blindness can tell apart; on white they are darkened,
for as they stand they reach a contrast of 1.3 to 2.3 there. On the raised dark ground vermilion is a little lighter.
"""

from teachserve.events import State

# name: (on the dark background, on the light one)
PALETTE = {
    "accepting": ("#56B4E9", "#0072B2"),
    "talking": ("#CC79A7", "#9A4A78"),
    "handling": ("#009E73", "#00795A"),
    "waiting": ("#E69F00", "#8A5A00"),
    "alarm": ("#E0660A", "#B84300"),
    "quiet": ("#9A9A9A", "#6B6B6B"),
}
DARK_BACKGROUND, LIGHT_BACKGROUND = "#121212", "#FFFFFF"
DARK_RAISED, LIGHT_RAISED = "#1E1E1E", "#F2F2F2"
DARK_FOREGROUND, LIGHT_FOREGROUND = "#E6E6E6", "#1A1A1A"

STATE_COLOURS: dict[State, str] = {
    State.STARTING: "quiet",
    State.CREATING: "quiet",
    State.ACCEPTING: "accepting",
    State.ACCEPTED: "accepting",
    State.BACKING_OFF: "alarm",
    State.SELECTING: "waiting",
    State.HANDING_OVER: "talking",
    State.WAITING: "waiting",
    State.WAITING_FOR_PLACE: "waiting",
    State.READING: "talking",
    State.IDLE: "waiting",
    State.HANDLING: "handling",
    State.WRITING: "talking",
    State.LINGERING: "talking",
    State.RECYCLING: "accepting",
    State.ENDED: "quiet",
    State.BROKEN: "alarm",
}
"""The name in PALETTE of each state's hue; the dashboard's style sheet says the same, which a test compares."""
