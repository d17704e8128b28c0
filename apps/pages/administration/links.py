"""Links from one page of the admin to another."""

from __future__ import annotations

from uuid import UUID

from django.urls import reverse
from django.utils.html import format_html


def link_to_video(video_id: UUID, title: object) -> str:
    """HTML: `title`, leading to the video's page in the admin."""
    return format_html('<a href="{}">{}</a>', reverse("admin:videos_video_change", args=[video_id]), title)
