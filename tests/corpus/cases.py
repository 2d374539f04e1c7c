"""The case files: what a client sends, and what it must get. README.md describes the form."""

import re
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent / "cases"
LIMITS = {
    "limit_request_line": 128, "limit_header_count": 12, "limit_header_bytes": 512, "limit_request_body": 128,
}  # fmt: skip
"""The options under which every case holds: small, so that a case at a limit is short."""

_ESCAPE = re.compile(r"\\(?:\{(.+?)\*([0-9]+)\}|x([0-9a-f]{2})|([rnt0\\]))")
_PLAIN = {"r": "\r", "n": "\n", "t": "\t", "0": "\0", "\\": "\\"}
_KEYS = {"about", "source", "client", "answer", "then"}


class MalformedCase(ValueError):
    """A case file that is not of the form that README.md describes."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What one request comes to: a status; and where the application was asked, what it was given.

    `method` is "" for a refusal. `fields` holds the header fields that matter, as (lower-case name, value) in order;
    fields that a case does not name are not compared.
    """

    status: int
    method: str = ""
    target: bytes = b""
    body: bytes = b""
    fields: tuple[tuple[bytes, bytes], ...] = ()


@dataclass(frozen=True, slots=True)
class Case:
    """What is sent on one connection, and what must come of it.

    `name` is chapter/name. `half_closes`: the client ends its side after `data`. `closed`: the server closes after the
    last answer, and interprets nothing that follows.
    """

    name: str
    about: str
    source: str
    data: bytes
    answers: tuple[Answer, ...]
    closed: bool
    half_closes: bool = False


def unescape(text: str) -> bytes:
    r"""The bytes that an escaped text stands for; real line breaks count for nothing. Raises: MalformedCase."""

    def one(match: re.Match) -> str:
        repeated, times, code, plain = match.groups()
        if repeated:
            return unescape(repeated).decode("latin-1") * int(times)
        return chr(int(code, 16)) if code else _PLAIN[plain]

    text = text.replace("\n", "")
    if not text.isascii() or "\\" in _ESCAPE.sub("", text):
        raise MalformedCase(f"only ASCII and the escapes \\r \\n \\t \\0 \\\\ \\xhh \\{{text*count}}: {text!r}")
    return _ESCAPE.sub(one, text).encode("latin-1")


def escape(data: bytes) -> str:
    """The bytes as a text that `unescape` takes back: one line for each line of theirs, long repeats as one."""

    def one(byte: int) -> str:
        plain = next((name for name, char in _PLAIN.items() if ord(char) == byte), "")
        return f"\\{plain}" if plain else chr(byte) if 32 <= byte < 127 else f"\\x{byte:02x}"

    def run(match: re.Match) -> str:
        length = len(match[0])
        return f"\\{{{one(match[0][0])}*{length}}}" if length >= 16 else one(match[0][0]) * length

    lines = re.findall(rb"[^\n]*\n|[^\n]+", data)
    texts = ["".join(run(match) for match in re.finditer(rb"(.)\1*", line, re.DOTALL)) for line in lines]
    return "\n".join(re.sub(" $", r"\\x20", text) for text in texts)


def load() -> list[Case]:
    """Every case, by name. Raises: MalformedCase, which names the file."""
    return [_parse(path) for path in sorted(FOLDER.glob("*/*.case"))]


def write(case: Case) -> Path:
    """Make a file of a case; its path."""
    path = FOLDER / f"{case.name}.case"
    path.parent.mkdir(exist_ok=True)
    head = [f"about: {case.about}", f"source: {case.source}"]
    if case.half_closes:
        head.append("client: half-closes")
    head += [f"answer: {_answer_text(answer)}" for answer in case.answers]
    head.append(f"then: {'closed' if case.closed else 'open'}")
    path.write_text("\n".join([*head, "---", escape(case.data), ""]))
    return path


def _parse(path: Path) -> Case:
    head, found, body = path.read_text(encoding="ascii").partition("\n---\n")
    pairs = [line.partition(": ")[::2] for line in head.split("\n")]
    one = dict(pairs)
    try:
        if not found or not one.keys() <= _KEYS or not one["about"] or not one["source"]:
            raise MalformedCase("it needs about, source and then, client and answers if any, ---, and what is sent")
        return Case(
            name=f"{path.parent.name}/{path.stem}",
            about=one["about"],
            source=one["source"],
            data=unescape(body),
            answers=tuple(_parse_answer(text) for key, text in pairs if key == "answer"),
            closed={"closed": True, "open": False}[one["then"]],
            half_closes={"half-closes": True, "": False}[one.get("client", "")],
        )
    except (KeyError, ValueError) as error:
        raise MalformedCase(f"{path}: {error!r}") from error


def _parse_answer(text: str) -> Answer:
    status, *words = text.split(" ")
    if not words:
        return Answer(int(status))
    method, target, *rest = words
    pairs = [(name, unescape(value)) for name, _, value in (word.partition("=") for word in rest)]
    body = dict(pairs).get("body", b"")
    fields = tuple((name.encode(), value) for name, value in pairs if name != "body")
    return Answer(int(status), method, unescape(target), body, fields)


def _answer_text(answer: Answer) -> str:
    if not answer.method:
        return str(answer.status)
    pairs = [*([(b"body", answer.body)] if answer.body else []), *answer.fields]
    words = [f"{name.decode()}={_word(value)}" for name, value in pairs]
    return " ".join([str(answer.status), answer.method, _word(answer.target), *words])


def _word(data: bytes) -> str:
    return escape(data).replace("\n", "").replace(" ", r"\x20")
