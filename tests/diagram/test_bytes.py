"""The same drawing has the same bytes: in another process, with another hash seed, after other drawings."""

import hashlib
import os
import subprocess
import sys

from teachserve.diagram import dot, mermaid, plain, svg, text

from . import drawings


def digests() -> list[str]:
    """One for each format of each drawing."""
    formats = (dot.source, svg.render, mermaid.render, plain.render)
    drawn = [form(make()) for make in drawings.ALL for form in formats] + [text.render(drawings.life(), 78)]
    return [hashlib.sha256(one.encode()).hexdigest() for one in drawn]


def test_no_hash_seed_changes_a_byte() -> None:
    script = "from diagram.test_bytes import digests; print(*digests())"
    told = {
        subprocess.run(
            [sys.executable, "-c", script],
            env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "4242")
    }
    assert told == {" ".join(digests()) + "\n"}


def test_what_was_drawn_before_changes_no_byte() -> None:
    first = svg.render(drawings.recycling())
    svg.render(drawings.nasty())
    assert svg.render(drawings.recycling()) == first
