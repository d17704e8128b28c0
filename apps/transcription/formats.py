"""Captions as WebVTT, SRT, plain text and JSON. Django-free: `manage.py transcribe` writes with it too.

Every writer is a generator of strings, a caption at a time, so that a day of captions is sent in constant memory.
See also `apps.transcription.parsing`, which reads back what `to_webvtt` and `to_srt` write.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping

from apps.transcription.asr.captions import Caption

# A silence this long starts a new paragraph in plain text.
PARAGRAPH_PAUSE_MS = 2_000

_NOT_TEXT = re.compile(r"[\x00-\x08\x0e-\x1b\x1f\x7f-\x84\x86-\x9f\ud800-\udfff]")
# SRT has no escapes of its own, and many players show `&lt;` as it stands. So only these are resolved in it, and only
# what would otherwise be taken for markup is escaped: "AT&T" and "a < b" stay readable everywhere.
SRT_CHARACTER_REFERENCE = r"&(?:[A-Za-z][A-Za-z0-9]{1,31}|#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6});"
_LIKE_SRT_MARKUP = re.compile(rf"<(?=/?[A-Za-z])|\{{(?=\\)|(?<=--)>|(?={SRT_CHARACTER_REFERENCE})&")
_SRT_ESCAPES = {"<": "&lt;", ">": "&gt;", "&": "&amp;", "{": "&#123;"}


def clean_text(text: str) -> str:
    """The normal form of a caption's text: no blank lines, no white space around a line, no control characters.

    A blank line would end the caption in WebVTT and SRT, and shows nothing. Lines end with `\\n` alone.
    """
    lines = (_NOT_TEXT.sub("", line).strip() for line in text.splitlines())
    return "\n".join(line for line in lines if line)


def format_time(time_ms: int, *, fraction_mark: str = ".") -> str:
    """`3_723_004` as `01:02:03.004`; hours have two digits or more."""
    seconds, ms = divmod(time_ms, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}{fraction_mark}{ms:03}"


def to_webvtt(captions: Iterable[Caption]) -> Iterator[str]:
    """A WebVTT file; captions without text are left out. Without captions it is the header alone, which is valid."""
    yield "WEBVTT\n"
    for caption in captions:
        text = clean_text(caption.text)
        if text:
            escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
            yield f"\n{format_time(caption.start_ms)} --> {format_time(caption.end_ms)}\n{escaped}\n"


def to_srt(captions: Iterable[Caption]) -> Iterator[str]:
    """A SubRip file in UTF-8, numbered from 1; captions without text are left out."""
    number = 0
    for caption in captions:
        text = clean_text(caption.text)
        if text:
            number += 1
            start, end = (format_time(time, fraction_mark=",") for time in (caption.start_ms, caption.end_ms))
            escaped = _LIKE_SRT_MARKUP.sub(lambda match: _SRT_ESCAPES[match[0]], text)
            yield f"{number}\n{start} --> {end}\n{escaped}\n\n"


def to_text(captions: Iterable[Caption]) -> Iterator[str]:
    """What was said, to be read: a paragraph a line, with a blank line between, broken at pauses of two seconds."""
    end_ms: int | None = None
    for caption in captions:
        words = clean_text(caption.text).replace("\n", " ")
        if not words:
            continue
        if end_ms is not None:
            yield "\n\n" if caption.start_ms - end_ms >= PARAGRAPH_PAUSE_MS else " "
        yield words
        end_ms = caption.end_ms
    if end_ms is not None:
        yield "\n"


def to_json(
    captions: Iterable[Caption], *, head: Mapping[str, object] | None = None, first_position: int = 0
) -> Iterator[str]:
    """A JSON object: the entries of `head`, then `cues`, a list of objects with the keys `position` (from
    `first_position`), `start_ms`, `end_ms`, `text`, `confidence` and `words`; each word has `text`, `start_ms`,
    `end_ms` and `confidence`. Confidences are in [0, 1] or null.
    """
    opening = "".join(f"{_json(key)}: {_json(value)}, " for key, value in (head or {}).items())
    yield f'{{{opening}"cues": ['
    for index, caption in enumerate(captions):
        cue = {
            "position": first_position + index,
            "start_ms": caption.start_ms,
            "end_ms": caption.end_ms,
            "text": caption.text,
            "confidence": _rounded(caption.confidence),
            "words": [
                {
                    "text": word.text,
                    "start_ms": word.start_ms,
                    "end_ms": word.end_ms,
                    "confidence": _rounded(word.confidence),
                }
                for word in caption.words
            ],
        }
        yield f"{',' if index else ''}\n{_json(cue)}"
    yield "\n]}\n"


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _rounded(confidence: float | None) -> float | None:
    """To four digits: more say nothing, and make the file half as large again."""
    return None if confidence is None else round(confidence, 4)
