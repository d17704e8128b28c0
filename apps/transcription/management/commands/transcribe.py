"""`manage.py transcribe talk.mp4 -o talk.vtt`: speech -> captions alone, without a server or a database."""

import os
import sys
import tempfile
from argparse import ArgumentParser
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from apps.media.audio import AudioDecodeError, NoAudioError, duration_ms, sound_ms
from apps.transcription import formats
from apps.transcription.asr.captions import Caption
from apps.transcription.asr.reading import Reader
from apps.transcription.asr.recognizers.base import Recognizer, RecognizerUnavailableError
from apps.transcription.asr.transcriber import transcribe_file
from apps.transcription.recognition import (
    LanguageNotRecognizedError,
    model_recognizer,
    reader_for,
    recognizer_for,
    transcribe_options,
)

WRITERS: dict[str, Callable[[Iterable[Caption]], Iterator[str]]] = {
    "vtt": formats.to_webvtt,
    "srt": formats.to_srt,
    "txt": formats.to_text,
    "json": formats.to_json,
}
# What may be missing at the end of a file that is whole: the rounding of headers.
TOLERANCE_MS = 1_000
TOLERANCE_FRACTION = 0.01
BAR_FORMAT = "{desc}: {percentage:3.0f} %|{bar}| {n_fmt} of {total_fmt} s [{elapsed}, {remaining} left]"


class FileRefusedError(Exception):
    """This file cannot be transcribed, or its captions cannot be written; others may. The message says why."""


class Command(BaseCommand):
    help = "Writes captions of what is said in video or sound files. Needs no server and no database."
    requires_system_checks = ()
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="video or sound files")
        place = parser.add_mutually_exclusive_group()
        place.add_argument("-o", "--output", type=Path, help="the file to write (one input only)")
        place.add_argument("--output-dir", type=Path, help="the folder to write to (default: beside each input)")
        parser.add_argument("--format", choices=WRITERS, help="default: what --output ends with, else vtt")
        parser.add_argument("--language", default="en", help="ISO 639-1 code of what is spoken (default: en)")
        parser.add_argument("--model", help="a CTC checkpoint's folder or hub id instead of ASR_MODEL")
        parser.add_argument("--force", action="store_true", help="overwrite files that exist")

    def handle(self, *args: Any, **options: Any) -> None:
        form = _form(options["format"], options["output"])
        outputs = _outputs(options["files"], options["output"], options["output_dir"], form)
        try:
            recognizer = (
                model_recognizer(options["model"], options["language"])
                if options["model"]
                else recognizer_for(options["language"])
            )
            reader = reader_for(recognizer, options["language"])
        except (LanguageNotRecognizedError, RecognizerUnavailableError) as error:
            raise CommandError(str(error)) from error

        n_refused = 0
        for source, output in zip(options["files"], outputs, strict=True):
            try:
                n_captions, missing_s = _transcribe(
                    source, output, recognizer, reader, form=form, is_forced=options["force"]
                )
            except FileRefusedError as error:
                n_refused += 1
                self.stderr.write(self.style.ERROR(str(error)))
            else:
                self.stdout.write(f"{output}: {n_captions} captions")
                if missing_s:
                    self.stderr.write(
                        self.style.WARNING(
                            f"{source}: its sound ends {missing_s:.0f} s before the file says. It may be cut off: the "
                            "captions are of what is there."
                        )
                    )
        if n_refused:
            # The reason of each is written above; a CommandError would only repeat that there were some.
            sys.exit(1)


def _form(form: str | None, output: Path | None) -> str:
    """The key of WRITERS that is wanted. Raises CommandError where the output's ending names none."""
    if form is not None or output is None:
        return form or "vtt"
    ending = output.suffix.lstrip(".").lower()
    if ending not in WRITERS:
        raise CommandError(f"{output}: let it end with .{', .'.join(WRITERS)}, or name the --format.")
    return ending


def _outputs(sources: list[Path], output: Path | None, output_dir: Path | None, form: str) -> list[Path]:
    """Where the captions of each source go. Raises CommandError where two would go to the same place."""
    if output is not None:
        if len(sources) > 1:
            raise CommandError("--output is for one file; for several, name a folder with --output-dir.")
        return [output]
    outputs = [(output_dir or source.parent) / f"{source.stem}.{form}" for source in sources]
    for source, target in zip(sources, outputs, strict=True):
        if outputs.count(target) > 1:
            raise CommandError(f"The captions of {source} and of another file would both be {target}: do them apart.")
    return outputs


def _transcribe(
    source: Path, output: Path, recognizer: Recognizer, reader: Reader | None, *, form: str, is_forced: bool
) -> tuple[int, float]:
    """Writes the captions of one file; returns how many, and how many seconds of sound are missing at its end.

    Raises FileRefusedError.
    """
    if output.exists() and source.exists() and output.samefile(source):
        raise FileRefusedError(f"{output} is the file to be transcribed: name another --output.")
    if output.exists() and not is_forced:
        raise FileRefusedError(f"{output} exists already: delete it, or say --force.")
    try:
        captions, heard_ms = _captions(source, recognizer, reader)
        missing_ms = sound_ms(source) - heard_ms
    except (AudioDecodeError, NoAudioError) as error:
        raise FileRefusedError(str(error)) from error
    if not captions:
        raise FileRefusedError(f"{source}: no speech was found, and nothing was written.")
    try:
        _write(output, WRITERS[form](captions))
    except OSError as error:
        raise FileRefusedError(f"{output} cannot be written: {error.strerror}.") from error
    is_whole = missing_ms <= max(TOLERANCE_MS, TOLERANCE_FRACTION * heard_ms)
    return len(captions), 0.0 if is_whole else missing_ms / 1000


def _captions(source: Path, recognizer: Recognizer, reader: Reader | None) -> tuple[list[Caption], int]:
    """The captions of a file, and up to where it has sound, in ms."""
    captions: list[Caption] = []
    done_ms = 0
    total_s = max(1, duration_ms(source) // 1000)
    with tqdm(total=total_s, desc=source.name, bar_format=BAR_FORMAT, dynamic_ncols=True) as bar:  # on stderr
        for segment in transcribe_file(source, recognizer, transcribe_options(), reader=reader):
            captions.extend(segment.captions)
            bar.update(segment.position_ms // 1000 - done_ms // 1000)
            done_ms = segment.position_ms
    return captions, done_ms


def _write(output: Path, pieces: Iterable[str]) -> None:
    """Writes the file whole or not at all."""
    output.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=output.parent, prefix=f".{output.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.writelines(pieces)
        umask = os.umask(0)
        os.umask(umask)
        Path(name).chmod(0o666 & ~umask)
        Path(name).replace(output)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
