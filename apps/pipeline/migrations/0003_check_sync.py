"""Videos that were there before the check of lip sync have its stage run, too."""

from django.db import migrations
from django.utils import timezone

BATCH = 500


def add_runs(apps, schema_editor):  # noqa: ARG001 -- as migrations are called
    StageRun = apps.get_model("pipeline", "StageRun")
    had = set(StageRun.objects.filter(stage="check_sync").values_list("video_id", flat=True))
    succeeded = set(StageRun.objects.filter(stage="probe", state="done").values_list("video_id", flat=True))
    now = timezone.now()
    added = []
    for video_id in StageRun.objects.filter(stage="probe").values_list("video_id", flat=True):
        if video_id not in had:
            is_ready = video_id in succeeded
            added.append(
                StageRun(
                    video_id=video_id,
                    stage="check_sync",
                    state="queued" if is_ready else "waiting",
                    queued_at=now if is_ready else None,
                )
            )
    StageRun.objects.bulk_create(added, batch_size=BATCH)


class Migration(migrations.Migration):
    dependencies = [("pipeline", "0002_embed"), ("avsync", "0001_initial")]

    operations = [migrations.RunPython(add_runs, migrations.RunPython.noop)]
