"""Word times of the embedded recogniser: how far they are from the true ones, by how they are found.

    python -m benchmarks.word_times [--sentences 30] [--clips 120] [--csv docs/results/asr/word_times.csv]

True times: sentences of `speech/kathleen` spoken by flite (Debian's package), which tells the phones it makes; and the
clips of `grid` (VIDEOPORTAL_DATA) with the times that the set carries. Counted are words that were heard right; a
forced alignment is given the words that Whisper heard, so that every row is of the same words.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from apps.media.audio import stream_samples
from apps.transcription.asr.evaluation import Heard, word_time_error
from apps.transcription.asr.normalization import Normalizer
from apps.transcription.asr.recognizers.base import SAMPLE_RATE
from apps.transcription.asr.recognizers.whisper import WhisperOptions, WhisperRecognizer
from apps.transcription.asr.recognizers.whisper_network import bundled_folder
from apps.transcription.asr.words import Word
from benchmarks.synthetic_speech import VOICES, Spoken, UntimedError, speak

REPOSITORY = Path(__file__).resolve().parents[1]
COLUMNS = ("set", "times", "words", "mean_ms", "p95_ms", "starts_late_ms", "ends_late_ms", "ms_per_second_of_sound")
Finder = Callable[[NDArray[np.float32]], list[Word]]


def synthetic(data: Path, n: int, folder: Path) -> Iterator[Spoken]:
    """`n` sentences, each by the next voice; those whose phones cannot be told apart by word are passed over."""
    lines = (data / "speech" / "kathleen.jsonl").read_text(encoding="utf-8").splitlines()
    sentences = sorted({tuple(Normalizer().words(json.loads(line)["text"])) for line in lines})
    random.Random(3).shuffle(sentences)
    n_spoken = 0
    for words in sentences:
        try:
            spoken = speak(list(words), VOICES[n_spoken % len(VOICES)], folder / f"{n_spoken}.wav")
        except UntimedError:
            continue
        yield spoken
        n_spoken += 1
        if n_spoken == n:
            return


def grid(data: Path, n: int) -> Iterator[Spoken]:
    """`n` clips, as many of each speaker as there are."""
    entries = [json.loads(line) for line in (data / "grid" / "words.jsonl").read_text(encoding="utf-8").splitlines()]
    by_speaker: dict[str, list[dict[str, Any]]] = {}
    for entry in entries:
        by_speaker.setdefault(Path(entry["clip"]).parent.name, []).append(entry)
    longest = max(len(each) for each in by_speaker.values())
    ranked = [entry for i in range(longest) for each in by_speaker.values() for entry in each[i : i + 1]]
    for entry in ranked[:n]:
        words = [(word["word"], word["start_ms"] / 1000, word["end_ms"] / 1000) for word in entry["words"]]
        yield Spoken(data / "grid" / entry["clip"], tuple(w for w, _, _ in words), tuple((s, e) for _, s, e in words))


def finders() -> Iterator[tuple[str, Finder]]:
    yield "faster-whisper as it comes, beam 5", _plain()
    yield "cross-attention", WhisperRecognizer(WhisperOptions(forced_alignment=False)).transcribe
    yield "forced alignment", WhisperRecognizer().transcribe


def _plain() -> Finder:
    from faster_whisper import WhisperModel

    model = WhisperModel(str(bundled_folder()), device="cpu", compute_type="int8", cpu_threads=os.cpu_count() or 1)

    def heard(samples: NDArray[np.float32]) -> list[Word]:
        segments, _ = model.transcribe(samples, language="en", beam_size=5, word_timestamps=True)
        return [
            Word(word.word.strip(), float(word.start), float(word.end), float(word.probability))
            for segment in segments
            for word in segment.words or ()
        ]

    return heard


def heard(spoken: Spoken, find: Finder) -> tuple[Heard, float]:
    """What was heard, and the seconds that took."""
    samples = np.concatenate(list(stream_samples(spoken.path)))
    began_s = time.perf_counter()
    words = find(samples)
    seconds = time.perf_counter() - began_s
    plain = [("".join(Normalizer().words(word.text)), word) for word in words]
    timed = tuple(replace(word, text=text) for text, word in plain if text)
    said = spoken.words
    texts = tuple(word.text for word in timed)
    return Heard("", said, texts, said, timed, len(samples) / SAMPLE_RATE, spoken.times_s), seconds


def late_ms(utterances: list[Heard]) -> tuple[float, float]:
    """How much later than in truth words start and end, on average."""
    late = [
        (each.words[pair.heard].start_s - start_s, each.words[pair.heard].end_s - end_s)
        for each in utterances
        for pair in each.pairs()
        if pair.said is not None and pair.heard is not None and each.is_right(pair)
        for start_s, end_s in [each.said_times_s[pair.said]]
    ]
    starts, ends = np.mean(np.asarray(late), axis=0)
    return float(1000 * starts), float(1000 * ends)


def rows(name: str, sounds: list[Spoken]) -> Iterator[dict[str, Any]]:
    for way, find in finders():
        found = [heard(spoken, find) for spoken in sounds]
        utterances = [each for each, _ in found]
        error = word_time_error(utterances)
        if error is None:
            sys.exit(f"{way} heard no word of {name} right.")
        sound_s = sum(each.duration_s for each in utterances)
        cost_ms = 1000 * sum(seconds for _, seconds in found) / sound_s
        values = (name, way, error.n_words, error.mean_ms, error.p95_ms, *late_ms(utterances), cost_ms)
        row = dict(zip(COLUMNS, (f"{v:.1f}" if isinstance(v, float) else v for v in values), strict=True))
        print("  ".join(f"{column} {value}" for column, value in row.items()), flush=True)
        yield row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sentences", type=int, default=30)
    parser.add_argument("--clips", type=int, default=120)
    parser.add_argument("--csv", type=Path)
    options = parser.parse_args()
    data = Path(os.environ.get("VIDEOPORTAL_DATA", REPOSITORY.parent / "shared" / "data"))
    if not (data / "grid" / "words.jsonl").is_file():
        sys.exit(f"This benchmark reads grid and speech/kathleen, and {data} does not hold them. Set VIDEOPORTAL_DATA.")
    with tempfile.TemporaryDirectory() as folder:
        table = list(rows("synthetic", list(synthetic(data, options.sentences, Path(folder)))))
        table += rows("grid", list(grid(data, options.clips)))
    if options.csv:
        options.csv.parent.mkdir(parents=True, exist_ok=True)
        with options.csv.open("w", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            writer.writerows(table)


if __name__ == "__main__":
    main()
