"""Sentences spoken by flite, with the times of their words: known, since flite made them from its own phones."""

import functools
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

VOICES = ("rms", "slt", "awb")
SILENCE = "pau"


class UntimedError(Exception):
    """flite does not say which phones are of which word."""


@dataclass(frozen=True)
class Spoken:
    """`words` with `(start_s, end_s)` of each, in the sound file `path`."""

    path: Path
    words: tuple[str, ...]
    times_s: tuple[tuple[float, float], ...]


def speak(words: list[str], voice: str, path: Path) -> Spoken:
    """Writes `path` (WAV, 16 kHz). Raises UntimedError where the phones of the sentence are not those of its words."""
    ends_s = _phones(" ".join(words), voice, path)
    counts = [_n_phones(word, voice) for word in words]
    starts_s = [0.0, *(end_s for _, end_s in ends_s)]
    spans_s = [(starts_s[i], end_s) for i, (phone, end_s) in enumerate(ends_s) if phone != SILENCE]
    if len(spans_s) != sum(counts):
        raise UntimedError(f"{' '.join(words)}: {len(spans_s)} phones, and {sum(counts)} in the words by themselves.")
    times_s, first = [], 0
    for count in counts:
        times_s.append((spans_s[first][0], spans_s[first + count - 1][1]))
        first += count
    return Spoken(path, tuple(words), tuple(times_s))


@functools.cache
def _n_phones(word: str, voice: str) -> int:
    return sum(phone != SILENCE for phone, _ in _phones(word, voice, Path("none")))


def read_aloud(text: str, voice: str, path: Path) -> None:
    """Writes `path` (WAV, 16 kHz): a text as it is written, with its numbers and marks."""
    command = ["flite", "-voice", voice, "-t", text, "-o", str(path)]
    subprocess.run(command, check=True, capture_output=True, timeout=300)


def _phones(text: str, voice: str, path: Path) -> list[tuple[str, float]]:
    """Each phone with its end in seconds."""
    command = ["flite", "-voice", voice, "-psdur", "-t", text, "-o", str(path)]
    said = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout
    return [(phone, float(end_s)) for phone, end_s in re.findall(r"(\S+):([\d.]+)", said)]
