"""The embedded recogniser against faster-whisper as it comes, same weights: words, and speed.

    python -m benchmarks.embedded_recogniser [--limit 200] [--kept FOLDER] [--csv docs/results/asr/embedded.csv]
    python -m benchmarks.embedded_recogniser --speed 10 [--csv docs/results/asr/embedded_speed.csv]

Reads the sets of `speech` (VIDEOPORTAL_DATA). Options were tuned on one half of `kathleen`, parted by the sentence that
is read (see `is_for_tuning`); figures are of its other half and of all other sets. `--kept` keeps what was heard, so
that a run that was cut off goes on. The second form writes a sound file of so many minutes and recognises it whole.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from apps.media.audio import stream_samples
from apps.transcription.asr.evaluation import Heard, Rate, difference, word_error_rate
from apps.transcription.asr.recognizers.base import SAMPLE_RATE, Recognizer
from apps.transcription.asr.recognizers.whisper import WhisperRecognizer
from apps.transcription.asr.recognizers.whisper_network import bundled_folder
from apps.transcription.asr.transcriber import TranscribeOptions, transcribe_file
from apps.transcription.asr.words import Word
from apps.transcription.evaluating import Utterance, hear, normalizer_of, read_manifest

REPOSITORY = Path(__file__).resolve().parents[1]
SETS = ("ljspeech", "librivox", "kathleen", "librispeech_test_other", "accented")
OURS = "embedded"
PAUSE_S = 0.5
COLUMNS = (
    "recogniser",
    "set",
    "utterances",
    "words",
    "wer",
    "wer_low",
    "wer_high",
    "change",
    "change_low",
    "change_high",
)


class FasterWhisper:
    """`Recognizer`: faster-whisper as its documentation shows it, with word times."""

    def __init__(self, beam_size: int) -> None:
        from faster_whisper import WhisperModel

        self.beam_size = beam_size
        self.model = WhisperModel(
            str(bundled_folder()), device="cpu", compute_type="int8", cpu_threads=os.cpu_count() or 1
        )

    @property
    def name(self) -> str:
        return f"faster-whisper, beam {self.beam_size}"

    @property
    def languages(self) -> frozenset[str]:
        return frozenset({"en"})

    def transcribe(self, samples: NDArray[np.float32] | str) -> list[Word]:
        """See `Recognizer.transcribe`; of a file, too, whatever its length."""
        segments, _ = self.model.transcribe(samples, language="en", beam_size=self.beam_size, word_timestamps=True)
        return [
            Word(word.word.strip(), float(word.start), float(word.end), float(word.probability))
            for segment in segments
            for word in segment.words or ()
        ]


RECOGNISERS: dict[str, Callable[[], Recognizer]] = {
    "faster-whisper, beam 5": lambda: FasterWhisper(5),
    "faster-whisper, beam 1": lambda: FasterWhisper(1),
    OURS: WhisperRecognizer,
}


def is_for_tuning(text: str) -> bool:
    """Whether utterances of the sentence `text` of `kathleen` may be tuned on: about half of all sentences.

    By the normalised sentence, so that all recordings of one are on the same side.
    """
    normalised = " ".join(normalizer_of("en")(text))
    return hashlib.sha256(normalised.encode()).digest()[0] % 2 == 0


def utterances(data: Path, sets: list[str], limit: int | None, *, tuning: bool) -> Iterator[Utterance]:
    """Of each set `limit` utterances, evenly spread; of `kathleen` those of one half."""
    for name in sets:
        entries = read_manifest(data / "speech" / f"{name}.jsonl")
        if name == "kathleen":
            entries = [each for each in entries if is_for_tuning(each.text) == tuning]
        n = min(limit or len(entries), len(entries))
        yield from (entries[index * len(entries) // n] for index in range(n))


def heard_of(entries: list[Utterance], name: str, kept: Path) -> list[Heard]:
    """What the recogniser `name` makes of the utterances; what the file `kept` holds of it is not recognised again."""
    texts = dict(json.loads(line) for line in kept.read_text().splitlines()) if kept.exists() else {}
    missing = [each for each in entries if each.path.name not in texts]
    if missing:
        with kept.open("a") as file:
            for each, found in zip(missing, hear(missing, RECOGNISERS[name](), "en"), strict=True):
                texts[each.path.name] = found.heard
                print(json.dumps([each.path.name, found.heard]), file=file, flush=True)
    normalize = normalizer_of("en")
    return [
        Heard(each.corpus, tuple(normalize(each.text)), tuple(texts[each.path.name]), (), (), 0.0) for each in entries
    ]


def rows(heard: dict[str, list[Heard]]) -> Iterator[dict[str, Any]]:
    """Word error rates by set and of all together, and how far those of the embedded one are from each other's."""
    for name, found in heard.items():
        groups = [(key, list(group)) for key, group in groupby(found, key=lambda each: each.corpus)]
        for corpus, group in [*groups, ("all", found)]:
            ours = [each for each in heard.get(OURS, []) if corpus in ("all", each.corpus)]
            rate = word_error_rate(group)
            change = difference(group, ours) if ours and name != OURS else None
            values = (name, corpus, len(group), rate.n, *_figures(rate), *_figures(change))
            yield dict(zip(COLUMNS, values, strict=True))


