"""A video's files go with its row, whoever deleted it: a verb, the admin's bulk action, or the end of an account.

A cascade calls neither `Video.delete` nor a verb, only this signal. It is connected in `apps.py`.
"""

from functools import partial
from typing import Any

from django.db import transaction

from apps.videos.files import delete_files
from apps.videos.models import Video


def remove_files_on_commit(*, instance: Video, using: str, **_: Any) -> None:
    # A rollback keeps the row, so that the files must wait for the commit. If the process dies between the two, the
    # sweep `clear_stale_incoming` finds the folder without a row.
    transaction.on_commit(partial(delete_files, instance.pk), using=using, robust=True)
