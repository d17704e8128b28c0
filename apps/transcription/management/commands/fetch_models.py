"""`manage.py fetch_models`: downloads the models that the settings name, so that nothing is downloaded later."""

from argparse import ArgumentParser
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from apps.transcription.asr.language_model import HUB_FILES, NO_LANGUAGE_MODEL
from apps.transcription.asr.punctuation import PunctuationOptions, TokenPunctuator
from apps.transcription.asr.recognizers.base import RecognizerUnavailableError
from apps.transcription.asr.recognizers.wav2vec2 import Wav2Vec2Recognizer
from apps.transcription.recognition import (
    checkpoint_options,
    configured_models,
    language_model_for,
    punctuation_options,
)

# Weights in the formats of other libraries, and drafts of training: the same numbers again.
NOT_NEEDED = ("*.h5", "*.msgpack", "*.ot", "*.onnx", "*.tflite", "*.gguf", "runs/*", "checkpoint-*/*", "optimizer.pt")


class Command(BaseCommand):
    help = (
        "Downloads the models that ASR_MODEL, ASR_MODELS, ASR_LANGUAGE_MODEL, ASR_PUNCTUATION_MODEL, "
        "SEARCH_EMBEDDING_MODEL and TOPIC_MODEL name to MODEL_CACHE_DIR, and tries whether those of speech can be "
        "loaded."
    )
    requires_system_checks = ()
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--model", help="one checkpoint's hub id (default: those of the settings)")

    def handle(self, *args: Any, **options: Any) -> None:
        named = options["model"]
        models = {settings.ASR_MODEL_LANGUAGE: named} if named else configured_models()
        punctuation = punctuation_options()
        readers = {name: getattr(settings, name) for name in ("SEARCH_EMBEDDING_MODEL", "TOPIC_MODEL")}
        wanted = {name: model for name, model in readers.items() if model not in ("", "none") and not named}
        for name, model in wanted.items():
            self._fetch(model, name, ignored=NOT_NEEDED)
        if wanted and not models and punctuation is None:
            return
        if not models and punctuation is None:
            self.stdout.write("ASR_MODEL is empty: the embedded recogniser needs no download. For another one, set it:")
            self.stdout.write("  ASR_MODEL=facebook/wav2vec2-base-960h python manage.py fetch_models")
            return
        for language, model in models.items():
            self._fetch(model, "ASR_MODEL", ignored=NOT_NEEDED)
            language_model = language_model_for(language)
            if language_model not in ("", NO_LANGUAGE_MODEL):
                self._fetch(language_model, "ASR_LANGUAGE_MODEL", wanted=HUB_FILES)
            self._try(model, language)
        if punctuation is not None:
            self._fetch(punctuation.model, "ASR_PUNCTUATION_MODEL", ignored=NOT_NEEDED)
            self._try_punctuation(punctuation)

    def _fetch(
        self, model: str, setting: str, *, wanted: Sequence[str] | None = None, ignored: Sequence[str] | None = None
    ) -> None:
        if Path(model).expanduser().is_dir():
            self.stdout.write(f"{model} is a folder on this machine: there is nothing to download.")
        else:
            self.stdout.write(f"Downloading {model} to {settings.MODEL_CACHE_DIR} …")
            download(model, settings.MODEL_CACHE_DIR, setting=setting, wanted=wanted, ignored=ignored)

    def _try(self, model: str, language: str) -> None:
        try:
            recognizer = Wav2Vec2Recognizer(replace(checkpoint_options(model, language), device="cpu"))
        except RecognizerUnavailableError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(self.style.SUCCESS(f"{recognizer.name} is ready, and needs no network from now on."))

    def _try_punctuation(self, options: PunctuationOptions) -> None:
        try:
            punctuator = TokenPunctuator(replace(options, device="cpu"))
        except RecognizerUnavailableError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(self.style.SUCCESS(f"{punctuator.name} is ready, and needs no network from now on."))


def download(
    model: str,
    cache_dir: Path,
    *,
    setting: str = "ASR_MODEL",
    wanted: Sequence[str] | None = None,
    ignored: Sequence[str] | None = None,
) -> Path:
    """Downloads what `setting` names from a hub and returns its folder: the files that match `wanted` (None: all) and
    none of `ignored`. Raises CommandError with what to do.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        HFValidationError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
    )

    try:
        cache_dir.mkdir(parents=True, exist_ok=True)
        folder = snapshot_download(
            model,
            cache_dir=cache_dir,
            allow_patterns=list(wanted) if wanted else None,
            ignore_patterns=list(ignored) if ignored else None,
        )
        return Path(folder)
    except HFValidationError as error:
        raise CommandError(
            f"{setting}: {model} is neither a folder nor a hub id like facebook/wav2vec2-base-960h."
        ) from error
    except GatedRepoError as error:
        raise CommandError(
            f"{model} is given only to people who accepted its terms: accept them on its page, then set HF_TOKEN."
        ) from error
    except RepositoryNotFoundError as error:
        raise CommandError(f"The model hub has no {model}: look whether {setting} is written right.") from error
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError) as error:
        raise CommandError(
            f"{model} cannot be downloaded ({_first_line(error)}). Look whether this machine reaches the model hub "
            f"(HF_ENDPOINT names a mirror), or copy its folder here and set {setting} to it."
        ) from error


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__
