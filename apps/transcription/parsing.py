"""WebVTT and SRT files that people upload, read strictly in time and forgivingly in form. Django-free.

webvtt-py reads both formats, but names no line of what it refuses and drops what it cannot read; an uploader needs the
line. Followed here are the parser of the W3C's WebVTT recommendation (section 6) and, for SRT, which no document
defines, what ffmpeg and VLC accept. Beyond WebVTT's own rules, nothing that may have been meant as a caption is
dropped in silence: it is a problem with its line.
"""

from __future__ import annotations

import codecs
import html
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice

from apps.transcription.asr.captions import Caption
from apps.transcription.formats import SRT_CHARACTER_REFERENCE, clean_text, format_time

_LINE_END = re.compile(r"\r\n|\r|\n")  # and no other: line numbers must be those that editors show
_TIME = r"(?:(\d{1,4}):)?(\d{1,2}):(\d{1,2})[.,](\d{1,3})"
_TIME_LINE = re.compile(rf"\s*{_TIME}\s*-->\s*{_TIME}(?:\s.*)?")  # after the end: settings, which are not kept
# What somebody may have meant as one: it is refused with its line instead of being shown as text.
_LIKE_TIME_LINE = re.compile(r"\s*\d{1,4}:\d{1,2}[:.,]\d.*[-–—=]>|.*-->|\s*\d{1,4}:\d{1,2}[:.,]\d.*→")
_NUMBER = re.compile(r"\s*\d+\s*")
_WEBVTT_HEADER = re.compile(r"WEBVTT(?:[ \t].*)?")
_WEBVTT_SILENT_BLOCK = re.compile(r"NOTE(?:[ \t].*)?|(?:STYLE|REGION)[ \t]*")
_WEBVTT_TAG = re.compile(r"</?[A-Za-z][^<>]*>|<\d[\d:.]*>|</?>")
_SRT_TAG = re.compile(r"</?[A-Za-z][^<>]*>")
_SRT_POSITION = re.compile(r"\{\\[^{}]*\}")  # {\an8} and its like, from SubStation Alpha
_SRT_CHARACTER_REFERENCE = re.compile(SRT_CHARACTER_REFERENCE)
# Python refuses to read a number of thousands of digits; no character has one of eight.
_OVERLONG_REFERENCE = re.compile(r"&#[0-9]{8,};?")
_QUOTED_CHARACTERS = 60
# Nobody reads more of them, and a file of five megabytes could have millions.
MAX_PROBLEMS = 10_000

_EXAMPLE_TIME_LINES = {"vtt": "00:00:01.000 --> 00:00:04.000", "srt": "00:00:01,000 --> 00:00:04,000"}


@dataclass(frozen=True)
class Problem:
    """Why a file is refused. `line` counts from 1; 0 where the whole file is meant."""

    line: int
    message: str

    def __str__(self) -> str:
        return f"Line {self.line}: {self.message}" if self.line else self.message


@dataclass(frozen=True)
class ParsedCaptions:
    """What a file holds. `lines[i]` is the number of the time line of `captions[i]`.

    With `problems`, which are in order of their lines, the captions are what could be read nevertheless. Reading stops
    after `MAX_PROBLEMS` of them.
    Captions have no words and no confidence.
    """

    captions: tuple[Caption, ...]
    lines: tuple[int, ...]
    problems: tuple[Problem, ...]


@dataclass
class _Cue:
    line: int
    start_ms: int
    end_ms: int
    text_lines: list[str]


# Numbered from 1; a block is what lies between blank lines.
_Line = tuple[int, str]


def is_webvtt(data: bytes) -> bool:
    """Whether the file says of itself that it is WebVTT, whatever its name is."""
    return data.removeprefix(codecs.BOM_UTF8).startswith(b"WEBVTT")


