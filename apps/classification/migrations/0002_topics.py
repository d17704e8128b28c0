"""The five topics of BBC News, which the embedded classifier knows. An admin may rename or remove them, or add others."""

from django.db import migrations

TOPICS = (
    ("business", "Business"),
    ("entertainment", "Entertainment"),
    ("politics", "Politics"),
    ("sport", "Sport"),
    ("tech", "Technology"),
)


def add_topics(apps, _schema_editor):
    Topic = apps.get_model("classification", "Topic")
    for position, (label, name) in enumerate(TOPICS):
        Topic.objects.get_or_create(label=label, defaults={"name": name, "position": position})


class Migration(migrations.Migration):
    dependencies = [("classification", "0001_initial")]

    # Backwards nothing is removed: videos may be filed under these rows.
    operations = [migrations.RunPython(add_topics, migrations.RunPython.noop, elidable=False)]
