"""What is told at start of settings and taught topics that cannot work."""

from pathlib import Path

import pytest
from django.core.checks import CheckMessage
from django.db import connection
from pytest_django import Settings

from apps.classification.checks import check_taught_head, check_topic_gpu
from apps.classification.models import TopicHead
from apps.classification.shipped_head import shipped_head
from apps.search.checks import embedding_gpu_is_there
from tests.classification.tiny import write_tiny_bert


@pytest.mark.parametrize(
    ("setting", "check", "number"),
    [
        ("TOPIC_DEVICE", check_topic_gpu, "classification.E003"),
        ("SEARCH_EMBEDDING_DEVICE", embedding_gpu_is_there, "search.E002"),
    ],
)
def test_a_gpu_that_is_not_there_is_told_at_start(
    settings: Settings, tmp_path: Path, setting: str, check: object, number: str
) -> None:
    import torch

    assert callable(check)
    for fine in ("auto", "cpu"):
        setattr(settings, setting, fine)
        assert check(tmp_path) == []
    settings.SEARCH_EMBEDDING_MODEL = ""
    setattr(settings, setting, "cuda")
    (error,) = check(tmp_path)
    assert (error.id, error.is_serious()) == (number, True)
    assert f"{setting}='cuda' cannot work: this machine shows no GPU" in error.msg
    assert f"{setting}=cpu" in error.hint
    (tmp_path / "nvidia0").touch()
    told: list[CheckMessage] = check(tmp_path)
    assert [message.id for message in told] == ([] if torch.version.cuda or torch.version.hip else [number])


@pytest.mark.django_db
def test_taught_topics_that_are_not_in_use_any_more_are_told_at_start(settings: Settings, tmp_path: Path) -> None:
    assert check_taught_head() == []
    base = shipped_head()
    assert base is not None
    head = TopicHead.objects.create(version=3, state=TopicHead.State.LIVE, base_sha256=base.sha256)
    assert check_taught_head() == []
    TopicHead.objects.filter(pk=head.pk).update(base_sha256="0" * 64)
    (warning,) = check_taught_head()
    assert not warning.is_serious(), "the portal works on with what it was shipped with"
    assert "version 3 was learned on top of another classifier than the embedded classifier of today" in warning.msg
    assert "make a new draft" in str(warning.hint)
    write_tiny_bert(tmp_path)
    settings.TOPIC_MODEL = str(tmp_path)
    (warning,) = check_taught_head()
    assert f"than TOPIC_MODEL='{tmp_path}'" in warning.msg
    assert "Leave TOPIC_MODEL empty" in str(warning.hint)


@pytest.mark.django_db
def test_before_the_first_migration_nothing_is_said_of_taught_topics() -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE classification_topichead RENAME TO elsewhere")
    assert check_taught_head() == []
