"""Files of captions sent as they are: `curl -T talk.vtt -H 'Content-Type: text/vtt'`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any, ClassVar

from django.conf import settings
from django.core.files.base import ContentFile
from rest_framework.parsers import BaseParser, MultiPartParser

from apps.api.errors import TooLargeError

# What the fields and boundaries of a form may add to the file in it.
FORM_OVERHEAD_BYTES = 100_000


def check_length(context: Mapping[str, Any] | None) -> None:
    """Raises TooLargeError where the request announces far more than captions may have, before any of it is read."""
    announced = str(context["request"].META.get("CONTENT_LENGTH") or "0") if context else "0"
    if int(announced or 0) > settings.CAPTIONS_MAX_BYTES + FORM_OVERHEAD_BYTES:
        raise TooLargeError(
            f"The file is larger than the {settings.CAPTIONS_MAX_BYTES // 1000} kB that captions may have."
        )


class CaptionsFormParser(MultiPartParser):
    """A form with the file in its field `file`."""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        check_length(parser_context)
        return super().parse(stream, media_type, parser_context)


class _CaptionsFileParser(BaseParser):
    """The body is the file. Gives what a form would: `{"file": …}`."""

    extension: ClassVar[str]

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,  # noqa: ARG002 - DRF's signature
        parser_context: Mapping[str, Any] | None = None,
    ) -> dict[str, ContentFile[bytes]]:
        check_length(parser_context)
        data = stream.read(settings.CAPTIONS_MAX_BYTES + 1)
        return {"file": ContentFile(data, name=f"captions.{self.extension}")}


class WebVttParser(_CaptionsFileParser):
    media_type = "text/vtt"
    extension = "vtt"


class SubRipParser(_CaptionsFileParser):
    media_type = "application/x-subrip"
    extension = "srt"