def parse_webvtt(data: bytes) -> ParsedCaptions:
    """Reads a WebVTT file: UTF-8 with or without BOM, any line ends.

    Comments, styles, regions, cue names and settings are passed over; tags (`<v Ann>`, `<i>`, `<00:01.000>`) are
    removed and character references resolved. Captions without text are left out. Never raises.
    """
    text, problem = _decoded(data)
    if problem:
        return ParsedCaptions((), (), (problem,))
    lines = _numbered(text)
    first = next(lines)
    if not _WEBVTT_HEADER.fullmatch(first[1]):
        cure = "A WebVTT file begins with a line that says WEBVTT. Add it, or upload an SRT file under the name .srt."
        return ParsedCaptions((), (), (Problem(1, cure),))
    reader = _Reader("vtt")
    blocks = _blocks(chain([first], lines), is_blank=lambda line: not line)
    header = next(blocks)
    first_time = next((index for index, (_, line) in enumerate(header) if "-->" in line), None)
    if first_time is not None:  # a caption right below the header
        blocks = chain([header[first_time:]], blocks)
    for block in blocks:
        if not _WEBVTT_SILENT_BLOCK.fullmatch(block[0][1]):
            reader.read_webvtt_block(block)
        if reader.has_given_up:
            break
    return reader.parsed()


def parse_srt(data: bytes) -> ParsedCaptions:
    """Reads a SubRip file: UTF-8 with or without BOM, any line ends.

    Numbers may be missing or wrong, hours may be missing, a dot may stand for the comma, and blank lines within a
    caption's text are forgiven. Tags (`<i>`, `<font …>`, `{\\an8}`) are removed and character references resolved.
    Captions without text are left out. Never raises.
    """
    text, problem = _decoded(data)
    if problem:
        return ParsedCaptions((), (), (problem,))
    reader = _Reader("srt")
    for block in _blocks(_numbered(text), is_blank=lambda line: not line.strip()):
        reader.read_srt_block(block)
        if reader.has_given_up:
            break
    return reader.parsed()


class _Reader:
    """Collects the cues and the problems of one file, block by block."""

    def __init__(self, form: str) -> None:
        self.form = form
        self.cues: list[_Cue] = []
        self.latest: _Cue | None = None  # which takes text, even where its time could not be read
        self.problems: list[Problem] = []

    @property
    def has_given_up(self) -> bool:
        return len(self.problems) >= MAX_PROBLEMS

    def read_webvtt_block(self, block: list[_Line]) -> None:
        cue: _Cue | None = None
        for index, (number, line) in enumerate(block):
            if "-->" in line:
                cue = self._begin_cue(number, line)
            elif cue is not None:
                cue.text_lines.append(line)
            elif index == 0 and len(block) > 1 and "-->" in block[1][1]:
                continue  # the cue's name
            else:
                self._complain_of_lost_text(number, line)
                return

    def read_srt_block(self, block: list[_Line]) -> None:
        if _NUMBER.fullmatch(block[0][1]) and (len(block) == 1 or _LIKE_TIME_LINE.match(block[1][1])):
            block = block[1:]  # the number, which nobody needs; a blank line may follow it
        if not block:
            return
        if _LIKE_TIME_LINE.match(block[0][1]):
            cue = self._begin_cue(*block[0])
            block = block[1:]
        elif self.latest is not None:
            cue = self.latest  # a blank line within its text
        else:
            self._complain_of_lost_text(*block[0])
            return
        for number, line in block:
            if _TIME_LINE.fullmatch(line):  # the blank line before the next caption is missing
                if cue.text_lines and _NUMBER.fullmatch(cue.text_lines[-1]):
                    cue.text_lines.pop()
                cue = self._begin_cue(number, line)
            else:
                cue.text_lines.append(line)

    def parsed(self) -> ParsedCaptions:
        lines: list[int] = []
        captions: list[Caption] = []
        for cue in self.cues:
            text = self._plain("\n".join(cue.text_lines))
            if text:
                lines.append(cue.line)
                captions.append(Caption(cue.start_ms, cue.end_ms, text, (), None))
        of_order = islice(_problems_of_order(captions, lines), MAX_PROBLEMS)
        problems = sorted([*self.problems, *of_order], key=lambda problem: problem.line)
        return ParsedCaptions(tuple(captions), tuple(lines), tuple(problems))

    def _begin_cue(self, number: int, line: str) -> _Cue:
        """The cue of a time line; one whose times cannot be is a problem, takes its text, and is not kept."""
        match = _TIME_LINE.fullmatch(line)
        times = match.groups() if match else ()
        start_ms, end_ms = _milliseconds(times[:4]), _milliseconds(times[4:])
        self.latest = cue = _Cue(number, start_ms or 0, end_ms or 0, [])
        if start_ms is None or end_ms is None:
            self._complain(number, self._bad_time_line(line))
        elif end_ms <= start_ms:
            times_told = f"ends at {format_time(end_ms)}, which is not after its start at {format_time(start_ms)}"
            self._complain(number, f"The caption {times_told}. Correct one of the two times.")
        else:
            self.cues.append(cue)
        return cue

    def _complain(self, number: int, message: str) -> None:
        if not self.has_given_up:
            self.problems.append(Problem(number, message))

    def _complain_of_lost_text(self, number: int, line: str) -> None:
        if _LIKE_TIME_LINE.match(line):
            message = self._bad_time_line(line)
        else:
            message = f"“{_quoted(line)}” has no time line above it. Add one like {_EXAMPLE_TIME_LINES[self.form]}"
        self._complain(number, message)

    def _bad_time_line(self, line: str) -> str:
        return f"“{_quoted(line)}” is not a time line. Write it like {_EXAMPLE_TIME_LINES[self.form]}"

    def _plain(self, marked_up: str) -> str:
        if self.form == "vtt":
            without_tags = _OVERLONG_REFERENCE.sub("\N{REPLACEMENT CHARACTER}", _WEBVTT_TAG.sub("", marked_up))
            return clean_text(html.unescape(without_tags))
        without_tags = _SRT_POSITION.sub("", _SRT_TAG.sub("", marked_up))
        return clean_text(_SRT_CHARACTER_REFERENCE.sub(lambda match: html.unescape(match[0]), without_tags))


