"""Topics that administrators teach the embedded classifier: learned, judged, live, and taken back."""

from __future__ import annotations

from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.db import IntegrityError, transaction
from django.utils import timezone
from pytest_django import Settings

from apps.accounts.models import User
from apps.classification import teaching
from apps.classification.classifier import topic_classifier
from apps.classification.corrections import as_record
from apps.classification.models import Topic, TopicCorrection, TopicExample, TopicHead, TopicHeadChange
from apps.classification.shipped_head import shipped_head
from apps.classification.teaching import TeachingError
from apps.classification.topics import confirm_topic
from apps.videos.models import ModerationEntry
from tests.classification.tiny import write_tiny_bert
from tests.factories import make_video

COOKERY = (
    "Knead the dough for ten minutes, let it rise under a cloth, and bake it in a hot oven until the crust is dark.",
    "Fry the onions in butter, add the garlic and the chopped tomatoes, and let the sauce simmer for half an hour.",
    "Whisk the eggs with sugar, fold in the flour, and pour the batter into a buttered tin for the oven.",
    "Today we make a soup of pumpkin and ginger. Peel the pumpkin, cut it into cubes and roast it in olive oil.",
    "Marinate the chicken overnight in yoghurt, lemon and spices, then grill it and serve it with rice and a salad.",
    "For the pasta you need flour, eggs and a pinch of salt. Roll it out thinly and cook it in boiling water.",
)
PIZZA = "This is how my family makes pizza: a thin crust, tomatoes, mozzarella, and a very hot oven."
State = TopicHead.State


@pytest.fixture
def administrator(db: None) -> User:
    return User.objects.create_superuser("administrator", password="a long pass phrase")


@pytest.fixture
def cookery(administrator: User) -> Topic:
    topic = Topic.objects.create(label="cookery", name="Cookery")
    for text in COOKERY:
        TopicExample.objects.create(topic=topic, text=text, added_by=administrator)
    return topic


@pytest.fixture(scope="module")
def learned() -> dict[str, Any]:
    """The fields of the first draft that this module learned, so that it is learned once."""
    return {}


@pytest.fixture
def draft(cookery: Topic, administrator: User, learned: dict[str, Any]) -> TopicHead:
    if not learned:
        head = made(administrator)
        learned.update({name: getattr(head, name) for name in ("state", "content", "base_sha256", "evaluation")})
        return head
    return TopicHead.objects.create(version=1, made_by=administrator, **learned)


def made(by: User) -> TopicHead:
    head = teaching.request_draft(by=by)
    teaching.make_draft(head.pk)
    head.refresh_from_db()
    return head


def test_a_draft_learns_the_topic_and_is_judged(draft: TopicHead, administrator: User) -> None:
    assert (draft.state, draft.version, draft.made_by, draft.error) == (State.DRAFT, 1, administrator, "")
    assert draft.has_passed, draft.evaluation["reasons"]
    (new,) = draft.evaluation["new"]
    assert (new["label"], new["n_examples"]) == ("cookery", 6)
    assert new["recall"] == 1.0
    assert {topic["label"] for topic in draft.evaluation["known"]} == {
        "business",
        "entertainment",
        "politics",
        "sport",
        "tech",
    }
    assert "cookery" not in topic_classifier().labels, "a draft classifies nothing"


def test_live_it_files_what_was_unknown_and_keeps_the_others(draft: TopicHead, administrator: User) -> None:
    before = topic_classifier()
    teaching.go_live(draft, by=administrator)
    after = topic_classifier()
    assert after is topic_classifier()
    assert after.labels == (*before.labels, "cookery")
    assert after.name == f"{before.name} + version 1"
    row = after.classify([PIZZA])[0]
    assert row[after.labels.index("cookery")] > 0.8
    goal = "The striker scored twice in the second half and the team went through to the cup final."
    assert after.labels[int(after.classify([goal])[0].argmax())] == "sport"
    draft.refresh_from_db()
    assert draft.live_at is not None
    assert [(change.head, change.by) for change in TopicHeadChange.objects.all()] == [(draft, administrator)]


