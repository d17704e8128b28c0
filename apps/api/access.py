"""What a caller may reach: what they may not see is a 404, what they may see but not change a 403."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from rest_framework.exceptions import NotAuthenticated, NotFound, PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from apps.accounts.models import User
from apps.videos.models import Video, VideoQuerySet


class IsModerator(BasePermission):
    """Moderators and administrators."""

    message = "This is for moderators."

    def has_permission(self, request: Request, view: APIView) -> bool:  # noqa: ARG002 - DRF's signature
        return isinstance(request.user, User) and request.user.is_moderator


def caller(request: Request) -> User | AnonymousUser:
    """Whose request this is, with the type that the querysets of visibility want."""
    assert isinstance(request.user, User | AnonymousUser)
    return request.user


def signed_in(request: Request) -> User:
    """The person whose request this is; raises NotAuthenticated (401) where it is nobody's."""
    if not isinstance(request.user, User):
        raise NotAuthenticated
    return request.user


def visible_video(request: Request, video_id: UUID, videos: VideoQuerySet | None = None) -> Video:
    """The video, if the caller may open it; else raises NotFound, which does not tell whether it exists."""
    queryset = Video.objects.all() if videos is None else videos
    video = queryset.visible_to(caller(request)).filter(pk=video_id).first()
    if video is None:
        raise NotFound("There is no such video, or you may not see it.")
    return video


def editable_video(request: Request, video_id: UUID, videos: VideoQuerySet | None = None) -> Video:
    """The video, if the caller owns it or moderates. Raises NotAuthenticated, NotFound or PermissionDenied."""
    user = signed_in(request)
    video = visible_video(request, video_id, videos)
    if not Video.objects.editable_by(user).filter(pk=video.pk).exists():
        raise PermissionDenied("Only its owner or a moderator may change this video.")
    return video
