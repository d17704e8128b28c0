"""The watch page, and the part of it that lives while the video is being processed."""

from __future__ import annotations

import hashlib
import json
import logging
import uuid
from dataclasses import asdict
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.models import User
from apps.classification.models import Topic, TopicPrediction
from apps.classification.topics import probabilities_of
from apps.pages.cards import cards
from apps.pages.people import signed_in
from apps.pages.sync import sync_panel
from apps.pages.templatetags.portal import file_url
from apps.pages.times import parse_time
from apps.pages.transcript_panel import Track, panel_of, search_in, tracks_of
from apps.pipeline.models import StageRun
from apps.pipeline.runs import RunAgainError
from apps.pipeline.runs import run_again as run_stage_again
from apps.pipeline.status import stage_views
from apps.search.backends.base import SearchUnavailableError
from apps.search.backends.terms import clean
from apps.search.queries import similar_videos
from apps.transcription.expected_words import outdated_transcript
from apps.transcription.matching import MAX_CHARACTERS
from apps.transcription.models import Transcript
from apps.videos.files import original_name_in_folder
from apps.videos.models import Report, Video
from apps.videos.viewing import position_of

logger = logging.getLogger(__name__)

CAPTION_FORMS = ("vtt", "srt", "txt", "json")
WATCHED = ("owner", "topic_prediction__topic")


def _watched(request: HttpRequest, video_id: uuid.UUID) -> Video:
    return get_object_or_404(Video.objects.visible_to(request.user).select_related(*WATCHED), pk=video_id)


@require_safe
def watch(request: HttpRequest, video_id: uuid.UUID) -> HttpResponse:
    """`?t=` begins there; `?lang=` chooses the transcript that is shown; `?part=` pages through a long one.

    `?q=` looks for words in it, and shows the part with match number `?match=`, else with the first at `?t=` or later.
    """
    video = _watched(request, video_id)
    asked_ms = parse_time(request.GET.get("t", ""))
    start_ms = min(asked_ms, max(video.duration_ms - 1, 0)) if asked_ms is not None else None
    tracks, transcripts = tracks_of(video)
    context = {
        **_living(request, video, tracks, has_player=True),
        **_transcript(request.GET, transcripts, start_ms or 0),
        "tags": list(video.tags.order_by("name")),
        "start_ms": start_ms,
        "resume_ms": position_of(request.user, video) if isinstance(request.user, User) and start_ms is None else 0,
        "share_url": request.build_absolute_uri(request.path),
        "poster_url": request.build_absolute_uri(file_url(video, video.poster_name)) if video.poster_name else "",
        "report_reasons": Report.Reason.choices,
        "similar": cards(_similar(request, video)),
        "topics": Topic.objects.all() if isinstance(request.user, User) and request.user.is_moderator else [],
    }
    return render(request, "watch/watch.html", context)


def _similar(request: HttpRequest, video: Video) -> list[Video]:
    """None while the search cannot be asked: the page is there for the video."""
    try:
        return similar_videos(request.user, video)
    except SearchUnavailableError as error:
        logger.warning("There is no “more like this”: %s", error)
        return []


def _transcript(parameters: QueryDict, transcripts: list[Transcript], start_ms: int) -> dict[str, Any]:
    chosen = next((each for each in transcripts if each.language == parameters.get("lang")), None)
    shown = chosen or (transcripts[0] if transcripts else None)
    wanted = clean(parameters.get("q", "")[:MAX_CHARACTERS])
    kept = {"lang": chosen.language if chosen else "", "q": wanted}
    context: dict[str, Any] = {"wanted": wanted, "chosen_language": kept["lang"], "kept": _query(**kept)}
    if shown:
        search = search_in(shown, wanted, match=_number(parameters.get("match", "")), start_ms=start_ms)
        part = _number(parameters.get("part", ""))
        context["panel"] = panel_of(shown, part=part, start_ms=start_ms, search=search)
        if search.count > 1:
            at = {**kept, "t": parameters.get("t", "")}
            context["next_match"] = _query(**at, match=search.next)
            context["previous_match"] = _query(**at, match=search.previous)
    return context


def _query(**parameters: object) -> str:
    """What follows the `?`, without those that are empty."""
    return urlencode({name: value for name, value in parameters.items() if value})


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 7 else None


def _living(request: HttpRequest, video: Video, tracks: list[Track], *, has_player: bool) -> dict[str, Any]:
    """What changes while a video is processed. `has_player`: the browser shows a player already."""
    stages = stage_views(video, request.user)
    can_edit = Video.objects.editable_by(request.user).filter(pk=video.pk).exists()
    prediction = getattr(video, "topic_prediction", None)
    probabilities = probabilities_of(prediction, Topic.objects.all())
    is_processing = any(stage.is_at_work for stage in stages)
    sync = sync_panel(video) if can_edit else None
    if sync is not None and not sync.status.says_something:
        sync = None
    can_hear_again = can_edit and any(stage.stage == "transcribe" and stage.can_run_again for stage in stages)
    return {
        "video": video,
        "stages": stages,
        "is_processing": is_processing,
        "has_outdated_words": can_hear_again and not is_processing and outdated_transcript(video) is not None,
        "has_failed": any(stage.state == StageRun.State.FAILED for stage in stages),
        "transcribing": next((stage for stage in stages if stage.stage == "transcribe"), None),
        "tracks": tracks,
        "tracks_json": json.dumps([asdict(track) for track in tracks]),
        "caption_forms": CAPTION_FORMS,
        "prediction": prediction,
        "probabilities": probabilities,
        "can_edit": can_edit,
        "sync": sync,
        "original_name": original_name_in_folder(video),
        "has_player": has_player,
        "digest": _digest(
            stages, tracks, video, prediction, probabilities, sync and (sync.status.sentence, sync.status.can_undo)
        ),
    }


def _digest(*parts: object) -> str:
    """Changes when anything that the living part shows changes."""
    described = [
        (part.web_name, part.poster_name, part.moderation_state) if isinstance(part, Video)
        else (part.topic_id, part.probability, part.is_confirmed) if isinstance(part, TopicPrediction)
        else part
        for part in parts
    ]  # fmt: skip
    return hashlib.sha256(repr(described).encode()).hexdigest()[:16]


@require_safe
def status(request: HttpRequest, video_id: uuid.UUID) -> HttpResponse:
    """The living part, asked for each second while the video is processed.

    `?seen=` is the digest of what the browser shows: 204 while nothing changed, so that a focused button is left
    alone. `?player=0` says that it shows no player yet. Without htmx the whole page is the answer.
    """
    if not request.headers.get("HX-Request"):
        return redirect("pages:watch", video_id)
    video = _watched(request, video_id)
    tracks, _ = tracks_of(video)
    context = _living(request, video, tracks, has_player=request.GET.get("player") == "1")
    if context["digest"] == request.GET.get("seen"):
        return HttpResponse(status=204)
    return render(request, "watch/_living.html", context)


@login_required
@require_POST
def run_again(request: HttpRequest, video_id: uuid.UUID) -> HttpResponse:
    """Runs the stage in the form field `stage` once more."""
    visible = Video.objects.visible_to(request.user)
    video = get_object_or_404(visible.editable_by(request.user), pk=video_id)
    try:
        run_stage_again(video, request.POST.get("stage", ""), by=signed_in(request))
    except RunAgainError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "It runs again.")
    return redirect("pages:watch", video.pk)