def test_it_goes_back_to_the_head_before_and_to_the_shipped_one(draft: TopicHead, administrator: User) -> None:
    shipped = topic_classifier()
    teaching.go_live(draft, by=administrator)
    second = made(administrator)
    teaching.go_live(second, by=administrator)
    assert topic_classifier().name.endswith("version 2")
    draft.refresh_from_db()
    assert draft.state == State.RETIRED
    teaching.roll_back(draft, by=administrator)
    assert topic_classifier().name.endswith("version 1")
    teaching.roll_back(None, by=administrator)
    assert topic_classifier() is shipped
    assert [change.head and change.head.version for change in TopicHeadChange.objects.order_by("at")] == [1, 2, 1, None]
    with pytest.raises(TeachingError, match="live already"):
        teaching.roll_back(None, by=administrator)


def test_the_same_examples_give_the_same_head_whatever_is_live(draft: TopicHead, administrator: User) -> None:
    teaching.go_live(draft, by=administrator)
    assert bytes(made(administrator).content) == bytes(draft.content)


def test_the_database_lets_one_head_be_live(draft: TopicHead, administrator: User) -> None:
    teaching.go_live(draft, by=administrator)
    with pytest.raises(IntegrityError), transaction.atomic():
        TopicHead.objects.create(version=9, state=State.LIVE)


def test_what_could_as_well_be_a_known_topic_does_not_go_live(administrator: User) -> None:
    topic = Topic.objects.create(label="markets", name="Markets")
    for text in (
        "Shares fell as the bank reported a loss and the central bank raised interest rates.",
        "The airline cut its profit forecast as fuel prices rose, and its stock dropped.",
        "The company agreed to buy its rival for two billion dollars, analysts said.",
        "Unemployment fell and the economy grew faster than economists had expected.",
        "The carmaker reported higher sales in China and said profits would rise this year.",
    ):
        TopicExample.objects.create(topic=topic, text=text)
    draft = made(administrator)
    with pytest.raises(
        TeachingError, match=r"does not keep to the limits: .*of “Markets”, 100% are taken for “Business” today"
    ):
        teaching.go_live(draft, by=administrator)
    teaching.discard(draft, by=administrator)
    assert not TopicHead.objects.exists()


def test_corrections_of_other_videos_are_judged_too(
    cookery: Topic, administrator: User, owner: User, moderator: User
) -> None:
    for label, title, language in (
        ("cookery", PIZZA, "en"),
        ("cookery", COOKERY[0], "en"),  # learned from
        ("sport", "The striker scored twice and the team went through to the cup final.", "en"),
        ("sport", "Der Stürmer traf zweimal.", "de"),
    ):
        video = make_video(owner, title=title, language=language)
        confirm_topic(video, Topic.objects.get(label=label), by=moderator)
    confirm_topic(make_video(owner, title="Nothing of all that"), None, by=moderator)
    example = make_video(owner, title="Stir the risotto until the rice is soft, and grate some cheese over it.")
    teaching.teach_from_video(example, cookery, by=administrator)
    confirm_topic(example, cookery, by=moderator)
    assert made(administrator).evaluation["corrections"] == {"n_texts": 2, "before": 0.5, "after": 1.0}


def test_a_draft_needs_examples_enough_and_comes_one_at_a_time(cookery: Topic, administrator: User) -> None:
    TopicExample.objects.filter(text__in=COOKERY[:2]).delete()
    TopicExample.objects.create(topic=cookery, text=COOKERY[2])  # twice the same
    with pytest.raises(TeachingError, match="No topic has 5 examples yet"):
        teaching.request_draft(by=administrator)
    TopicExample.objects.create(topic=cookery, text=PIZZA)
    teaching.request_draft(by=administrator)
    with pytest.raises(TeachingError, match="Another draft is being made"):
        teaching.request_draft(by=administrator)


def test_a_draft_whose_examples_are_gone_fails_with_its_reason(cookery: Topic, administrator: User) -> None:
    head = teaching.request_draft(by=administrator)
    cookery.delete()
    teaching.make_draft(head.pk)
    head.refresh_from_db()
    assert head.state == State.FAILED
    assert "No topic has 5 examples any more" in head.error
    teaching.make_draft(head.pk)  # a message that came twice
    assert TopicHead.objects.get().state == State.FAILED


