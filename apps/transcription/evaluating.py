"""A manifest of utterances -> what recognisers make of them, ready to be counted by `asr.evaluation`."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from apps.media.audio import AudioDecodeError, NoAudioError, stream_samples
from apps.transcription.asr.evaluation import Heard
from apps.transcription.asr.language_model import NO_LANGUAGE_MODEL
from apps.transcription.asr.recognizers.base import SAMPLE_RATE, Recognizer, batch_size_of, transcribe_all
from apps.transcription.asr.recognizers.wav2vec2 import GREEDY, WITH_LANGUAGE_MODEL, Wav2Vec2Recognizer
from apps.transcription.asr.recognizers.whisper import AS_IT_COMES
from apps.transcription.asr.segments import SegmentOptions, stretches
from apps.transcription.asr.words import Word, shifted

MAX_AT_ONCE_S = 29.0


class ManifestError(Exception):
    """The manifest, or a file that it names, cannot be used. The message says what to change."""


@dataclass(frozen=True)
class Utterance:
    """A line of a manifest. `words` are the words of `text` with start and end in seconds, where they are timed."""

    corpus: str
    path: Path
    text: str
    words: tuple[tuple[str, float, float], ...] = ()


def read_manifest(path: Path, timed: dict[str, tuple[tuple[str, float, float], ...]] | None = None) -> list[Utterance]:
    """The utterances of a file of JSON lines: `{"path", "text"}`, or `{"clip", "words": [{"word", "start_ms", …}]}`.

    Paths are below the manifest's folder or the one above. `timed` gives words by the end of a path (see
    `read_word_times`). Raises ManifestError.
    """
    utterances = []
    for number, line in enumerate(_lines(path), start=1):
        try:
            entry = json.loads(line)
            name = entry.get("path") or entry["clip"]
            words = _timed(entry) or (timed or {}).get("/".join(Path(name).parts[-2:]), ())
            text = entry["text"] if "text" in entry else " ".join(word for word, _, _ in words)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ManifestError(f'{path}, line {number}: write {{"path": …, "text": …}} ({error!r}).') from error
        utterances.append(
            Utterance(path.parent.name if path.stem == "words" else path.stem, _found(path, name), text, words)
        )
    if not utterances:
        raise ManifestError(f"{path} is empty: write a line for each utterance.")
    return utterances


def read_manifests(paths: Iterable[Path], words: Path | None, limit: int | None) -> list[Utterance]:
    """At most `limit` utterances of each manifest, evenly spread, timed by `words` (see `read_word_times`).

    Raises ManifestError.
    """
    timed = read_word_times(words) if words else None
    return [each for path in paths for each in evenly(read_manifest(path, timed), limit)]


def read_word_times(path: Path) -> dict[str, tuple[tuple[str, float, float], ...]]:
    """`{"s1/clip.mp4": ((word, start_s, end_s), …)}` of a file of JSON lines with `clip` and `words`."""
    entries = [json.loads(line) for line in _lines(path)]
    return {"/".join(Path(entry["clip"]).parts[-2:]): _timed(entry) for entry in entries}


def _lines(path: Path) -> list[str]:
    try:
        return [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise ManifestError(f"{path} cannot be read ({error}): name a file of JSON lines.") from error


def _timed(entry: dict[str, Any]) -> tuple[tuple[str, float, float], ...]:
    return tuple((word["word"], word["start_ms"] / 1000, word["end_ms"] / 1000) for word in entry.get("words", ()))


def _found(manifest: Path, name: str) -> Path:
    for folder in (manifest.parent, manifest.parent.parent):
        if (folder / name).is_file():
            return folder / name
    raise ManifestError(f"{manifest} names {name}, which is neither below its folder nor below the one above.")


def normalizer_of(language: str) -> Callable[[str], list[str]]:
    """Text -> the words that error rates are counted on: Whisper's English normaliser, its basic one for others."""
    from transformers.models.whisper.english_normalizer import BasicTextNormalizer, EnglishTextNormalizer

    normalize = EnglishTextNormalizer({}) if language == "en" else BasicTextNormalizer()
    return lambda text: str(normalize(text)).split()


def hear(
    utterances: Iterable[Utterance], recognizer: Recognizer, language: str, *, is_raw: bool = False
) -> Iterator[Heard]:
    """What `recognizer` makes of each utterance, without its calibration where `is_raw`.

    Raises ManifestError for a file without readable sound.
    """
    normalize = normalizer_of(language)

    def plain(word: str) -> str:
        return "".join(normalize(word))

    for each, words, duration_s in _recognized(utterances, recognizer, is_raw):
        spelled = [(plain(word.text), word) for word in words]
        said = [(plain(text), start_s, end_s) for text, start_s, end_s in each.words]
        timed = [entry for entry in said if entry[0]]
        yield Heard(
            corpus=each.corpus,
            said=tuple(normalize(each.text)),
            heard=tuple(normalize(" ".join(word.text for word in words))),
            said_words=tuple(text for text, _, _ in timed) or tuple(filter(None, map(plain, each.text.split()))),
            words=tuple(Word(text, word.start_s, word.end_s, word.confidence) for text, word in spelled if text),
            duration_s=duration_s,
            said_times_s=tuple((start_s, end_s) for _, start_s, end_s in timed),
        )


def _recognized(
    utterances: Iterable[Utterance], recognizer: Recognizer, is_raw: bool
) -> Iterator[tuple[Utterance, list[Word], float]]:
    """Each utterance with what is heard in it and its length in seconds; as many at once as the recogniser likes."""
    waiting = iter(utterances)
    while batch := list(itertools.islice(waiting, batch_size_of(recognizer))):
        cut = [_cut(each.path) for each in batch]
        sounds = [samples for pieces, _ in cut for _, samples in pieces]
        words = iter(transcribe_all(recognizer, sounds, is_raw=is_raw))
        for each, (pieces, duration_s) in zip(batch, cut, strict=True):
            yield each, [word for start_s, _ in pieces for word in shifted(next(words), start_s)], duration_s


def _cut(path: Path) -> tuple[list[tuple[float, NDArray[np.float32]]], float]:
    """The file's sound with its start in seconds, in pieces that a recogniser can take; and its length in seconds."""
    try:
        samples = np.concatenate([np.zeros(0, dtype=np.float32), *stream_samples(path)])
    except (AudioDecodeError, NoAudioError) as error:
        raise ManifestError(str(error)) from error
    duration_s = len(samples) / SAMPLE_RATE
    if duration_s <= MAX_AT_ONCE_S:
        return [(0.0, samples)], duration_s
    cut = stretches([samples], SegmentOptions())
    return [(stretch.start_ms / 1000, stretch.samples) for stretch in cut if stretch.is_speech], duration_s


def decodings(recognizer: Recognizer) -> Iterator[tuple[str, Recognizer]]:
    """The ways in which `recognizer` can decode: if it is CTC, greedy, and with the language model that it has."""
    if not isinstance(recognizer, Wav2Vec2Recognizer):
        yield AS_IT_COMES, recognizer
        return
    yield GREEDY, recognizer.with_language_model(NO_LANGUAGE_MODEL)
    if recognizer.has_language_model:
        yield WITH_LANGUAGE_MODEL, recognizer


def evenly(utterances: list[Utterance], limit: int | None) -> list[Utterance]:
    """At most `limit` of them, evenly spread."""
    if limit is None or limit >= len(utterances):
        return utterances
    return [utterances[index * len(utterances) // limit] for index in range(limit)]
