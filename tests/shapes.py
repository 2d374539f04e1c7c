"""The architectures, each in every shape that a test must hold in."""

from teachserve.architectures import NAMES

# An event loop has two shapes: it runs the handlers itself, or hands them to workers.
SHAPES = {name: (name, {}) for name in NAMES} | {"event-loop-offload": ("event-loop", {"offload": 2})}
