"""Rows for tests that need no file behind them."""

import uuid

from django.utils import timezone

from apps.accounts.models import User
from apps.videos.models import ModerationState, Video


def make_video(owner: User, **changes: object) -> Video:
    """A public, published, checked video of a minute, without files."""
    fields: dict[str, object] = {
        "title": "A talk",
        "owner": owner,
        "moderation_state": ModerationState.PUBLISHED,
        "checked_at": timezone.now(),
        "original_name": "talk.mp4",
        "extension": "mp4",
        "sha256": uuid.uuid4().hex * 2,
        "size_bytes": 1_000,
        "duration_ms": 60_000,
        "width": 640,
        "height": 360,
        "container": "mov,mp4,m4a,3gp,3g2,mj2",
        "video_codec": "h264",
        "audio_codec": "aac",
    }
    return Video.objects.create(**(fields | changes))
