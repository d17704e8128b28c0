"""`manage.py calibrate_asr --data MANIFEST.jsonl`: what a recogniser's confidences and word times are worth."""

import csv
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from apps.transcription.asr.calibration import (
    CalibrationError,
    cross_calibrated,
    fit,
    read_calibrations,
    write_calibrations,
)
from apps.transcription.asr.evaluation import Heard, by_corpus, reliability, word_time_error
from apps.transcription.asr.recognizers.base import IsCalibrated, Recognizer, RecognizerUnavailableError
from apps.transcription.evaluating import (
    ManifestError,
    Utterance,
    decodings,
    hear,
    read_manifests,
)
from apps.transcription.recognition import LanguageNotRecognizedError, model_recognizer, recognizer_for

COLUMNS = (
    "recogniser", "decoding", "corpus", "words", "share_right", "ece_before", "ece_after",
    "time_error_ms_before", "time_error_ms_after",
)  # fmt: skip


class Command(BaseCommand):
    help = (
        "Measures on speech with known words how often the words of a recogniser are right that it is so or so sure "
        "of, and writes down what to correct its confidences (and, where the words are timed, its times) by. What it "
        "reports is measured on texts that were not fitted on."
    )
    requires_system_checks = ()
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--data", nargs="+", type=Path, required=True, metavar="MANIFEST", help="JSON lines")
        parser.add_argument("--words", type=Path, help="JSON lines with the times of words, by clip")
        parser.add_argument("--language", default="en", help="ISO 639-1 code of what is spoken (default: en)")
        parser.add_argument("--model", help="a CTC checkpoint instead of ASR_MODEL")
        parser.add_argument("--limit", type=int, help="only so many utterances of each manifest, evenly spread")
        parser.add_argument("--output", type=Path, help="default: where the recogniser looks for it")
        parser.add_argument("--csv", type=Path, help="write the table there, too")

    def handle(self, *args: Any, **options: Any) -> None:
        language = options["language"]
        try:
            recognizer = model_recognizer(options["model"], language) if options["model"] else recognizer_for(language)
            if not isinstance(recognizer, IsCalibrated):
                raise CommandError(f"{recognizer.name} takes no calibration.")
            utterances = read_manifests(options["data"], options["words"], options["limit"])
            heard = {
                decoding: _heard(utterances, variant, language, decoding) for decoding, variant in decodings(recognizer)
            }
            calibrations = {decoding: fit(its, fitted_on=_sources(its)) for decoding, its in heard.items()}
            file = options["output"] or recognizer.calibration_file
            write_calibrations(file, read_calibrations(file) | calibrations)
        except (ManifestError, CalibrationError, LanguageNotRecognizedError, RecognizerUnavailableError) as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"{error}: name another place with --output.") from error
        rows = [
            row
            for decoding, its in heard.items()
            for row in _rows(recognizer.name, decoding, its, cross_calibrated(its))
        ]
        self._tell(rows)
        if options["csv"]:
            with options["csv"].open("w", newline="", encoding="utf-8") as table:
                writer = csv.DictWriter(table, COLUMNS)
                writer.writeheader()
                writer.writerows(rows)
        for decoding, its in calibrations.items():
            self.stdout.write(f"{decoding}: {its.confidence}, {its.times or 'times as they are'}")
        self.stdout.write(self.style.SUCCESS(f"{file} is written; recognisers that are loaded from now on use it."))

    def _tell(self, rows: list[dict[str, Any]]) -> None:
        for row in rows:
            line = (
                f"{row['recogniser']}, {row['decoding']}, {row['corpus']} ({row['words']} words, "
                f"{100 * row['share_right']:.1f} % right): "
                f"ECE {row['ece_before']:.3f} before, {row['ece_after']:.3f} after"
            )
            if row["time_error_ms_before"] is not None:
                line += f", word times {row['time_error_ms_before']:.0f} and {row['time_error_ms_after']:.0f} ms off"
            self.stdout.write(line)


def _heard(utterances: list[Utterance], recognizer: Recognizer, language: str, decoding: str) -> list[Heard]:
    heard = hear(utterances, recognizer, language, is_raw=True)
    return list(tqdm(heard, total=len(utterances), desc=decoding, dynamic_ncols=True))


def _sources(utterances: list[Heard]) -> str:
    """As `kathleen (300), ljspeech (16)`: how many utterances of which corpora."""
    corpora = [each.corpus for each in utterances]
    return ", ".join(f"{corpus} ({corpora.count(corpus)})" for corpus in dict.fromkeys(corpora))


def _rows(name: str, decoding: str, before: list[Heard], after: list[Heard]) -> Iterator[dict[str, Any]]:
    for (corpus, raw), (_, corrected) in zip(by_corpus(before), by_corpus(after), strict=True):
        its, now = reliability(raw), reliability(corrected)
        times, times_now = word_time_error(raw), word_time_error(corrected)
        if its is None or now is None:
            continue
        values = (
            name, decoding, corpus, its.n_words, its.share_right, its.error, now.error,
            times.mean_ms if times else None, times_now.mean_ms if times_now else None,
        )  # fmt: skip
        yield dict(zip(COLUMNS, values, strict=True))
