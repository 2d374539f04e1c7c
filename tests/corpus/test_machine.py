"""Every case against the protocol machine: whole, cut in two at every byte, and byte by byte."""

import pytest

from tests.corpus import cases
from tests.corpus.reading import in_step_after, mismatch, read

CASES = cases.load()
each = pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])


@each
def test_it_is_answered_as_the_rfc_asks(case: cases.Case):
    reading = read([case.data], case.half_closes)
    assert not (wrong := mismatch(case, reading)), f"{case.about} {case.source}: {wrong}"
    assert case.closed or in_step_after([case.data]), "the next request is not found where it begins"


@each
def test_it_is_answered_so_however_it_is_cut(case: cases.Case):
    data = case.data
    for at in range(1, len(data)):
        wrong = mismatch(case, read([data[:at], data[at:]], case.half_closes))
        assert not wrong, f"cut at {at}, {data[:at][-20:]!r} | {data[at:][:20]!r}: {wrong}"
    wrong = mismatch(case, read([data[at : at + 1] for at in range(len(data))], case.half_closes))
    assert not wrong, f"byte by byte: {wrong}"


@each
def test_a_request_before_it_is_answered_first(case: cases.Case):
    before = b"GET /before HTTP/1.1\r\nHost: x\r\n\r\n"
    first, *rest = read([before + case.data], case.half_closes).answers
    assert (first.method, first.target) == ("GET", b"/before")
    assert [answer.status for answer in rest] == [answer.status for answer in case.answers]


def test_a_case_file_says_what_it_says(tmp_path, monkeypatch):
    """Written and read again, every case is the same."""
    monkeypatch.setattr(cases, "FOLDER", tmp_path)
    for case in CASES:
        cases.write(case)
    assert cases.load() == CASES


@pytest.mark.parametrize(
    "text",
    ["about: a\nsource: b\nthen: open\n", "about: a\nthen: open\n---\nx\n", "about: a\nsource: b\nthen: x\n---\nx\n",
     "about: a\nsource: b\nthen: open\nanswer: x\n---\nx\n", "about: a\nsource: b\nthen: open\n---\n\\q\n"],
)  # fmt: skip
def test_a_malformed_case_file_is_named(tmp_path, monkeypatch, text):
    monkeypatch.setattr(cases, "FOLDER", tmp_path)
    (tmp_path / "chapter").mkdir()
    (tmp_path / "chapter" / "bad.case").write_text(text)
    with pytest.raises(cases.MalformedCase, match=r"bad\.case"):
        cases.load()
