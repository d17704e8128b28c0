"""What the server marks: asked for as HTML, which it escapes, and read back into `marking`'s form."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence
from typing import Any

from apps.search.backends.marking import CLOSE, OPEN, to_html

_BEFORE, _AFTER = "<mark>", "</mark>"
_MARKED = re.compile(f"{_BEFORE}(.*?){_AFTER}", re.DOTALL)
_SNIPPET_CHARACTERS = 200
_SNIPPET_WORDS = 32
_ANALYZED_CHARACTERS = 500_000  # of a text: beyond, nothing is marked


def asked(whole: Sequence[str], cut: Sequence[str] = (), *, as_phrases: bool) -> dict[str, Any]:
    """The request to mark fields: `whole` ones, and the best passage of `cut` ones.

    `as_phrases`: what is found as a phrase gets one mark, for which the server matches the query against each text
    again; else each word gets its own, in less than half the time.
    """
    return {
        "require_field_match": as_phrases,
        "encoder": "html",
        "pre_tags": [_BEFORE],
        "post_tags": [_AFTER],
        "max_analyzed_offset": _ANALYZED_CHARACTERS,
        "number_of_fragments": 0,
        "fields": {
            **{name: {} for name in whole},
            **{
                name: {"number_of_fragments": 1, "fragment_size": _SNIPPET_CHARACTERS, "order": "score"} for name in cut
            },
        },
    }


def whole(answer: dict[str, list[str]], fields: Iterable[str]) -> str | None:
    """A text with the marks of all its fields together, `OPEN` and `CLOSE` around each. None where nothing matched."""
    texts = [_read(answer[name][0]) for name in fields if name in answer]
    if not texts:
        return None
    text = texts[0][0]
    spans: list[tuple[int, int]] = []
    for start, end in sorted(span for of_text, of_field in texts if of_text == text for span in of_field):
        if spans and start < spans[-1][1]:
            spans[-1] = (spans[-1][0], max(end, spans[-1][1]))
        else:
            spans.append((start, end))
    return _marked(text, spans)


def snippet(answer: dict[str, list[str]], fields: Iterable[str], text: str) -> str:
    """HTML of the passage of `text` with the most marks; of its beginning where nothing matched."""
    found = [answer[name][0] for name in fields if name in answer]
    if not found:
        words = text.split(" ")
        return to_html(" ".join(words[:_SNIPPET_WORDS]) + ("…" if len(words) > _SNIPPET_WORDS else ""))
    passage, spans = _read(max(found, key=lambda one: one.count(_BEFORE)))
    before = "" if text.startswith(passage) else "…"
    after = "" if text.endswith(passage) else "…"
    return before + to_html(_marked(passage, spans)) + after


def _marked(text: str, spans: Iterable[tuple[int, int]]) -> str:
    pieces, at = [], 0
    for start, end in spans:
        pieces += [text[at:start], OPEN, text[start:end], CLOSE]
        at = end
    return "".join([*pieces, text[at:]])


def _read(answer: str) -> tuple[str, list[tuple[int, int]]]:
    """The text without marks, and where they were."""
    pieces, spans, length = [], [], 0
    for place, piece in enumerate(_MARKED.split(answer)):
        text = html.unescape(piece)
        if place % 2:
            spans.append((length, length + len(text)))
        pieces.append(text)
        length += len(text)
    return "".join(pieces), spans
