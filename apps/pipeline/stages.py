"""The whole order of work on one screen.

To add a stage: write its verb (`verb(video, progress) -> None`, see `apps.videos.stage`), add a row here, and give its
time limit a setting. Its place follows from `needs` and `after`.
"""

from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings
from django.utils.module_loading import import_string

from apps.videos.models import Video
from apps.videos.stage import Progress

Verb = Callable[[Video, Progress], None]


@dataclass(frozen=True)
class Stage:
    """One row of the table."""

    name: str
    label: str  # for people
    verb: str  # dotted path, imported on first use: a worker loads the models of its own queue only
    queue: str
    limit_setting: str  # the setting that holds its time limit in seconds
    needs: tuple[str, ...] = ()  # stages that must have succeeded
    after: tuple[str, ...] = ()  # stages that must have ended, whichever way, if there is a run of them
    is_on_request: bool = False  # runs only where somebody asked for it

    @property
    def time_limit_s(self) -> int:
        return int(getattr(settings, self.limit_setting))

    def load_verb(self) -> Verb:
        verb: Verb = import_string(self.verb)
        return verb


STAGES: tuple[Stage, ...] = (
    Stage(
        name="probe",
        label="Checking the file",
        verb="apps.videos.checking.check_video",
        queue="media",
        limit_setting="PROBE_STAGE_LIMIT_S",
    ),
    Stage(
        name="render",
        label="Preparing playback",
        verb="apps.videos.rendering.render_video",
        queue="media",
        limit_setting="RENDER_STAGE_LIMIT_S",
        needs=("probe",),
    ),
    Stage(
        name="transcribe",
        label="Writing captions",
        verb="apps.transcription.transcribe.transcribe_video",
        queue="gpu",
        limit_setting="TRANSCRIBE_STAGE_LIMIT_S",
        needs=("probe",),
    ),
    Stage(
        name="check_sync",
        label="Checking lip sync",
        verb="apps.avsync.check.check_sync",
        queue="gpu",
        limit_setting="CHECK_SYNC_STAGE_LIMIT_S",
        needs=("probe",),
        after=("move_sound",),  # where somebody asked for that, what it did is checked
    ),
    Stage(
        name="move_sound",
        label="Moving the sound",
        verb="apps.pipeline.moving_sound.move_sound",
        queue="media",
        limit_setting="MOVE_SOUND_STAGE_LIMIT_S",
        needs=("probe",),
        after=("render", "transcribe"),  # which read the file and write the captions that it replaces
        is_on_request=True,
    ),
    Stage(
        name="classify",
        label="Finding the topic",
        verb="apps.classification.classify.classify_video",
        queue="gpu",
        limit_setting="CLASSIFY_STAGE_LIMIT_S",
        needs=("probe",),
        after=("transcribe",),  # a video whose recognition failed still has a title
    ),
    Stage(
        name="embed",
        label="Learning what it is about",
        verb="apps.search.embed.embed_video",
        queue="gpu",
        limit_setting="EMBED_STAGE_LIMIT_S",
        needs=("probe",),
        after=("transcribe",),
    ),
)

# What only reads the words of a video: they run anew whenever those change, and nobody waits for the news.
READS_WORDS = ("classify", "embed")

STAGE_BY_NAME = {stage.name: stage for stage in STAGES}
QUEUES = ("media", "gpu", "index")
