"""What any form may bring, signed in or not, but for that of the videos, which has a handler of its own.

Django itself would write as many gigabytes of a form's file to the disk as somebody cares to send, to any page.
"""

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import TemporaryFileUploadHandler


class BoundedUploadHandler(TemporaryFileUploadHandler):
    """Keeps of each file one byte more than captions may have, the largest that a form brings: enough to see that it is
    too large. The rest is read and dropped, so that the page can answer in its own words."""

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        room = settings.CAPTIONS_MAX_BYTES + 1 - start
        if room > 0:
            super().receive_data_chunk(raw_data[:room], start)

    def file_complete(self, file_size: int) -> UploadedFile | None:
        return super().file_complete(min(file_size, settings.CAPTIONS_MAX_BYTES + 1))
