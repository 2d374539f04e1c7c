"""Which architectures there are, and which of a person's options mean something to one of them.

The server's rooms know it. They are imported when they are first asked: the first picture shall not wait for them.
"""

from collections.abc import Collection

from teachserve.options import OPTIONS, Options, options_used


def architectures() -> tuple[str, ...]:
    """The names of ours."""
    from teachserve.architectures import NAMES

    return tuple(NAMES)


def fitting(
    architecture: str, options: dict[str, object], has: Collection[str] | None = None
) -> tuple[dict[str, object], list[str]]:
    """The options that the architecture uses, and a sentence for each that it does not.

    `has`: the options of an architecture that is not one of ours, where a server of it has told them; it is not
    imported here to be asked. Not told: all may be its own, and it refuses for itself what is not.

    Raises: OptionError, where two of them contradict each other.
    """
    if architecture in architectures():
        from teachserve.architectures import find
        from teachserve.taskmaster import Taskmaster

        used = options_used(find(architecture)[1], Taskmaster)
    elif has is not None:
        used = frozenset(has)
    else:
        return options, []
    kept = {name: value for name, value in options.items() if OPTIONS[name].scope != "architecture" or name in used}
    Options(architecture, used, kept)
    return kept, [
        f"{name}={value} means nothing to {architecture}: left out"
        for name, value in options.items()
        if name not in kept
    ]