def _decoded(data: bytes) -> tuple[str, Problem | None]:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "", Problem(0, "The file is in UTF-16. Save it as UTF-8 and upload it again.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = len(_LINE_END.findall(data[: error.start].decode("latin-1"))) + 1
        return "", Problem(line, "The file is not in UTF-8 from here on. Save it as UTF-8 and upload it again.")
    if "\0" in text:
        line = len(_LINE_END.findall(text[: text.index("\0")])) + 1
        return "", Problem(line, "This is not a text file. Upload a WebVTT or SRT file in UTF-8.")
    return text, None


def _numbered(text: str) -> Iterator[_Line]:
    number, start = 1, 0
    for line_end in _LINE_END.finditer(text):
        yield number, text[start : line_end.start()]
        number, start = number + 1, line_end.end()
    yield number, text[start:]


def _blocks(lines: Iterable[_Line], *, is_blank: Callable[[str], bool]) -> Iterator[list[_Line]]:
    block: list[_Line] = []
    for number, line in lines:
        if not is_blank(line):
            block.append((number, line))
        elif block:
            yield block
            block = []
    if block:
        yield block


def _milliseconds(parts: tuple[str | None, ...]) -> int | None:
    """Of hours (may be None), minutes, seconds and the digits of the fraction; None where they are no time."""
    if len(parts) != 4:
        return None
    hours, minutes, seconds = (int(part or 0) for part in parts[:3])
    if minutes > 59 or seconds > 59:
        return None
    return ((hours * 60 + minutes) * 60 + seconds) * 1000 + int((parts[3] or "").ljust(3, "0"))


def _problems_of_order(captions: list[Caption], lines: list[int]) -> Iterator[Problem]:
    for index in range(1, len(captions)):
        earlier, later = captions[index - 1], captions[index]
        here = f"The caption starts at {format_time(later.start_ms)}"
        if later.start_ms < earlier.start_ms:
            message = (
                f"{here}, before the one above it (line {lines[index - 1]}), which starts at "
                f"{format_time(earlier.start_ms)}. Put the captions in order of time."
            )
            yield Problem(lines[index], message)
        elif later.start_ms < earlier.end_ms:
            message = (
                f"{here}, while the one above it (line {lines[index - 1]}) is shown until "
                f"{format_time(earlier.end_ms)}. Let one end before the next starts."
            )
            yield Problem(lines[index], message)


def _quoted(line: str) -> str:
    line = line.strip()
    return line if len(line) <= _QUOTED_CHARACTERS else line[: _QUOTED_CHARACTERS - 1] + "…"
