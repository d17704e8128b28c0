"""`manage.py check_sync talk.mp4`: does the sound fit the lips? Alone, without a server or a database."""

import json
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from apps.avsync.checker import SyncModelError, looking_options, sync_checker
from apps.avsync.models import SyncReport
from apps.avsync.syncnet.looking import check_file
from apps.avsync.syncnet.offset import SyncChecker
from apps.avsync.verdicts import verdict_of
from apps.avsync.wording import in_words
from apps.media.audio import AudioDecodeError, NoAudioError, duration_ms
from apps.media.frames import VideoDecodeError

BAR_FORMAT = "{desc}: {percentage:3.0f} %|{bar}| [{elapsed}]"


class FileRefusedError(Exception):
    """This file cannot be checked; others may. The message says why; `reason` is for programs."""

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


class Command(BaseCommand):
    help = (
        "Tells of video files how late their sound is against the lips, or that nobody can tell. Needs no server and"
        " no database. Ends with 1 where a file could not be read."
    )
    requires_system_checks = ()
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="video files")
        parser.add_argument("--json", action="store_true", help="one JSON object a file, a line each")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            checker = sync_checker()
        except SyncModelError as error:
            raise CommandError(str(error)) from error
        n_refused = 0
        for path in options["files"]:
            try:
                report = _report(path, checker)
            except FileRefusedError as error:
                n_refused += 1
                self.stderr.write(self.style.ERROR(str(error)))
                report = _unknown(error.reason)
                if not options["json"]:
                    continue
            self.stdout.write(_as_json(path, report) if options["json"] else f"{path}: {in_words(report)}")
        if n_refused:
            # The reason of each is written above; a CommandError would only repeat that there were some.
            sys.exit(1)


def _report(path: Path, checker: SyncChecker) -> SyncReport:
    """A report that is in no database. Raises FileRefusedError."""
    try:
        with tqdm(total=1.0, desc=path.name, bar_format=BAR_FORMAT, dynamic_ncols=True) as bar:  # on stderr
            result = check_file(
                path, checker, looking_options(), progress=lambda done: bar.update(max(0.0, done - bar.n))
            )
        length_ms = duration_ms(path)
    except NoAudioError as error:
        raise FileRefusedError(str(error), "no_sound") from error
    except VideoDecodeError as error:
        raise FileRefusedError(str(error), "no_pictures") from error
    except AudioDecodeError as error:
        raise FileRefusedError(str(error), "unreadable") from error
    return SyncReport(
        verdict=verdict_of(result, length_ms),
        offset_ms=result.offset_ms,
        drift_ms_per_min=result.drift_ms_per_min,
        probability=result.probability,
        coverage=result.coverage,
        reason=result.reason or "",
    )


def _unknown(reason: str) -> SyncReport:
    return SyncReport(verdict=SyncReport.Verdict.UNKNOWN, probability=0.0, coverage=0.0, reason=reason)


def _as_json(path: Path, report: SyncReport) -> str:
    return json.dumps(
        {
            "path": str(path),
            "offset_ms": None if report.offset_ms is None else round(report.offset_ms, 1),
            "probability": round(report.probability, 4),
            "verdict": str(report.verdict),
            "coverage": round(report.coverage, 3),
            "reason": report.reason or None,
            "drift_ms_per_min": None if report.drift_ms_per_min is None else round(report.drift_ms_per_min, 1),
        }
    )
