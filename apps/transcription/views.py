"""The captions of a video as files: WebVTT for players, SRT and text to take away, JSON for pages that follow along."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBadRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils.cache import get_conditional_response, patch_cache_control
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from apps.transcription.asr.captions import Caption
from apps.transcription.formats import to_json, to_srt, to_text, to_webvtt
from apps.transcription.models import Cue, Transcript
from apps.transcription.tracks import served_transcript
from apps.videos.models import Video

_CONTENT_TYPES = {
    "vtt": "text/vtt; charset=utf-8",
    "srt": "application/x-subrip; charset=utf-8",
    "txt": "text/plain; charset=utf-8",
    "json": "application/json",
}
_WRITERS = {"vtt": to_webvtt, "srt": to_srt, "txt": to_text}

_ROWS_AT_A_TIME = 500
_CHARACTERS_AT_A_TIME = 16_384
_MAX_POSITION = 2**31 - 1  # of the column
_NOT_IN_FILE_NAMES = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|]+')


@require_safe
def captions(request: HttpRequest, video_id: UUID, language: str, form: str) -> HttpResponseBase:
    """`/videos/<id>/captions.<language>.<vtt|srt|txt|json>`: what is served in that language, as far as it exists.

    While recognition runs, that are the cues committed so far. JSON carries `id` of the transcript, `language`,
    `source`, `recogniser`, `is_complete`, `cursor_ms`, `mean_confidence` and `cues`; `?after=<position>` leaves out the
    cues up to that one (when `id` changes, a rerun has taken its place: ask again without). `?download=1` names a file.
    """
    if form not in _CONTENT_TYPES:
        raise Http404
    video = get_object_or_404(Video.objects.visible_to(request.user), pk=video_id)
    transcript = served_transcript(video, language)
    if transcript is None:
        raise Http404
    after: int | None = None
    if form == "json" and "after" in request.GET:
        try:
            after = min(max(int(request.GET["after"]), -1), _MAX_POSITION)
        except ValueError:
            return HttpResponseBadRequest("after: write the position of the last cue you have, a whole number.")

    etag = _etag(transcript, form, after)
    response: HttpResponseBase | None = get_conditional_response(request, etag=etag)
    if response is None:
        response = HttpResponse() if request.method == "HEAD" else _streamed(transcript, form, after)
        response.headers["Content-Type"] = _CONTENT_TYPES[form]
        response.headers["ETag"] = etag
    # A player asks again each time, and is mostly told "not modified": captions grow, and may be replaced at any time.
    if video.is_listed:
        patch_cache_control(response, public=True, no_cache=True)
    else:
        patch_cache_control(response, private=True, no_cache=True)
    if request.GET.get("download"):
        title = " ".join(_NOT_IN_FILE_NAMES.sub(" ", video.title).split())[:100].strip(" .") or "captions"
        disposition = content_disposition_header(as_attachment=True, filename=f"{title}.{language}.{form}")
        response.headers["Content-Disposition"] = disposition or "attachment"
    return response


def _etag(transcript: Transcript, form: str, after: int | None) -> str:
    """`updated_at` moves with every change of the cues, `cursor_ms` with every stretch recognised."""
    state = f"{transcript.pk} {transcript.updated_at.timestamp()} {transcript.cursor_ms} {form} {after}"
    return f'"{hashlib.sha256(state.encode()).hexdigest()[:32]}"'


def _streamed(transcript: Transcript, form: str, after: int | None) -> StreamingHttpResponse:
    if form != "json":
        return StreamingHttpResponse(_in_blocks(_WRITERS[form](_captions(transcript))))
    cues = transcript.cues.order_by("position")
    if after is not None:
        cues = cues.filter(position__gt=after)
    head = {
        "id": str(transcript.pk),
        "language": transcript.language,
        "source": transcript.source,
        "recogniser": transcript.recogniser,
        "is_complete": transcript.is_complete,
        "cursor_ms": transcript.cursor_ms,
        "mean_confidence": transcript.mean_confidence,
    }
    rows = (cue.as_caption() for cue in cues.iterator(chunk_size=_ROWS_AT_A_TIME))
    first_position = 0 if after is None else after + 1  # positions have no gaps
    return StreamingHttpResponse(_in_blocks(to_json(rows, head=head, first_position=first_position)))


def _captions(transcript: Transcript) -> Iterator[Caption]:
    """Without their words, which are most of the rows and shown in JSON only."""
    rows = Cue.objects.filter(transcript=transcript).order_by("position").values_list("start_ms", "end_ms", "text")
    for start_ms, end_ms, text in rows.iterator(chunk_size=_ROWS_AT_A_TIME):
        yield Caption(start_ms, end_ms, text)


def _in_blocks(pieces: Iterable[str]) -> Iterator[str]:
    """The pieces joined into larger ones: each is a write to the socket."""
    block: list[str] = []
    length = 0
    for piece in pieces:
        block.append(piece)
        length += len(piece)
        if length >= _CHARACTERS_AT_A_TIME:
            yield "".join(block)
            block, length = [], 0
    if block:
        yield "".join(block)
