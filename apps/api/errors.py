"""Every refusal of the API has one shape: `{"code": …, "detail": …}` and, where it helps, more.

`code` is for programs and does not change; `detail` is for people and says what to do.
"""

from __future__ import annotations

import logging
from typing import Any

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.http import UnreadablePostError
from django.urls import reverse
from rest_framework import exceptions, status
from rest_framework.response import Response
from rest_framework.views import exception_handler, set_rollback

from apps.pipeline.repair import RepairRefusedError
from apps.pipeline.runs import RunAgainError
from apps.search.backends.base import SearchUnavailableError
from apps.transcription.uploading import CaptionsRefusedError
from apps.videos.details import DetailsInvalidError
from apps.videos.editing import EditConflictError
from apps.videos.models import Video
from apps.videos.moderation import ModerationError
from apps.videos.uploads import UploadRefusedError

log = logging.getLogger(__name__)


class ConflictError(exceptions.APIException):
    """What is asked does not go together with how things stand now."""

    status_code = status.HTTP_409_CONFLICT
    default_code = "conflict"


class TooLargeError(exceptions.APIException):
    """The body is larger than what this address takes."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_code = "too_large"


class UnavailableError(exceptions.APIException):
    """What is needed to answer is away for now."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_code = "unavailable"


def handle(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's EXCEPTION_HANDLER. None for a fault of ours: Django logs it and answers 500."""
    refusal = _refusal_of_the_domain(error, context)
    if refusal is not None:
        set_rollback()
        return refusal
    error = _as_api_error(error)
    response = exception_handler(error, context)
    if response is None:
        return None
    if isinstance(error, exceptions.ValidationError):
        fields = _fields(error.detail)
        response.data = {"code": "invalid", "detail": _sentence(fields), "fields": fields}
    elif isinstance(error, exceptions.APIException):
        response.data = {"code": str(error.get_codes()), "detail": str(error.detail)}
    else:  # Django's Http404 and PermissionDenied
        detail = response.data["detail"]
        response.data = {"code": detail.code, "detail": str(detail)}
    return response


def _refusal_of_the_domain(error: Exception, context: dict[str, Any]) -> Response | None:
    """The answer to an error that a verb below raised on purpose, with what the caller needs to go on."""
    if isinstance(error, UploadRefusedError):
        body: dict[str, Any] = {"code": error.code, "detail": str(error)}
        if error.existing is not None:
            body["existing"] = _link_to(error.existing)
        return Response(body, status=error.status)
    if isinstance(error, EditConflictError):
        # Imported here: serializers and views import this module.
        from apps.api.serializers.videos import VideoSerializer, with_related

        current = with_related(Video.objects.filter(pk=error.current.pk)).get()
        body = {
            "code": "edit_conflict",
            "detail": str(error),
            "current": VideoSerializer(current, context={"request": context["request"]}).data,
        }
        return Response(body, status=status.HTTP_409_CONFLICT)
    if isinstance(error, CaptionsRefusedError):
        problems = [{"line": problem.line, "message": problem.message} for problem in error.problems]
        body = {"code": "captions_refused", "detail": str(error), "problems": problems}
        return Response(body, status=error.status)
    return None


def _link_to(video: Video) -> dict[str, str]:
    return {"id": str(video.pk), "title": video.title, "url": reverse("api:video", args=[video.pk])}


def _as_api_error(error: Exception) -> Exception:
    """What DRF does not know, as one of its own errors: refusals by verbs, and Django's own refusals of a body."""
    if isinstance(error, DetailsInvalidError):
        return exceptions.ValidationError({field: [problem] for field, problem in error.problems.items()})
    if isinstance(error, ModerationError | RunAgainError | RepairRefusedError):
        return ConflictError(str(error))
    if isinstance(error, Video.DoesNotExist):
        return exceptions.NotFound("This video was deleted meanwhile.")
    if isinstance(error, SearchUnavailableError):
        log.error("the search index cannot be asked: %s", error)  # its message is for operators
        return UnavailableError("The search cannot answer now: try again in a minute.")
    if isinstance(error, RequestDataTooBig):
        return TooLargeError("The body is too large for this address.")
    if isinstance(error, SuspiciousOperation):
        return exceptions.ParseError(f"The request cannot be read: {error}")
    if isinstance(error, UnreadablePostError):
        return exceptions.ParseError("The connection ended before the whole body had come: send it again.")
    return error


def _fields(detail: Any, prefix: str = "") -> dict[str, list[str]]:
    """`{"tags": {0: ["Too long."]}}` as `{"tags.0": ["Too long."]}`: field -> its messages."""
    if isinstance(detail, dict):
        fields: dict[str, list[str]] = {}
        for name, inner in detail.items():
            fields |= _fields(inner, f"{prefix}.{name}" if prefix else str(name))
        return fields
    messages = detail if isinstance(detail, list) else [detail]
    if any(isinstance(message, dict | list) for message in messages):
        return _fields(dict(enumerate(messages)), prefix)
    return {prefix or "non_field_errors": [str(message) for message in messages]}


def _sentence(fields: dict[str, list[str]]) -> str:
    return " ".join(
        message if name == "non_field_errors" else f"{name}: {message}"
        for name, messages in fields.items()
        for message in messages
    )
