"""The stage `probe`: reads the whole file, and publishes the video if it is whole.

What only reading to the end shows, ends here: files cut off, headers that claim hours which are not there, damage.
"""

import json
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from apps.videos.announced import is_cut_off
from apps.videos.children import ChildFailedError, ChildLimits, python_module, run_child
from apps.videos.decoding import DecodingReport, StreamReport
from apps.videos.files import existing_source
from apps.videos.models import Video
from apps.videos.moderation import publish_after_check
from apps.videos.probe import ProbeError, ProbeLimits, ProbeResult, in_words, probe_file
from apps.videos.signals import video_changed
from apps.videos.stage import Progress, StageFailedError

# What may be missing at the end of a file that is whole: the rounding of headers, the duration of a last frame.
TOLERANCE_MS = 500.0
TOLERANCE_FRACTION = 0.02
TOLERANCE_MAX_MS = 5_000.0
# Real recordings have a spoilt frame here and there. Above this share nobody could watch them.
TOLERATED_ERRORS = 0.5
PROBE_AGAIN_TIMEOUT_S = 60.0


def check_video(video: Video, progress: Progress) -> None:
    """Raises `StageFailedError` for a file that is not whole; else notes its true length and publishes it.

    Cost: reads the file once; about a second for ten minutes of 720p.
    """
    path = existing_source(video)
    progress(0.0, "Looking at the file")
    probed = probe_again(path)
    report = _read_through(path, probed, progress)
    duration_ms = judge(path, probed, report)
    with transaction.atomic():
        Video.objects.filter(pk=video.pk).update(
            duration_ms=duration_ms, checked_at=timezone.now(), updated_at=timezone.now()
        )
        video.refresh_from_db()
        video_changed.send(sender=__name__, video_id=video.pk)
        publish_after_check(video)
    progress(1.0, "The file is whole" if video.has_sound else "The file is whole; it has no sound")


def probe_again(path: Path) -> ProbeResult:
    """The probe of the upload, with more time. Raises `StageFailedError`."""
    limits = ProbeLimits(timeout_s=PROBE_AGAIN_TIMEOUT_S, max_duration_s=settings.UPLOAD_MAX_DURATION_S)
    try:
        return probe_file(path, limits)
    except ProbeError as error:
        raise StageFailedError(str(error)) from error


def _read_through(path: Path, probed: ProbeResult, progress: Progress) -> DecodingReport:
    reports: list[DecodingReport] = []
    fraction = 0.0

    def on_line(line: str) -> None:
        nonlocal fraction
        said = json.loads(line)
        if "report" in said:
            reports.append(_report_from(said["report"]))
        elif probed.duration_ms:
            fraction = min(0.99, max(0.0, said["position_ms"] / probed.duration_ms))
            progress(fraction, f"{in_words(int(said['position_ms']))} of {in_words(probed.duration_ms)} checked")

    arguments = python_module("apps.videos.decoding", path.absolute(), str(probed.video_index), str(probed.audio_index))
    limits = ChildLimits(timeout_s=settings.PROBE_STAGE_LIMIT_S)
    try:
        run_child(arguments, limits, on_line=on_line, on_tick=lambda: progress(fraction))
    except ChildFailedError as error:
        raise StageFailedError(
            "The file could not be read to its end: it is damaged. Export it again and upload the new file."
        ) from error
    assert reports, "the child ended well without its report"
    return reports[0]


def _report_from(said: dict[str, object]) -> DecodingReport:
    def stream(values: object) -> StreamReport | None:
        return StreamReport(**values) if isinstance(values, dict) else None

    video = stream(said["video"])
    assert video is not None
    errors = said["demux_errors"]
    assert isinstance(errors, int)
    return DecodingReport(video, stream(said["audio"]), errors)


def judge(path: Path, probed: ProbeResult, report: DecodingReport) -> int:
    """The true length in milliseconds. Raises `StageFailedError` in plain words for the owner."""
    if report.video.packets == 0 or report.video.decoded == 0:
        raise StageFailedError(
            "No picture of this video can be decoded: the file is damaged or protected. "
            "Export it again and upload the new file."
        )
    for what, stream in (("pictures", report.video), ("sound", report.audio)):
        if stream is not None and stream.errors > TOLERATED_ERRORS * (stream.errors + stream.decoded):
            raise StageFailedError(
                f"Most of the {what} of this video cannot be decoded: the file is damaged. "
                "Export it again and upload the new file."
            )
    covered_ms = report.covered_ms
    if is_cut_off(path):
        raise StageFailedError(
            f"The file is incomplete: it was cut off after {in_words(int(covered_ms))}, "
            "by an upload or a recording that stopped early. Upload the whole file."
        )
    if probed.has_trustworthy_duration:
        _compare(probed.duration_ms, covered_ms, report)
    is_claim_right = probed.has_trustworthy_duration and probed.duration_ms <= covered_ms + TOLERANCE_MS
    duration_ms = probed.duration_ms if is_claim_right else round(covered_ms)
    if duration_ms > settings.UPLOAD_MAX_DURATION_S * 1000:
        raise StageFailedError(
            f"The video lasts {in_words(duration_ms)}; this portal takes up to "
            f"{in_words(settings.UPLOAD_MAX_DURATION_S * 1000)}. Cut it into parts."
        )
    return max(1, duration_ms)


def _compare(claimed_ms: float, covered_ms: float, report: DecodingReport) -> None:
    """The whole against the header, and each stream against its own claim: sound may end long after the picture."""
    tolerance_ms = max(
        TOLERANCE_MS,
        min(TOLERANCE_FRACTION * claimed_ms, TOLERANCE_MAX_MS),
        # Slides: the last one may stand as long as another did.
        report.video.longest_gap_ms,
    )
    streams = [report.video] if report.audio is None else [report.video, report.audio]
    missing_ms = max(
        claimed_ms - covered_ms,
        *(min(stream.claimed_ms, claimed_ms) - stream.covered_ms for stream in streams if stream.claimed_ms),
        0.0,
    )
    if missing_ms > tolerance_ms:
        raise StageFailedError(
            f"The file says that it lasts {in_words(round(claimed_ms))}, but "
            f"{in_words(round(claimed_ms - missing_ms))} of it are there: it was cut off by an upload or a recording "
            "that stopped early, or its header is wrong. Export it again and upload the new file."
        )
