"""The stage `render`: what browsers play, a poster, the storyboard of the seek bar, a preview.

Every file is written under a name that is not served and renamed when it is whole, so that a run that was killed leaves
nothing that a viewer could get; the next run starts over. The row names a file only once it is there.
"""

import logging
import tempfile
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from apps.videos.checking import probe_again
from apps.videos.children import ChildFailedError
from apps.videos.files import (
    clear_partials,
    existing_source,
    path_of,
    rendition_name,
    replacing,
    source_name_in_folder,
)
from apps.videos.models import Video
from apps.videos.previews import write_preview
from apps.videos.probe import ProbeResult, in_words
from apps.videos.stage import Progress
from apps.videos.stills import Clip, write_poster, write_storyboard
from apps.videos.webrendition import Plan, RenditionOptions, plan_for, write_rendition

logger = logging.getLogger(__name__)

POSTER_NAME = "poster.jpg"
STORYBOARD_NAME = "storyboard.vtt"
PREVIEW_NAME = "preview.mp4"

# The share of the stage that each part takes, roughly, where the pictures are encoded anew.
ENCODED_AT, POSTER_AT, STORYBOARD_AT = 0.85, 0.88, 0.97


def render_video(video: Video, progress: Progress) -> None:
    """Makes what is missing for watching, in the order in which a viewer misses it.

    Raises `StageFailedError` for a file that is gone or no video, `ChildFailedError` where ffmpeg fails.
    """
    source = existing_source(video)
    clear_partials(video)
    progress(0.0, "Looking at the file")
    probed = probe_again(source)
    plan = plan_for(probed)
    logger.info("video %s will be %s", video.pk, plan.value)
    if plan is Plan.AS_IT_IS:
        _note(video, web_name=source_name_in_folder(video))
        # Left by a run of an older version that thought otherwise.
        path_of(video, rendition_name(video)).unlink(missing_ok=True)
    else:
        _render_web(video, source, probed, plan, progress)
        _note(video, web_name=rendition_name(video))
    clip = _clip_of(video, probed, plan)

    progress(ENCODED_AT, "Choosing a poster")
    with replacing(path_of(video, POSTER_NAME)) as partial:
        write_poster(clip, partial)
    _note(video, poster_name=POSTER_NAME)

    progress(POSTER_AT, "Drawing the pictures of the seek bar")
    _render_storyboard(video, clip, progress)

    progress(STORYBOARD_AT, "Cutting a preview")
    _render_preview(video, clip)
    progress(1.0, "Ready to watch")


def _render_web(video: Video, source: Path, probed: ProbeResult, plan: Plan, progress: Progress) -> None:
    total_ms = max(1, video.duration_ms)

    def on_position(position_ms: float) -> None:
        done = f"{in_words(int(min(position_ms, total_ms)))} of {in_words(total_ms)} converted"
        progress(min(1.0, position_ms / total_ms) * ENCODED_AT, done)

    options = RenditionOptions(
        max_height=settings.RENDITION_MAX_HEIGHT,
        threads=settings.RENDER_THREADS,
        timeout_s=settings.RENDER_STAGE_LIMIT_S,
    )
    with replacing(path_of(video, rendition_name(video))) as partial:
        write_rendition(source, partial, probed, plan, options, on_position)


def _clip_of(video: Video, probed: ProbeResult, plan: Plan) -> Clip:
    """What is played, from which the pictures are taken: decoding it is never dearer than the original."""
    path = path_of(video, video.web_name)
    played = probed if plan is Plan.AS_IT_IS else probe_again(path)
    return Clip(
        path=path,
        container=played.container,
        duration_ms=video.duration_ms,
        width=played.display_width,
        height=played.display_height,
        threads=settings.RENDER_THREADS,
        timeout_s=settings.RENDER_STAGE_LIMIT_S,
    )


def _render_storyboard(video: Video, clip: Clip, progress: Progress) -> None:
    total_ms = max(1, clip.duration_ms)

    def on_position(position_ms: float) -> None:
        progress(POSTER_AT + min(1.0, position_ms / total_ms) * (STORYBOARD_AT - POSTER_AT))

    with tempfile.TemporaryDirectory(dir=clip.path.parent, prefix="partial-") as scratch:
        for made in write_storyboard(clip, Path(scratch), on_position):
            made.replace(path_of(video, made.name))
    is_there = path_of(video, STORYBOARD_NAME).exists()
    _note(video, storyboard_name=STORYBOARD_NAME if is_there else "")


def _render_preview(video: Video, clip: Clip) -> None:
    """The one part that a video can do without: where moviepy cannot cut it, the card shows the poster alone."""
    try:
        with replacing(path_of(video, PREVIEW_NAME)) as partial:
            write_preview(clip.path, partial, clip.duration_ms)
    except ChildFailedError:
        logger.warning("no preview could be cut of video %s", video.pk, exc_info=True)
        _note(video, preview_name="")
    else:
        _note(video, preview_name=PREVIEW_NAME)


def _note(video: Video, **names: str) -> None:
    """Names a file in the row, in an UPDATE that touches nothing else. None of these names is searched.

    Where the source is another one by now, this run was taken away, and its files belong to what was.
    """
    Video.objects.filter(pk=video.pk, repaired_name=video.repaired_name).update(**names, updated_at=timezone.now())
    for field, name in names.items():
        setattr(video, field, name)
