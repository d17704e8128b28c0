"""Videos and what people do with them."""

from apps.videos.models.moderation import ModerationEntry, Report
from apps.videos.models.video import ModerationState, Tag, Video, VideoQuerySet, Visibility
from apps.videos.models.viewing import Notice, WatchPosition

__all__ = [
    "ModerationEntry",
    "ModerationState",
    "Notice",
    "Report",
    "Tag",
    "Video",
    "VideoQuerySet",
    "Visibility",
    "WatchPosition",
]
