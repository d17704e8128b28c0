"""`manage.py choose_precision --data MANIFEST.jsonl`: lets in faster arithmetic where it changes no words."""

import gc
import time
from argparse import ArgumentParser
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from apps.transcription.asr.evaluation import Heard, difference
from apps.transcription.asr.networks.checkpoint import Checkpoint
from apps.transcription.asr.networks.loading import device_of
from apps.transcription.asr.networks.precision import MIN_WORDS, Verdict, candidates, write_verdicts
from apps.transcription.asr.recognizers.base import RecognizerUnavailableError
from apps.transcription.asr.recognizers.wav2vec2 import Wav2Vec2Options, Wav2Vec2Recognizer, checkpoint_folder
from apps.transcription.evaluating import ManifestError, Utterance, hear, read_manifest
from apps.transcription.recognition import checkpoint_options, configured_models


class Command(BaseCommand):
    help = (
        "Recognises the same recordings in fp32 and in what is faster on this machine (int8, bf16, fp16), and lets in, "
        "for ASR_PRECISION=auto, what changes the word error rate by no more than 0.1 points. Run it for each "
        "checkpoint, with recordings like the portal's; start the workers anew afterwards."
    )
    requires_system_checks = ()
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--data", nargs="+", type=Path, required=True, metavar="MANIFEST", help="JSON lines")
        parser.add_argument("--language", default="en", help="ISO 639-1 code of what is spoken (default: en)")
        parser.add_argument("--model", help="a CTC checkpoint instead of the one that the settings name")

    def handle(self, *args: Any, **options: Any) -> None:
        model = options["model"] or configured_models().get(options["language"])
        if not model:
            raise CommandError("ASR_MODEL is empty, and the embedded recogniser has one precision: name a --model.")
        try:
            utterances = [each for path in options["data"] for each in read_manifest(path)]
            wanted = checkpoint_options(model, options["language"])
            folder = checkpoint_folder(model, wanted.cache_dir)
            device = device_of(wanted.device)
            heard, seconds = _measured(replace(wanted, precision="fp32"), utterances)
            verdicts = [
                verdict
                for precision in candidates(device)
                if (verdict := self._verdict(replace(wanted, precision=precision), utterances, heard, seconds))
            ]
            digest = Checkpoint.read(folder).digest
        except (ManifestError, RecognizerUnavailableError, OSError, ValueError) as error:
            raise CommandError(str(error)) from error
        path = write_verdicts(settings.MODEL_CACHE_DIR, verdicts, digest=digest, device=device)
        self.stdout.write(f"Kept in {path}. Start the workers anew, so that ASR_PRECISION=auto heeds it.")

    def _verdict(
        self, options: Wav2Vec2Options, utterances: list[Utterance], heard: list[Heard], seconds: float
    ) -> Verdict | None:
        precision = options.precision
        try:
            other, other_s = _measured(options, utterances)
        except RecognizerUnavailableError as error:
            self.stdout.write(f"{precision}: cannot be run. {error}")
            return None
        change = difference(heard, other)
        n_words = sum(len(each.said) for each in heard)
        verdict = Verdict(precision, change.percent, n_words, seconds / max(other_s, 1e-9))
        if verdict.is_passed:
            outcome = "let in" if verdict.speed_up > 1 else "not let in, since it is not faster here"
        elif n_words < MIN_WORDS:
            outcome = f"not let in: {n_words} words are too few, name recordings with {MIN_WORDS} or more"
        else:
            outcome = "not let in"
        self.stdout.write(
            f"{precision}: {change.percent:+.2f} points of WER ({change.low:+.2f} to {change.high:+.2f}) over "
            f"{n_words} words, {verdict.speed_up:.2f} times the speed of fp32: {outcome}"
        )
        return verdict


def _measured(options: Wav2Vec2Options, utterances: list[Utterance]) -> tuple[list[Heard], float]:
    """What is heard, and in how many seconds, loading not counted."""
    recognizer = Wav2Vec2Recognizer(options)
    waiting = tqdm(utterances, desc=recognizer.runtime, dynamic_ncols=True)
    started_s = time.perf_counter()
    heard = list(hear(waiting, recognizer, options.language or "en"))
    seconds = time.perf_counter() - started_s
    del recognizer
    gc.collect()
    return heard, seconds
