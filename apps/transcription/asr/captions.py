"""Words -> captions, by the rules of broadcasters.

| rule | value | source |
| --- | --- | --- |
| lines | 2 at most; one where the text fits | N, "Line Treatment" |
| line | 42 characters, with spaces and marks | E, "Character Limitation" |
| shortest | 5/6 s | N, "Duration" |
| longest | 7 s | N, "Duration" |
| reading speed | 20 characters per second | E, "Reading Speed", adult programmes |
| gap | 2 frames: 83 ms at 24 frames per second | N, "Frame Gap" (of editions before the timing guidelines) |
| where to break a line | after marks; before conjunctions, prepositions; not behind articles | N, "Line Treatment" |
| shape of two lines | where they are unequal, the lower one longer | C, rule 20 |
| one sentence a caption; a short one joined to its neighbour, a long one broken at clauses | | B, 3.2, 3.8, 3.9 |
| no caption through a pause of a second; 1.25 s at least where joining gives it | | our own |

N: Netflix, Timed Text Style Guide: General Requirements. E: Netflix, English Timed Text Style Guide.
B: BBC, Subtitle Guidelines, "Line breaks". C: Ivarsson and Carroll, Code of Good Subtitling Practice (1998).

What cannot be kept gives way in this order: no word is left out, split or moved to where it is not said; captions do
not overlap; length, lines and longest duration are kept; then the reading speed and the shortest duration, as far as
the following silence lends time. A single word that is longer than a line stands on a line of its own.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from apps.transcription.asr.words import Word

SENTENCE_MARKS = (".", "?", "!", "…", "。", "？", "！")
CLAUSE_MARKS = (",", ";", ":", "—", "–", "，", "、", "；", "：")
CLOSING_MARKS = "\"'”’»)]}"
# Words by which clauses and phrases begin, so that a break before them reads well; English, harmless elsewhere.
CLAUSE_OPENERS = frozenset(
    """
    although and because but if nor or since so though unless until when where whether which while who yet
    """.split()  # noqa: SIM905
)
PHRASE_OPENERS = frozenset(
    """
    a about across after against among an as at before between by during for from her his in into its my of on our over
    than that the their these this those through to under with without your
    """.split()  # noqa: SIM905
)
TITLES = frozenset({"mr", "mrs", "ms", "dr", "prof"})
# Words that belong to what follows them.
NO_BREAK_AFTER = (
    CLAUSE_OPENERS
    | PHRASE_OPENERS
    | TITLES
    | frozenset(
        """
        no every each some any i you he she it we they is am are was were be been have has had do does did not will
        would can could shall should may might must very
        """.split()  # noqa: SIM905
    )
)

# Costs of the search for the best captions, found by reading its results; only their proportions matter.
COST_OF_CAPTION = 1.0
COST_OF_BREAK_BEHIND_CLAUSE_MARK = 0.8
COST_OF_BREAK_BEFORE_CLAUSE = 2.0
COST_OF_BREAK_BEFORE_PHRASE = 3.0
COST_OF_BREAK_ELSEWHERE = 4.0
COST_OF_BREAK_INSIDE_PHRASE = 7.0
COST_OF_SENTENCE_INSIDE = 1.2
COST_OF_PAUSE_INSIDE_PER_S = 4.0
FREE_PAUSE_OF_CLAUSE_MS = 650  # a comma lets the reader expect so much of a pause
COST_PER_MISSING_S = 10.0  # of the time that reading takes, and of `FLASH_MS`
FLASH_MS = 1250  # a shorter caption is allowed, and unrestful


@dataclass(frozen=True, slots=True)
class CaptionWord:
    """A word of a caption; times in ms from the start of the file, `confidence` in [0, 1]."""

    text: str
    start_ms: int
    end_ms: int
    confidence: float


@dataclass(frozen=True, slots=True)
class Caption:
    """What is shown from `start_ms` to `end_ms`: one or two lines, separated by a newline.

    `words` is empty where nobody timed them; `confidence` is the mean over the words, None where there are none.
    """

    start_ms: int
    end_ms: int
    text: str
    words: tuple[CaptionWord, ...] = ()
    confidence: float | None = None


@dataclass(frozen=True)
class CaptionOptions:
    """The limits of the table above."""

    max_lines: int = 2
    max_line_chars: int = 42
    min_duration_ms: int = 833
    max_duration_ms: int = 7000
    max_chars_per_s: float = 20.0
    min_gap_ms: int = 83
    pause_ms: int = 300  # a shorter one is no place to break at
    long_pause_ms: int = 1000  # no caption stands through one


def captions_from_words(
    words: Sequence[Word],
    options: CaptionOptions = CaptionOptions(),
    *,
    limit_ms: int | None = None,
) -> list[Caption]:
    """The captions of words that come in order, in a time that grows with their number alone.

    No caption stands beyond `limit_ms`, where the next segment may begin; without it, the last one may stand as long
    as its reader needs. Words whose times overlap or run backwards are put in order first.
    """
    timed = _in_whole_ms(words, limit_ms)
    if not timed:
        return []
    groups = _best_groups(timed, options, limit_ms)
    captions = []
    for index, group in enumerate(groups):
        next_ms = groups[index + 1][0].start_ms if index + 1 < len(groups) else limit_ms
        captions.append(_caption(group, options, next_ms))
    return captions


def broken_lines(words: Sequence[str], options: CaptionOptions = CaptionOptions()) -> list[str] | None:
    """The words on at most `max_lines` lines, broken where it reads best; None where they do not fit.

    One line where they fit on it. A line holds more than `max_line_chars` only where it is a single word.
    """
    if _fits(words, options):
        return [" ".join(words)]
    if options.max_lines < 2:
        return None
    best: tuple[float, list[str]] | None = None
    for cut in range(1, len(words)):
        rest = broken_lines(words[cut:], CaptionOptions(options.max_lines - 1, options.max_line_chars))
        if not _fits(words[:cut], options) or rest is None:
            continue
        upper = " ".join(words[:cut])
        longest = max(map(len, rest))
        # The pyramid's wrong way up costs twice.
        imbalance = longest - len(upper) if longest >= len(upper) else 2 * (len(upper) - longest)
        cost = imbalance / options.max_line_chars + _cost_of_line_break(words[cut - 1], words[cut])
        if best is None or cost < best[0]:
            best = cost, [upper, *rest]
    return best[1] if best else None


def _fits(words: Sequence[str], options: CaptionOptions) -> bool:
    return len(words) <= 1 or sum(map(len, words)) + len(words) - 1 <= options.max_line_chars


def _cost_of_line_break(before: str, after: str) -> float:
    if _ends_sentence(before, after):
        return 0.0
    if _ends(before, CLAUSE_MARKS):
        return 0.1
    if _bare(before) in NO_BREAK_AFTER:
        return 1.0
    if _bare(after) in CLAUSE_OPENERS:
        return 0.2
    return 0.4 if _bare(after) in PHRASE_OPENERS else 0.6


def _ends(word: str, marks: tuple[str, ...]) -> bool:
    return word.rstrip(CLOSING_MARKS).endswith(marks)


def ends_sentence(text: str) -> bool:
    """Whether a sentence ends with the last word of `text`: not with "Dr."."""
    last = text.split()[-1:]
    return bool(last) and _ends(last[0], SENTENCE_MARKS) and _bare(last[0]) not in TITLES


def _ends_sentence(before: str, after: str) -> bool:
    """Whether a sentence ends between the two words: not in "etc. and", where small letters go on."""
    return ends_sentence(before) and not after[:1].islower()


def _bare(word: str) -> str:
    return word.lower().strip("\"'“”‘’«»()[]{}.,;:!?…—–-")


def _in_whole_ms(words: Sequence[Word], limit_ms: int | None) -> list[CaptionWord]:
    """The words in ms: starts strictly grow, each lasts 1 ms at least and ends before the next begins.

    Where `limit_ms` leaves too little room for that, it gives way.
    """
    kept = [(" ".join(word.text.split()), word) for word in words if word.text.strip()]
    starts: list[int] = []
    for index, (_, word) in enumerate(kept):
        earliest = starts[-1] + 1 if starts else 0
        start_ms = round(1000 * word.start_s)
        if limit_ms is not None:
            start_ms = min(start_ms, limit_ms - (len(kept) - index))
        starts.append(max(start_ms, earliest))
    timed = []
    for index, (text, word) in enumerate(kept):
        latest = starts[index + 1] if index + 1 < len(kept) else limit_ms
        end_ms = round(1000 * word.end_s) if latest is None else min(round(1000 * word.end_s), latest)
        timed.append(CaptionWord(text, starts[index], max(end_ms, starts[index] + 1), word.confidence))
    return timed


def _best_groups(
    words: Sequence[CaptionWord], options: CaptionOptions, limit_ms: int | None
) -> list[Sequence[CaptionWord]]:
    """The words in captions of the least total cost, by dynamic programming over where a caption ends."""
    best: list[tuple[float, int]] = [(0.0, 0)]  # of the words up to here: cost, and where the last caption begins
    for end in range(1, len(words) + 1):
        next_ms = words[end].start_ms if end < len(words) else limit_ms
        break_cost = _cost_of_break(words, end, options)
        found: tuple[float, int] | None = None
        for start in range(end - 1, -1, -1):
            group = words[start:end]
            if len(group) > 1 and not _is_allowed(group, options):
                break
            cost = best[start][0] + COST_OF_CAPTION + break_cost + _cost_of_group(group, options, next_ms)
            if found is None or cost < found[0]:
                found = cost, start
        assert found is not None, "a single word is always a caption"
        best.append(found)
    groups = []
    end = len(words)
    while end:
        start = best[end][1]
        groups.append(words[start:end])
        end = start
    return groups[::-1]


def _is_allowed(group: Sequence[CaptionWord], options: CaptionOptions) -> bool:
    """Whether the words may be one caption; where they may not, no more words may be either."""
    if group[-1].end_ms - group[0].start_ms > options.max_duration_ms:
        return False
    if group[1].start_ms - group[0].end_ms >= options.long_pause_ms:
        return False
    return _n_lines([word.text for word in group], options) <= options.max_lines


def _n_lines(words: Sequence[str], options: CaptionOptions) -> int:
    """The fewest lines that the words fit on: as many on each as it takes."""
    n_lines, n_chars = 1, -1
    for word in words:
        if n_chars >= 0 and n_chars + 1 + len(word) > options.max_line_chars:
            n_lines, n_chars = n_lines + 1, -1
        n_chars += 1 + len(word)
    return n_lines


def _cost_of_break(words: Sequence[CaptionWord], end: int, options: CaptionOptions) -> float:
    """What it costs to end a caption before the word `end`."""
    if end == len(words):
        return 0.0
    before, after = words[end - 1], words[end]
    pause_ms = after.start_ms - before.end_ms
    if _ends_sentence(before.text, after.text) or pause_ms >= options.long_pause_ms:
        return 0.0
    if _ends(before.text, CLAUSE_MARKS):
        cost = COST_OF_BREAK_BEHIND_CLAUSE_MARK
    elif _bare(before.text) in NO_BREAK_AFTER:
        cost = COST_OF_BREAK_INSIDE_PHRASE
    elif _bare(after.text) in CLAUSE_OPENERS:
        cost = COST_OF_BREAK_BEFORE_CLAUSE
    elif _bare(after.text) in PHRASE_OPENERS:
        cost = COST_OF_BREAK_BEFORE_PHRASE
    else:
        cost = COST_OF_BREAK_ELSEWHERE
    return cost / 3 if pause_ms >= options.pause_ms else cost


def _cost_of_group(group: Sequence[CaptionWord], options: CaptionOptions, next_ms: int | None) -> float:
    """What it costs to show the words together: pauses and ends of sentences inside, and too little time to read."""
    cost = 0.0
    for before, after in itertools.pairwise(group):
        pause_ms = after.start_ms - before.end_ms
        if _ends_sentence(before.text, after.text):
            cost += COST_OF_SENTENCE_INSIDE
        elif _ends(before.text, CLAUSE_MARKS):
            pause_ms -= FREE_PAUSE_OF_CLAUSE_MS
        if pause_ms >= options.pause_ms:
            cost += COST_OF_PAUSE_INSIDE_PER_S * pause_ms / 1000
    chars = sum(len(word.text) + 1 for word in group) - 1
    shown_ms = _end_ms(group, chars, options, next_ms) - group[0].start_ms
    wanted_ms = max(FLASH_MS, 1000 * chars / options.max_chars_per_s)
    return cost + COST_PER_MISSING_S * max(0.0, wanted_ms - shown_ms) / 1000


def _end_ms(group: Sequence[CaptionWord], chars: int, options: CaptionOptions, next_ms: int | None) -> int:
    """Until when the words are shown: as long as they are said and need to be read, but not into the next caption."""
    start_ms, said_ms = group[0].start_ms, group[-1].end_ms
    read_ms = start_ms + max(options.min_duration_ms, math.ceil(1000 * chars / options.max_chars_per_s))
    end_ms = min(max(said_ms, read_ms), start_ms + options.max_duration_ms)
    if next_ms is not None:
        gap_ms = min(options.min_gap_ms, (next_ms - group[-1].start_ms) // 2)
        end_ms = min(end_ms, next_ms - gap_ms)
    return max(end_ms, start_ms + 1)


def _caption(group: Sequence[CaptionWord], options: CaptionOptions, next_ms: int | None) -> Caption:
    texts = [word.text for word in group]
    lines = broken_lines(texts, options)
    assert lines is not None, "a group was allowed that does not fit"
    end_ms = _end_ms(group, sum(map(len, texts)) + len(texts) - 1, options, next_ms)
    words = [CaptionWord(word.text, word.start_ms, min(word.end_ms, end_ms), word.confidence) for word in group]
    return Caption(
        start_ms=group[0].start_ms,
        end_ms=end_ms,
        text="\n".join(lines),
        words=tuple(words),
        confidence=sum(word.confidence for word in words) / len(words),
    )
