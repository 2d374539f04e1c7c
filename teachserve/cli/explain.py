"""`teachserve explain`: what a word on the screen means, in one sentence."""

import json
import textwrap

import click

from teachserve.cli.stdout import telling

WIDTH = 100


@click.command()
@click.argument("words", metavar="[WORD]", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="Exactly one JSON value on stdout.")
def command(words: tuple[str, ...], as_json: bool) -> int:
    """Explain a word that stands on a screen of teachserve. Without WORD: all of them.

    \b
    Examples:
      teachserve explain standby
      teachserve explain waiting for a place
      teachserve explain accept queue --json

    Exit status: 0; 2 for a word that is not known, with what comes close.
    """
    from teachserve.observe.glossary import GLOSSARY

    if words:
        told = explanation(" ".join(words), as_json)
    else:
        told = json.dumps([found._asdict() for found in GLOSSARY]) if as_json else everything()
    with telling():
        click.echo(told)
    return 0


def explanation(word: str, as_json: bool) -> str:
    """The word's meanings, and what is related to it. Raises: UsageError for a word that is not known."""
    from teachserve.observe import glossary

    found = glossary.meanings(word)
    if not found:
        close = glossary.close_to(word)
        guess = f"did you mean {' or '.join(close)}?" if close else "`teachserve explain` alone lists every word"
        raise click.UsageError(f"no word {word!r} is known here: {guess}")
    related = glossary.related(word)
    if as_json:
        told = [{"group": one.group, "sentence": one.sentence} for one in found]
        return json.dumps({"word": found[0].word, "meanings": told, "related": related})
    lines = [f"{one.word} ({one.group}): {one.sentence}." for one in found]
    if related:
        lines.append(f"See also: {', '.join(related)}")
    return "\n".join(_wrapped(line, 2) for line in lines)


def everything() -> str:
    """Every word with its sentence, by group."""
    from teachserve.observe.glossary import GLOSSARY, GROUPS

    lines: list[str] = []
    for group in GROUPS:
        own = [one for one in GLOSSARY if one.group == group]
        width = 2 + max(len(one.word) for one in own)
        lines += ["", f"{group[0].upper()}{group[1:]}"]
        for one in own:
            head = f"  {one.word:<{width}}"
            lines.append(_wrapped(head + one.sentence, len(head)))
    return "\n".join(lines[1:])


def _wrapped(text: str, indent: int) -> str:
    return textwrap.fill(text, WIDTH, subsequent_indent=" " * indent, break_on_hyphens=False)
