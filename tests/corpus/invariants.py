"""What must hold for any bytes whatever: no exception but a refusal, the same result however cut, agreement with h11."""

from dataclasses import replace

from tests.corpus import oracle
from tests.corpus.reading import Answer, Reading, read


def fault(data: bytes) -> str:
    """Which rule the machine breaks for a client that sends this and then half-closes, as one line; "" for none."""
    try:
        whole = read([data], half_closes=True)
        for pieces in _cuts(data):
            cut = read(pieces, half_closes=True)
            if _regardless_of_status(cut) != _regardless_of_status(whole):
                return f"cut into {len(pieces)}, the first {len(pieces[0])} long, it is {cut}; whole it is {whole}"
    except Exception as error:  # any: that is what is looked for
        return f"the machine raised {error!r}"
    return disagreement(whole, oracle.read(data))


def disagreement(ours: Reading, theirs: Reading) -> str:
    """Where our reading of some bytes is not as strict as h11's, or another one; "" where nowhere."""
    for number, answer in enumerate(ours.answers):
        if not answer.method:
            return ""
        other = theirs.answers[number] if number < len(theirs.answers) else None
        if other == oracle.UNDECIDED:
            return ""
        if other is None:
            return f"h11 finds no request {number + 1}, we find {answer}"
        if not other.method:
            return f"h11 refuses request {number + 1}, we find {answer}"
        if _comparable(answer) != _comparable(other):
            return f"h11 reads request {number + 1} as {other}, we as {answer}"
    if theirs.answers[len(ours.answers) :] not in ((), (oracle.UNDECIDED,)):
        return f"we leave off after {len(ours.answers)} requests, h11 goes on with {theirs.answers[len(ours.answers)]}"
    return ""


def _cuts(data: bytes) -> list[list[bytes]]:
    """Byte by byte; and in two, before and behind each byte of a line end: where the rules change."""
    near = {at + side for at, byte in enumerate(data) if byte in b"\r\n" for side in (0, 1)}
    halves = [[data[:at], data[at:]] for at in sorted(near) if 0 < at < len(data)]
    return [[data[at : at + 1] for at in range(len(data))], *halves] if data else []


def _regardless_of_status(reading: Reading) -> Reading:
    """Bytes with two faults may be refused for either, by what of them has arrived."""
    return replace(reading, answers=tuple(answer if answer.method else Answer(400) for answer in reading.answers))


def _comparable(answer: Answer) -> Answer:
    """What both must agree on: the list of differences in `oracle` tells why the rest is left out."""
    absolute = b"://" in answer.target
    fields = (
        (name, value.lower() if name == b"transfer-encoding" else value)
        for name, value in answer.fields
        if not (absolute and name == b"host")
    )
    return replace(answer, fields=tuple(fields))
