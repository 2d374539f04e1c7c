"""Lines on terminal cells: which glyph joins which sides of a cell, and the same glyphs in other weights and in ASCII."""

NORTH, EAST, SOUTH, WEST = 1, 2, 4, 8
OPPOSITE = {NORTH: SOUTH, SOUTH: NORTH, EAST: WEST, WEST: EAST}
GLYPHS = {
    NORTH: "│", SOUTH: "│", NORTH | SOUTH: "│", EAST: "─", WEST: "─", EAST | WEST: "─",
    EAST | SOUTH: "┌", WEST | SOUTH: "┐", NORTH | EAST: "└", NORTH | WEST: "┘",
    NORTH | SOUTH | EAST: "├", NORTH | SOUTH | WEST: "┤", EAST | WEST | SOUTH: "┬", EAST | WEST | NORTH: "┴",
    NORTH | EAST | SOUTH | WEST: "┼",
}  # fmt: skip
ARROWS = {NORTH: "▲", EAST: "►", SOUTH: "▼", WEST: "◄"}
"""The head of an arrow, by the side to which it points."""
LEAVING = {NORTH: "┴", EAST: "├", SOUTH: "┬", WEST: "┤"}
"""Where a line leaves a box, in the box's border, by the side."""

HEADLESS = str.maketrans("▲▼►◄", "││──")
DASHED = str.maketrans("│─", "┆┄")
HEAVY = str.maketrans("│─┌┐└┘├┤┬┴┼", "┃━┏┓┗┛┣┫┳┻╋")
_IN_ASCII = {
    "│┃║": "|", "╎┆": ":", "─━": "-", "╌┄": ".", "═": "=", "┌┐└┘├┤┬┴┼┏┓┗┛┣┫┳┻╋╟╢╤╧": "+", "╔╗╚╝": "#", "╭╮╰╯": ".",
    "▲": "^", "►": ">", "▼": "v", "◄": "<",
}  # fmt: skip
ASCII = str.maketrans({glyph: plain for glyphs, plain in _IN_ASCII.items() for glyph in glyphs})
"""For `str.translate`: every glyph here in one of ASCII."""
