"""`manage.py evaluate_asr --data MANIFEST.jsonl`: error rates of the recogniser that the settings choose."""

import csv
import time
from argparse import ArgumentParser
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from apps.transcription.asr.evaluation import (
    Heard,
    Rate,
    by_corpus,
    character_error_rate,
    difference,
    reliability,
    word_error_rate,
    word_time_error,
)
from apps.transcription.asr.recognizers.base import Recognizer, RecognizerUnavailableError, TakesHotwords
from apps.transcription.asr.recognizers.wav2vec2 import Wav2Vec2Recognizer
from apps.transcription.evaluating import (
    ManifestError,
    Utterance,
    decodings,
    hear,
    read_manifests,
)
from apps.transcription.recognition import LanguageNotRecognizedError, model_recognizer, recognizer_for

COLUMNS = (
    "recogniser", "decoding", "corpus", "utterances", "words", "wer", "wer_low", "wer_high", "cer",
    "cer_low", "cer_high", "time_error_ms", "time_error_p95_ms", "ece", "mean_confidence", "audio_s", "compute_s",
)  # fmt: skip
RELIABILITY_COLUMNS = ("recogniser", "decoding", "corpus", "from", "mean_confidence", "share_right", "words")
SAME_WER = 0.1  # points: what may replace a slower path unseen


@dataclass(frozen=True)
class Run:
    """One recogniser with one way of decoding."""

    recogniser: str
    decoding: str
    heard: list[Heard]
    compute_s: float


class Command(BaseCommand):
    help = (
        "Word and character error rates with 95 % intervals, word times and calibration, by corpus: of a CTC "
        "recogniser greedy and with its language model, of the embedded one as it comes, of either with hotwords."
    )
    requires_system_checks = ()
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--data", nargs="+", type=Path, required=True, metavar="MANIFEST", help="JSON lines")
        parser.add_argument("--words", type=Path, help="JSON lines with the times of words, by clip")
        parser.add_argument("--language", default="en", help="ISO 639-1 code of what is spoken (default: en)")
        parser.add_argument("--model", action="append", help="a CTC checkpoint instead of ASR_MODEL; may be repeated")
        parser.add_argument("--limit", type=int, help="only so many utterances of each manifest, evenly spread")
        parser.add_argument("--hotwords-from", type=Path, help="text about the recordings, as a title would be")
        parser.add_argument("--compare", action="store_true", help="differences to the first row, paired by utterance")
        parser.add_argument("--reliability", type=Path, help="write there how right words of each confidence are (CSV)")
        parser.add_argument("--csv", type=Path, help="write the table there, too")

    def handle(self, *args: Any, **options: Any) -> None:
        runs: list[Run] = []
        try:
            utterances = read_manifests(options["data"], options["words"], options["limit"])
            about = options["hotwords_from"].read_text(encoding="utf-8") if options["hotwords_from"] else ""
            for recognizer in self._recognizers(options["model"], options["language"]):
                for decoding, variant in self._variants(recognizer, about):
                    runs.append(_run(recognizer.name, decoding, variant, utterances, options["language"]))
        except (ManifestError, LanguageNotRecognizedError, RecognizerUnavailableError, OSError) as error:
            raise CommandError(str(error)) from error
        rows = [row for run in runs for row in _rows(run)]
        self._tell(rows)
        if options["compare"]:
            self._compare(runs)
        if options["csv"]:
            _write(options["csv"], COLUMNS, rows)
        if options["reliability"]:
            _write(options["reliability"], RELIABILITY_COLUMNS, [row for run in runs for row in _reliability(run)])

    def _recognizers(self, models: list[str] | None, language: str) -> Iterator[Recognizer]:
        if not models:
            yield recognizer_for(language)
        for model in models or ():
            yield model_recognizer(model, language)

    def _variants(self, recognizer: Recognizer, about: str) -> Iterator[tuple[str, Recognizer]]:
        yield from decodings(recognizer)
        if isinstance(recognizer, Wav2Vec2Recognizer) and not recognizer.has_language_model:
            self.stdout.write("ASR_LANGUAGE_MODEL names none: there is no row with one.")
        if about and isinstance(recognizer, TakesHotwords):
            hotwords = recognizer.choose_hotwords([about])
            self.stdout.write(f"Hotwords: {', '.join(hotwords) or 'none'}")
            yield "with hotwords", recognizer.with_hotwords(hotwords)

    def _tell(self, rows: list[dict[str, Any]]) -> None:
        for row in rows:
            line = (
                f"{row['recogniser']}, {row['decoding']}, {row['corpus']} ({row['utterances']} utterances, "
                f"{row['words']} words): WER {row['wer']:.2f} % ({row['wer_low']:.2f} to {row['wer_high']:.2f}), "
                f"CER {row['cer']:.2f} % ({row['cer_low']:.2f} to {row['cer_high']:.2f})"
            )
            if row["ece"] is not None:
                line += f", ECE {row['ece']:.3f}"
            if row["time_error_ms"] is not None:
                line += f", word times {row['time_error_ms']:.0f} ms off (95 %: {row['time_error_p95_ms']:.0f})"
            self.stdout.write(f"{line}, {row['audio_s'] / max(row['compute_s'], 1e-9):.1f}x real time")

    def _compare(self, runs: list[Run]) -> None:
        first, *others = runs
        for other in others:
            change = difference(first.heard, other.heard)
            verdict = "no more than 0.1 apart" if abs(change.percent) <= SAME_WER else _verdict(change)
            self.stdout.write(
                f"{other.recogniser}, {other.decoding} against {first.recogniser}, {first.decoding}: "
                f"{change.percent:+.2f} points of WER ({change.low:+.2f} to {change.high:+.2f}), {verdict}"
            )


def _verdict(change: Rate) -> str:
    if change.low <= 0 <= change.high:
        return "which may be chance"
    return "better" if change.percent < 0 else "worse"


def _run(name: str, decoding: str, recognizer: Recognizer, utterances: list[Utterance], language: str) -> Run:
    started_s = time.perf_counter()
    heard = list(tqdm(hear(utterances, recognizer, language), total=len(utterances), desc=decoding, dynamic_ncols=True))
    return Run(name, decoding, heard, time.perf_counter() - started_s)


def _rows(run: Run) -> Iterator[dict[str, Any]]:
    """A row for each corpus, and one for all together where there are several."""
    total_s = sum(each.duration_s for each in run.heard)
    for corpus, group in by_corpus(run.heard):
        wer, cer = word_error_rate(group), character_error_rate(group)
        times, calibrated = word_time_error(group), reliability(group)
        audio_s = sum(each.duration_s for each in group)
        values = (
            run.recogniser, run.decoding, corpus, len(group), wer.n, wer.percent, wer.low, wer.high, cer.percent,
            cer.low, cer.high, times.mean_ms if times else None, times.p95_ms if times else None,
            calibrated.error if calibrated else None, calibrated.mean_confidence if calibrated else None, audio_s,
            run.compute_s * audio_s / max(total_s, 1e-9),
        )  # fmt: skip
        yield dict(zip(COLUMNS, values, strict=True))


def _reliability(run: Run) -> Iterator[dict[str, Any]]:
    for corpus, group in by_corpus(run.heard):
        measured = reliability(group)
        for each in measured.bins if measured else ():
            values = (
                run.recogniser,
                run.decoding,
                corpus,
                each.low,
                each.mean_confidence,
                each.share_right,
                each.n_words,
            )
            yield dict(zip(RELIABILITY_COLUMNS, values, strict=True))


def _write(path: Path, columns: Sequence[str], rows: Iterable[dict[str, Any]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)
