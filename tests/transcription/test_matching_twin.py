"""What the browser finds in a transcript is what the server finds: static/src/matching.js against its Python twin."""

from __future__ import annotations

import json
import random
import shutil
import subprocess

import pytest

from apps.transcription.matching import find_in
from tests.portal import REPOSITORY

PIECES = [
    "the", "Light", "house", "THE", "ș", "s", "ß", "ss", "Σ", "ς", "σ", "İ", "i", "e\u0301", "é", "ﬁ", "fi", "½", "京",
    "都", "😀", "𝒜", "c++", "<b>", "don’t", "'", "—", "…", ".", " ", "  ", "\u00a0", "\n", "\u200b", "한", "국",
    "ก็", "नि",
]  # fmt: skip
SCRIPT = """
import {{ SpokenText }} from "{module}";
const cases = JSON.parse(await new Response(process.stdin).text());
console.log(JSON.stringify(cases.map(([texts, wanted]) => new SpokenText(texts).find(wanted))));
"""
Case = tuple[list[str], str]


def cases() -> list[Case]:
    chance = random.Random(20261125)

    def text(most: int) -> str:
        return "".join(chance.choice(PIECES) + chance.choice(["", " "]) for _ in range(chance.randint(0, most)))

    def case() -> Case:
        texts = [text(6) for _ in range(chance.randint(0, 4))]
        said = " ".join(texts)
        begin = chance.randint(0, len(said))
        return texts, chance.choice([text(3), said[begin : begin + chance.randint(1, 9)]])

    return [case() for _ in range(2_000)]


def in_code_points(texts: list[str], match: dict[str, int]) -> tuple[int, int, int, int]:
    """JavaScript counts in UTF-16 units."""

    def offset(number: int, units: int) -> int:
        return len(texts[number].encode("utf-16-le")[: 2 * units].decode("utf-16-le"))

    first, last = match["first"], match["last"]
    return first, offset(first, match["start"]), last, offset(last, match["end"])


def test_both_find_the_same() -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    module = (REPOSITORY / "static" / "src" / "matching.js").as_uri()
    asked = cases()
    answered = subprocess.run(
        [node, "--input-type=module", "--eval", SCRIPT.format(module=module)],
        input=json.dumps(asked),
        capture_output=True,
        check=True,
        text=True,
        timeout=60,
    ).stdout
    found = json.loads(answered)
    assert sum(map(len, found)) > 500, "the cases have matches to compare"
    for (texts, wanted), by_browser in zip(asked, found, strict=True):
        by_server = [(match.first, match.start, match.last, match.end) for match in find_in(texts, wanted)]
        assert [in_code_points(texts, match) for match in by_browser] == by_server, (texts, wanted)
