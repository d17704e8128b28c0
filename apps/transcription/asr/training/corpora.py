"""Recordings with their transcripts, from the forms in which corpora are published.

| form | what it looks like |
| --- | --- |
| folder | sound files, each with its transcript beside it: `a.flac` and `a.txt`; subfolders, too |
| manifest | JSON lines: `{"path", "text"}`, or `{"clip", "words": [{"word", …}]}` |
| LibriSpeech | `speaker/chapter/speaker-chapter.trans.txt` with `ID TEXT` lines beside `ID.flac` |
| Common Voice | a TSV with the columns `path` and `sentence`, and the folder `clips` beside it |

A data set of Hugging Face is laid out as a folder first: see `hugging_face`.
"""

import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

import numpy as np

from apps.media.audio import AudioDecodeError, NoAudioError, duration_ms

# fmt: off
SOUND_SUFFIXES = frozenset({
    ".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".m4a", ".aac", ".webm", ".mp4", ".mkv", ".mov", ".avi", ".mpg",
    ".mpeg", ".aiff", ".wma",
})
# fmt: on
TRANSCRIPTS = "*.trans.txt"  # of LibriSpeech


class CorpusError(Exception):
    """The recordings cannot be trained on. The message says what to change."""


@dataclass(frozen=True, slots=True)
class Recording:
    """A sound file and what is said in it, as it was written down."""

    path: Path
    text: str
    duration_s: float = 0.0  # 0: not known yet


def read_corpus(path: Path, *, only: str = "*") -> list[Recording]:
    """The recordings of a corpus in any of the forms above, of paths like `only` (`*/s1/*`). Raises CorpusError."""
    if path.is_file():
        recordings = list(_common_voice(path) if path.suffix.lower() == ".tsv" else _manifest(path))
    elif path.is_dir():
        is_librispeech = next(path.rglob(TRANSCRIPTS), None) is not None
        recordings = list(_librispeech(path) if is_librispeech else _folder(path))
    else:
        raise CorpusError(f"{path} does not exist: name a folder, a manifest of JSON lines or a TSV of Common Voice.")
    recordings = [each for each in recordings if fnmatch(str(each.path), only)]
    if not recordings:
        raise CorpusError(f"{path} holds no recording with a transcript: put a.txt beside each a.wav, or a manifest.")
    missing = [str(each.path) for each in recordings if not each.path.is_file()]
    if missing:
        raise CorpusError(f"{path} names {len(missing)} files that do not exist, as {missing[0]}: correct their paths.")
    return recordings


def _folder(folder: Path) -> Iterator[Recording]:
    for sound in sorted(path for path in folder.rglob("*") if path.suffix.lower() in SOUND_SUFFIXES):
        transcript = sound.with_suffix(".txt")
        if not transcript.is_file():
            raise CorpusError(f"{sound} has no transcript: write what is said into {transcript.name} beside it.")
        yield Recording(sound, _read(transcript).strip())


def _manifest(path: Path) -> Iterator[Recording]:
    for number, line in enumerate(_read(path).splitlines(), start=1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
            name = str(entry.get("path") or entry["clip"])
            text = entry["text"] if "text" in entry else " ".join(word["word"] for word in entry["words"])
            duration_s = float(entry.get("duration_s", 0.0))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise CorpusError(f'{path}, line {number}: write {{"path": …, "text": …}} ({error!r}).') from error
        places = [folder / name for folder in (path.parent, path.parent.parent)]
        yield Recording(next((place for place in places if place.is_file()), places[0]), str(text), duration_s)


def _librispeech(tree: Path) -> Iterator[Recording]:
    for transcript in sorted(tree.rglob(TRANSCRIPTS)):
        for line in _read(transcript).splitlines():
            name, _, text = line.partition(" ")
            if name:
                yield Recording(transcript.parent / f"{name}.flac", text.strip())


def _common_voice(table: Path) -> Iterator[Recording]:
    rows = csv.DictReader(_read(table).splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE)
    if not {"path", "sentence"}.issubset(rows.fieldnames or ()):
        raise CorpusError(f"{table} lacks the columns path and sentence: name a TSV of Common Voice, as validated.tsv.")
    for row in rows:
        clip = table.parent / "clips" / row["path"]
        yield Recording(clip if clip.suffix else clip.with_suffix(".mp3"), row["sentence"])


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise CorpusError(f"{path} cannot be read as text ({error}): write it in UTF-8.") from error


def with_durations(recordings: Sequence[Recording]) -> list[Recording]:
    """The same, those without a duration measured from their files' headers. Raises CorpusError."""
    try:
        return [
            each if each.duration_s > 0 else Recording(each.path, each.text, duration_ms(each.path) / 1000)
            for each in recordings
        ]
    except (AudioDecodeError, NoAudioError) as error:
        raise CorpusError(str(error)) from error


@dataclass(frozen=True)
class Split:
    """Recordings to learn from, to choose the checkpoint by, and to measure with at the end."""

    training: list[Recording]
    validation: list[Recording]
    test: list[Recording]


def split_by_sentence(
    recordings: Sequence[Recording],
    sentences: Sequence[str],
    *,
    validation_share: float,
    test_share: float,
    seed: int,
) -> Split:
    """Parts recordings by `sentences[i]`, what is said in `recordings[i]`: no sentence is in two parts.

    The shares are of different sentences. Raises CorpusError where a part would be empty.
    """
    different = sorted(set(sentences))
    order = np.random.default_rng(seed).permutation(len(different))
    n_test, n_validation = (round(share * len(different)) for share in (test_share, validation_share))
    part_of = {
        different[index]: "test" if place < n_test else "validation" if place < n_test + n_validation else "training"
        for place, index in enumerate(order)
    }
    parts: dict[str, list[Recording]] = {"training": [], "validation": [], "test": []}
    for recording, sentence in zip(recordings, sentences, strict=True):
        parts[part_of[sentence]].append(recording)
    if not parts["training"] or (validation_share and not parts["validation"]) or (test_share and not parts["test"]):
        raise CorpusError(
            f"{len(different)} different sentences are too few for shares of {validation_share} for validation and "
            f"{test_share} for the test: give other shares, or more recordings."
        )
    return Split(**parts)


def write_manifest(path: Path, recordings: Sequence[Recording]) -> None:
    """As `read_corpus` and `evaluate_asr` read it."""
    lines = [
        json.dumps(
            {"path": str(each.path.resolve()), "text": each.text, "duration_s": round(each.duration_s, 3)},
            ensure_ascii=False,
        )
        for each in recordings
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
