"""Videos that were there before the search by meaning have its stage run, too."""

from django.db import migrations
from django.utils import timezone

ENDED = ("done", "skipped", "failed")
BATCH = 500


def add_runs(apps, schema_editor):  # noqa: ARG001 -- as migrations are called
    StageRun = apps.get_model("pipeline", "StageRun")
    had = set(StageRun.objects.filter(stage="embed").values_list("video_id", flat=True))
    has_words = set(StageRun.objects.filter(stage="transcribe", state__in=ENDED).values_list("video_id", flat=True))
    succeeded = set(StageRun.objects.filter(stage="probe", state="done").values_list("video_id", flat=True))
    now = timezone.now()
    added = []
    for video_id in StageRun.objects.filter(stage="probe").values_list("video_id", flat=True):
        if video_id not in had:
            is_ready = video_id in has_words and video_id in succeeded
            added.append(
                StageRun(
                    video_id=video_id,
                    stage="embed",
                    state="queued" if is_ready else "waiting",
                    queued_at=now if is_ready else None,
                )
            )
    StageRun.objects.bulk_create(added, batch_size=BATCH)


class Migration(migrations.Migration):
    dependencies = [("pipeline", "0001_initial"), ("search", "0002_passage_vectors")]

    operations = [migrations.RunPython(add_runs, migrations.RunPython.noop)]