def _figures(rate: Rate | None) -> tuple[str, str, str]:
    return (f"{rate.percent:.2f}", f"{rate.low:.2f}", f"{rate.high:.2f}") if rate else ("", "", "")


def write_talk(data: Path, minutes: float, path: Path) -> None:
    """A sound file of utterances of `kathleen`'s other half with pauses between them, over again where they end."""
    import wave

    entries = list(utterances(data, ["kathleen"], None, tuning=False))
    n_samples, index = 0, 0
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, SAMPLE_RATE, 0, "NONE", ""))
        while n_samples < 60 * minutes * SAMPLE_RATE:
            pause = np.zeros(int(PAUSE_S * SAMPLE_RATE), dtype=np.float32)
            samples = np.concatenate([*stream_samples(entries[index % len(entries)].path), pause])
            file.writeframes((samples * 32767).astype("<i2").tobytes())
            n_samples, index = n_samples + len(samples), index + 1


def speeds(talk: Path, minutes: float) -> Iterator[dict[str, Any]]:
    """Seconds that each takes for the file, the model loaded before."""
    for name, make in RECOGNISERS.items():
        recognizer = make()
        began_s = time.perf_counter()
        if isinstance(recognizer, FasterWhisper):
            recognizer.transcribe(str(talk))
        else:
            list(transcribe_file(talk, recognizer, TranscribeOptions()))
        seconds = time.perf_counter() - began_s
        yield {
            "recogniser": name, "minutes": minutes, "seconds": f"{seconds:.1f}",
            "seconds_an_hour": f"{60 * seconds / minutes:.0f}", "x_real_time": f"{60 * minutes / seconds:.1f}",
        }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="+", default=list(SETS), choices=SETS)
    parser.add_argument("--limit", type=int, help="only so many utterances of each set, evenly spread")
    parser.add_argument("--tuning", action="store_true", help="the half of kathleen that may be tuned on")
    parser.add_argument("--recognisers", nargs="+", default=list(RECOGNISERS), choices=list(RECOGNISERS))
    parser.add_argument("--kept", type=Path, help="a folder for what was heard")
    parser.add_argument("--speed", type=float, metavar="MINUTES", help="time a file of so many minutes instead")
    parser.add_argument("--csv", type=Path)
    options = parser.parse_args()
    data = Path(os.environ.get("VIDEOPORTAL_DATA", REPOSITORY.parent / "shared" / "data"))
    if not (data / "speech" / "kathleen.jsonl").is_file():
        sys.exit(f"This benchmark reads the sets of speech, and {data} does not hold them. Set VIDEOPORTAL_DATA.")
    with tempfile.TemporaryDirectory() as folder:
        if options.speed:
            write_talk(data, options.speed, Path(folder) / "talk.wav")
            table = list(speeds(Path(folder) / "talk.wav", options.speed))
        else:
            kept = options.kept or Path(folder)
            kept.mkdir(parents=True, exist_ok=True)
            entries = list(utterances(data, options.sets, options.limit, tuning=options.tuning))
            table = list(rows({name: heard_of(entries, name, kept / f"{name}.jsonl") for name in options.recognisers}))
    for row in table:
        print("  ".join(f"{column} {value}" for column, value in row.items()))
    if options.csv:
        options.csv.parent.mkdir(parents=True, exist_ok=True)
        with options.csv.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(table[0]))
            writer.writeheader()
            writer.writerows(table)


if __name__ == "__main__":
    main()
