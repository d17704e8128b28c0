"""`manage.py build_language_model`: text -> KenLM's n-grams, as ASR_LANGUAGE_MODEL takes them."""

import shutil
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from apps.transcription.asr.kenlm_tools import KenlmTools, KenlmToolsError, build_tools, find_tools
from apps.transcription.asr.language_model_building import (
    BuildOptions,
    BuildReport,
    LanguageModelBuildError,
    build_language_model,
)
from apps.transcription.asr.normalization import Normalizer
from apps.transcription.asr.processors import write_processor
from apps.transcription.asr.recognizers.base import RecognizerUnavailableError
from apps.transcription.asr.recognizers.wav2vec2 import checkpoint_alphabet, checkpoint_folder, checkpoint_tokenizer
from apps.transcription.asr.training.corpora import CorpusError
from apps.transcription.asr.training.hugging_face import DatasetOptions, write_sentences


class Command(BaseCommand):
    help = (
        "Builds an n-gram language model over words from text and writes it as ASR_LANGUAGE_MODEL takes it. KenLM's "
        "lmplz is taken from PATH or built once, into VIDEOPORTAL_HOME/tools."
    )
    requires_system_checks = ()
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        source = parser.add_mutually_exclusive_group(required=True)
        source.add_argument("--text", nargs="+", type=Path, help="a sentence a line; .xz and .gz, too")
        source.add_argument("--dataset", metavar="NAME", help="a data set of Hugging Face, as Helsinki-NLP/europarl")
        parser.add_argument("--dataset-config", metavar="NAME", help="which of its configurations, as en-ro")
        parser.add_argument("--dataset-split", metavar="NAME", default="train", help="which of its parts")
        parser.add_argument("--language", default="en", help="of a data set of translations, which side (default: en)")
        parser.add_argument("--output", type=Path, required=True, help="the folder to write; must not exist")
        parser.add_argument("--order", type=int, default=5, help="words in the longest n-gram (default: 5)")
        parser.add_argument(
            "--prune",
            nargs="+",
            type=int,
            metavar="N",
            help="drop n-grams seen no oftener than this, by order, as 0 0 1 (the default from order 3 on)",
        )
        parser.add_argument("--held-out", type=Path, help="text that perplexity is measured on")
        parser.add_argument("--memory", default="1G", help="for sorting, as lmplz takes it (default: 1G)")
        parser.add_argument(
            "--alphabet-from",
            metavar="CHECKPOINT",
            help="the CTC checkpoint in whose letters text is written (default: --processor, else small English ones)",
        )
        parser.add_argument(
            "--processor",
            metavar="CHECKPOINT",
            help="write a folder for transformers' Wav2Vec2ProcessorWithLM with this checkpoint's tokenizer",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        started_s = time.monotonic()
        output: Path = options["output"]
        if output.exists():
            raise CommandError(f"{output} exists already: delete it, or name another --output.")
        try:
            default = tuple(BuildOptions.prune[: options["order"]])
            build = BuildOptions(options["order"], tuple(options["prune"] or default), memory=options["memory"])
            normalizer = _normalizer(options["alphabet_from"] or options["processor"])
            processor = options["processor"]
            output.parent.mkdir(parents=True, exist_ok=True)
            report = build_language_model(
                options["text"] or [_sentences(options, output)],
                output.with_name(f"{output.name}.language_model") if processor else output,
                tools=self._tools(),
                normalizer=normalizer,
                options=build,
                held_out=options["held_out"],
                say=self.stdout.write,
            )
            if processor:
                _write_processor(processor, output)
        except (LanguageModelBuildError, KenlmToolsError, RecognizerUnavailableError, CorpusError, ValueError) as error:
            raise CommandError(str(error)) from error
        self._tell(report, output, time.monotonic() - started_s)

    def _tools(self) -> KenlmTools:
        folder = Path(settings.HOME) / "tools"
        return find_tools(folder) or build_tools(folder, self.stdout.write)

    def _tell(self, report: BuildReport, output: Path, seconds: float) -> None:
        self.stdout.write(
            f"{report.n_words:,} words in {report.n_lines:,} lines; {report.n_known_words:,} different ones; "
            f"{report.bytes / 1e6:.1f} MB; {seconds:.0f} s"
        )
        if report.perplexity is not None:
            self.stdout.write(
                f"Perplexity on the held-out text: {report.perplexity:.1f} a word ({report.n_held_out_unknown:,} of "
                f"{report.n_held_out_words:,} unknown; {report.perplexity_without_unknown:.1f} without those)"
            )
        self.stdout.write(self.style.SUCCESS(f"Use it: ASR_LANGUAGE_MODEL={output}"))


def _sentences(options: dict[str, Any], output: Path) -> Path:
    """The text of the data set, kept beside `output`: fetched once, and for whoever wants to look into it."""
    path = output.with_name(f"{output.name}.txt")
    if not path.exists():
        partial = path.with_suffix(".partial")
        dataset = DatasetOptions(options["dataset"], options["dataset_config"], options["dataset_split"])
        write_sentences(dataset, options["language"], partial)
        partial.rename(path)
    return path


def _normalizer(checkpoint: str | None) -> Normalizer:
    if checkpoint is None:
        return Normalizer()
    return Normalizer(checkpoint_alphabet(checkpoint_folder(checkpoint, settings.MODEL_CACHE_DIR)).letters)


def _write_processor(checkpoint: str, output: Path) -> None:
    folder = checkpoint_folder(checkpoint, settings.MODEL_CACHE_DIR)
    partial = output.with_name(f"{output.name}.processor")
    shutil.rmtree(partial, ignore_errors=True)
    write_processor(folder, checkpoint_tokenizer(folder), output.with_name(f"{output.name}.language_model"), partial)
    partial.rename(output)
