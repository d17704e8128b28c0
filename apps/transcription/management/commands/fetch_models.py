"""`manage.py fetch_models`: downloads what ASR_MODEL names, so that nothing is downloaded later."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from apps.transcription.asr.recognizers.base import RecognizerUnavailableError
from apps.transcription.asr.recognizers.wav2vec2 import Wav2Vec2Options, Wav2Vec2Recognizer

# Weights in the formats of other libraries, and drafts of training: the same numbers again.
NOT_NEEDED = ("*.h5", "*.msgpack", "*.ot", "*.onnx", "*.tflite", "*.gguf", "runs/*", "checkpoint-*/*", "optimizer.pt")


class Command(BaseCommand):
    help = "Downloads the speech model that ASR_MODEL names to MODEL_CACHE_DIR, and tries whether it can be loaded."
    requires_system_checks = ()
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--model", default=settings.ASR_MODEL, help="a hub id (default: ASR_MODEL)")

    def handle(self, *args: Any, **options: Any) -> None:
        model = options["model"]
        if not model:
            self.stdout.write("ASR_MODEL is empty: the embedded recogniser needs no download. For another one, set it:")
            self.stdout.write("  ASR_MODEL=facebook/wav2vec2-base-960h python manage.py fetch_models")
            return
        if Path(model).expanduser().is_dir():
            self.stdout.write(f"{model} is a folder on this machine: there is nothing to download.")
        else:
            self.stdout.write(f"Downloading {model} to {settings.MODEL_CACHE_DIR} …")
            download(model, settings.MODEL_CACHE_DIR)
        try:
            recognizer = Wav2Vec2Recognizer(Wav2Vec2Options(model, cache_dir=settings.MODEL_CACHE_DIR, device="cpu"))
        except RecognizerUnavailableError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(self.style.SUCCESS(f"{recognizer.name} is ready, and needs no network from now on."))


def download(model: str, cache_dir: Path) -> Path:
    """Downloads a hub's checkpoint and returns its folder. Raises CommandError with what to do."""
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
        return Path(snapshot_download(model, cache_dir=cache_dir, ignore_patterns=list(NOT_NEEDED)))
    except HFValidationError as error:
        raise CommandError(f"{model} is neither a folder nor a hub id like facebook/wav2vec2-base-960h.") from error
    except GatedRepoError as error:
        raise CommandError(
            f"{model} is given only to people who accepted its terms: accept them on its page, then set HF_TOKEN."
        ) from error
    except RepositoryNotFoundError as error:
        raise CommandError(f"The model hub has no {model}: look whether ASR_MODEL is written right.") from error
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError) as error:
        raise CommandError(
            f"{model} cannot be downloaded ({_first_line(error)}). Look whether this machine reaches the model hub "
            "(HF_ENDPOINT names a mirror), or copy the checkpoint's folder here and set ASR_MODEL to it."
        ) from error


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__
