"""manage.py import_video: takes in a video file from this machine."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.accounts.models import User
from apps.pipeline.intake import take_in
from apps.videos.languages import LANGUAGE_NAMES
from apps.videos.models import Visibility
from apps.videos.uploads import UploadRefusedError, VideoDetails, incoming_from_path


class Command(BaseCommand):
    help = "Take in a video file from this machine, as if its owner had uploaded it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, nargs="+")
        parser.add_argument("--owner", required=True, help="user name of the owner")
        parser.add_argument("--title", default="", help="default: from the file's name; for one file only")
        parser.add_argument("--description", default="")
        parser.add_argument("--tag", action="append", default=[], help="may be given several times")
        parser.add_argument("--language", default="en", choices=sorted(LANGUAGE_NAMES), metavar="CODE")
        parser.add_argument("--visibility", default=Visibility.PUBLIC, choices=Visibility.values)

    def handle(self, *args: Any, **options: Any) -> None:
        files: list[Path] = options["file"]
        if options["title"] and len(files) > 1:
            raise CommandError("--title names one video: give one file, or leave it out.")
        owner = User.objects.filter(username=options["owner"]).first()
        if owner is None:
            raise CommandError(f"There is no user “{options['owner']}”. Create one: manage.py createsuperuser.")
        details = VideoDetails(
            title=options["title"],
            description=options["description"],
            tags=tuple(options["tag"]),
            language=options["language"],
            visibility=options["visibility"],
        )
        refused = 0
        for path in files:
            try:
                video = take_in(incoming_from_path(path), owner=owner, details=details)
            except (UploadRefusedError, OSError) as error:
                refused += 1
                self.stderr.write(f"{path}: {error}")
            else:
                self.stdout.write(f"{path}: {video.id}")
        if refused:
            raise CommandError(f"{refused} of {len(files)} files were not taken in.")