def test_one_whose_worker_was_killed_fails_when_its_time_is_over(administrator: User, settings: Settings) -> None:
    now = timezone.now()
    started_at = now - timedelta(seconds=settings.TOPIC_TEACHING_LIMIT_S)
    TopicHead.objects.create(version=1, state=State.LEARNING, started_at=started_at)
    teaching.fail_those_whose_worker_is_gone(now)
    assert TopicHead.objects.get().state == State.LEARNING
    teaching.fail_those_whose_worker_is_gone(now + timedelta(seconds=2 * teaching.GONE_AFTER_S))
    assert "TOPIC_TEACHING_LIMIT_S" in TopicHead.objects.get(state=State.FAILED).error


def test_a_topic_that_was_deleted_keeps_a_draft_from_going_live(
    draft: TopicHead, cookery: Topic, administrator: User
) -> None:
    cookery.delete()
    with pytest.raises(TeachingError, match="“cookery”, a topic that was deleted"):
        teaching.go_live(draft, by=administrator)


def test_a_head_learned_over_another_shipped_one_does_not_classify(draft: TopicHead, administrator: User) -> None:
    teaching.go_live(draft, by=administrator)
    TopicHead.objects.update(base_sha256="0" * 64)
    assert "cookery" not in topic_classifier().labels
    again = made(administrator)
    assert again.evaluation["corrections"]["n_texts"] == 0
    teaching.go_live(again, by=administrator)
    assert "cookery" in topic_classifier().labels
    draft.refresh_from_db()
    with pytest.raises(TeachingError, match="another classifier"):
        teaching.roll_back(draft, by=administrator)


def test_a_network_cannot_be_taught(cookery: Topic, administrator: User, settings: Settings, tmp_path: Path) -> None:
    write_tiny_bert(tmp_path)
    settings.TOPIC_MODEL = str(tmp_path)
    with pytest.raises(TeachingError, match=r"cannot learn a topic from a few examples\. Leave TOPIC_MODEL empty"):
        teaching.request_draft(by=administrator)


def test_a_video_becomes_an_example_once(cookery: Topic, administrator: User, owner: User) -> None:
    video = make_video(owner, title=PIZZA, description="In the oven of my village.")
    example = teaching.teach_from_video(video, cookery, by=administrator)
    assert (example.text, example.added_by) == (f"{PIZZA}\nIn the oven of my village.", administrator)
    logged = ModerationEntry.objects.get(video=video)
    assert (logged.act, logged.moderator, logged.reason) == ("taught", administrator, "An example of “Cookery”")
    with pytest.raises(TeachingError, match="an example of “Cookery” already"):
        teaching.teach_from_video(video, cookery, by=administrator)
    with pytest.raises(TeachingError, match="trained on “Sport”"):
        teaching.teach_from_video(video, Topic.objects.get(label="sport"), by=administrator)
    with pytest.raises(TeachingError, match="fewer than 3 words"):
        teaching.teach_from_video(make_video(owner, title="IMG_1234"), cookery, by=administrator)
    with pytest.raises(TeachingError, match="reads en, and this video is in de"):
        teaching.teach_from_video(
            make_video(owner, title="Brot backen zu Hause", language="de"), cookery, by=administrator
        )
    video.delete()
    assert TopicExample.objects.count() == len(COOKERY)


def test_a_correction_outlives_its_topic(cookery: Topic, owner: User, moderator: User) -> None:
    confirm_topic(make_video(owner, title=PIZZA), cookery, by=moderator)
    cookery.delete()
    kept = TopicCorrection.objects.get()
    assert (kept.topic, kept.chosen_label) == (None, "cookery")
    assert "cookery" in str(kept)
    assert as_record(kept)["topic"] == "cookery"


def test_the_migration_keeps_what_moderators_had_chosen(cookery: Topic, owner: User, moderator: User) -> None:
    about, none = make_video(owner, title=PIZZA), make_video(owner, title="Something else")
    confirm_topic(about, cookery, by=moderator)
    confirm_topic(none, None, by=moderator)
    TopicCorrection.objects.update(chosen_label="")
    migration = import_module("apps.classification.migrations.0006_topics_taught_by_administrators")
    migration.keep_what_was_chosen(apps, None)
    assert TopicCorrection.objects.get(video=about).chosen_label == "cookery"
    assert TopicCorrection.objects.get(video=none).chosen_label == ""


def test_the_shipped_head_is_known_without_loading_it() -> None:
    base = shipped_head()
    assert base is not None
    assert base.labels == ("business", "entertainment", "politics", "sport", "tech")
    assert base.language == "en"
