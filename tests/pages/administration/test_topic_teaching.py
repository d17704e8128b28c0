"""Administrators teach topics: examples on a topic's and a video's page, drafts, what is live, and back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from apps.accounts.models import User
from apps.classification.models import Topic, TopicExample, TopicHead, TopicHeadChange, TopicPrediction
from apps.classification.shipped_head import shipped_head
from apps.pipeline.models import StageRun
from apps.videos.models import ModerationEntry, Video
from tests.factories import make_video
from tests.pages.administration.conftest import VIDEOS

TOPICS = "/admin/classification/topic/"
TEACH = f"{TOPICS}teach/"
TEXTS = [f"Knead the dough, let it rise, and bake the bread number {number} in a hot oven." for number in range(5)]
State = TopicHead.State


@pytest.fixture
def admin_client(client: Client, administrator: User) -> Client:
    client.force_login(administrator)
    return client


@pytest.fixture
def cookery(db: None) -> Topic:
    topic = Topic.objects.create(label="cookery", name="Cookery")
    TopicExample.objects.bulk_create([TopicExample(topic=topic, text=text) for text in TEXTS])
    return topic


def make_head(version: int, state: str, **changes: object) -> TopicHead:
    """As a worker leaves it, but for its content, which no page reads."""
    base = shipped_head()
    assert base is not None
    evaluation = {
        "new": [{"label": "cookery", "n_examples": 5, "recall": 0.8, "known_label": "sport", "known_share": 0.2}],
        "known": [{"label": "tech", "before": 0.95, "after": 0.947, "moved": 0.003}],
        "corrections": {"n_texts": 40, "before": 0.5, "after": 0.75},
        "reasons": [],
    }
    fields: dict[str, Any] = {"base_sha256": base.sha256, "evaluation": evaluation} | changes
    return TopicHead.objects.create(version=version, state=state, **fields)


def press(client: Client, act: str, head: TopicHead | None = None) -> str:
    answer = client.post(TEACH, {"act": act, "head": head.version if head else ""}, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def test_an_administrator_adds_a_topic_with_its_examples(admin_client: Client, administrator: User) -> None:
    page = admin_client.get(f"{TOPICS}add/").content.decode()
    assert page.count("<textarea") == 6 + 1  # as many as are needed, one more, and the template of Django's script
    form = {"name": "Cookery", "label": "cookery", "position": "9", "examples-TOTAL_FORMS": "3"}
    form |= {"examples-INITIAL_FORMS": "0", "examples-0-text": f" {TEXTS[0]}\n", "examples-1-text": TEXTS[1]}
    assert admin_client.post(f"{TOPICS}add/", form).status_code == 302
    kept = TopicExample.objects.filter(topic__label="cookery")
    assert {(example.text, example.added_by) for example in kept} == {(text, administrator) for text in TEXTS[:2]}


def change(client: Client, topic: Topic, **more: str) -> HttpResponse:
    """Saves the topic's page: `examples-` are those that it has, `examples-2-` the empty boxes."""
    kept = list(topic.examples.all())
    form = {"name": topic.name, "position": "9", "examples-TOTAL_FORMS": str(len(kept))}
    form |= {"examples-INITIAL_FORMS": str(len(kept)), "examples-2-TOTAL_FORMS": "2", "examples-2-INITIAL_FORMS": "0"}
    for number, example in enumerate(kept):
        form |= {f"examples-{number}-id": str(example.pk), f"examples-{number}-topic": str(topic.pk)}
    return client.post(f"{TOPICS}{topic.pk}/change/", form | more)  # type: ignore[return-value]


def test_examples_are_added_and_removed_and_never_changed(
    admin_client: Client, administrator: User, cookery: Topic
) -> None:
    page = admin_client.get(f"{TOPICS}{cookery.pk}/change/").content.decode()
    assert "bread number 3" in page
    more = {
        "examples-2-0-text": "A soup of pumpkin and ginger.",
        "examples-0-DELETE": "on",
        "examples-1-text": "forged",
    }
    assert change(admin_client, cookery, **more).status_code == 302
    texts = set(cookery.examples.values_list("text", flat=True))
    assert texts == {*TEXTS[1:], "A soup of pumpkin and ginger."}
    assert cookery.examples.get(text__startswith="A soup").added_by == administrator


@pytest.mark.parametrize(
    ("text", "problem"), [("Oh yes please", "fewer than 3 words"), (TEXTS[0], "an example of “Cookery” already")]
)
def test_a_text_that_teaches_nothing_is_refused(admin_client: Client, cookery: Topic, text: str, problem: str) -> None:
    answer = change(admin_client, cookery, **{"examples-2-0-text": text})
    assert problem in answer.content.decode()
    assert cookery.examples.count() == len(TEXTS)


def test_a_topic_that_the_classifier_was_trained_on_takes_no_examples(admin_client: Client) -> None:
    sport = Topic.objects.get(label="sport")
    page = admin_client.get(f"{TOPICS}{sport.pk}/change/").content.decode()
    assert "was trained on this topic" in page
    assert "<textarea" not in page


def test_the_list_counts_videos_and_examples(admin_client: Client, cookery: Topic, owner: User) -> None:
    for _ in range(2):
        TopicPrediction.objects.create(video=make_video(owner), topic=cookery, probability=0.9, classifier="test")
    rows = {topic.label: topic for topic in admin_client.get(TOPICS).context["cl"].result_list}
    assert (rows["cookery"].prediction_count, rows["cookery"].n_examples) == (2, 5)
    assert (rows["sport"].prediction_count, rows["sport"].n_examples) == (0, 0)


def test_a_video_becomes_an_example_from_its_page(admin_client: Client, cookery: Topic, video: Video) -> None:
    page = admin_client.get(f"{VIDEOS}{video.pk}/change/").content.decode()
    assert "Use this video's text as an example of" in page
    said = admin_client.post(f"{VIDEOS}{video.pk}/example/", {"topic": "cookery"}, follow=True).content.decode()
    assert "fewer than 3 words" in said
    Video.objects.update(description="How whales are seasoned, roasted and served.")
    said = admin_client.post(f"{VIDEOS}{video.pk}/example/", {"topic": "cookery"}, follow=True).content.decode()
    assert "is an example of “Cookery”" in said
    assert cookery.examples.get(video=video).text.startswith("A talk about whales\nHow whales")


def test_moderators_do_not_teach(desk: Client, moderator: User, cookery: Topic, video: Video) -> None:
    assert desk.get(TEACH).status_code == 403
    assert desk.post(TEACH, {"act": "draft"}).status_code == 403
    assert desk.post(f"{VIDEOS}{video.pk}/example/", {"topic": "cookery"}).status_code == 403
    assert "Add the example" not in desk.get(f"{VIDEOS}{video.pk}/change/").content.decode()
    assert TEACH not in desk.get("/admin/").content.decode()
    moderator.user_permissions.add(Permission.objects.get(codename="change_topic"))
    assert desk.get(TEACH).status_code == 200
    assert TEACH in desk.get("/admin/").content.decode()


def test_a_draft_is_asked_for_and_a_worker_is_told(
    admin_client: Client, cookery: Topic, django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        page = press(admin_client, "draft")
    assert "Version 1 is being made" in page
    assert "waits for a worker" in page
    assert "Make a draft" not in page
    assert TopicHead.objects.get(state=State.QUEUED).announced_at is not None
    assert ModerationEntry.objects.get().reason == "Version 1 asked for"
    assert "Another draft is being made" in press(admin_client, "draft")


def test_too_few_examples_are_counted_and_no_draft_is_offered(admin_client: Client, cookery: Topic) -> None:
    TopicExample.objects.filter(text=TEXTS[0]).delete()
    page = admin_client.get(TEACH).content.decode()
    assert "1 more is needed" in " ".join(page.split())
    assert "Make a draft" not in page
    assert "No topic has 5 examples yet" in press(admin_client, "draft")


def test_it_says_in_words_and_figures_what_a_draft_would_do(admin_client: Client, cookery: Topic) -> None:
    make_head(1, State.DRAFT)
    page = " ".join(admin_client.get(TEACH).content.decode().split())
    assert "It may go live" in page
    assert "4 of 5 (80 %)" in page
    assert "20 %, for Sport" in page
    assert '<th scope="row">Technology</th> <td class="number">95 %</td>' in page
    assert '<td class="number">0.3</td>' in page
    assert "Of 40 texts whose topic a moderator chose, 50 % were filed right by what was live then, and 75 %" in page


def test_a_draft_goes_live_and_back_and_all_of_it_is_logged(
    admin_client: Client, administrator: User, cookery: Topic
) -> None:
    first, second = make_head(1, State.DRAFT), make_head(2, State.DRAFT)
    assert "Version 1 is live" in press(admin_client, "live", first)
    assert "Live: version 2" in press(admin_client, "live", second)
    assert "Version 1 is live again" in press(admin_client, "back", first)
    page = press(admin_client, "shipped")
    assert "Live: the shipped classifier" in page
    assert "Go back to version 2" in page
    changes = TopicHeadChange.objects.order_by("at")
    assert [(row.head and row.head.version, row.by) for row in changes] == [
        (version, administrator) for version in (1, 2, 1, None)
    ]
    assert page.count("went live, by administrator") == 4
    press(admin_client, "discard", make_head(3, State.DRAFT))
    entries = ModerationEntry.objects.filter(act="taught", moderator=administrator, video=None).order_by("created_at")
    deeds = ["Version 1 went live", "Version 2 went live", "Version 1 went live", "Back to the shipped classifier"]
    assert [entry.reason for entry in entries] == [*deeds, "Version 3 discarded"]
    log = admin_client.get("/admin/videos/moderationentry/").content.decode()
    assert "Version 3 discarded" in log
    assert "(deleted)" not in log, "it was about no video"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"evaluation": {"new": [], "known": [], "corrections": {}, "reasons": ["“tech” would lose."]}}, "would lose"),
        ({"base_sha256": "0" * 64}, "another shipped classifier"),
    ],
)
def test_what_may_not_go_live_has_no_button_and_is_refused(
    admin_client: Client, cookery: Topic, changes: dict[str, object], reason: str
) -> None:
    head = make_head(1, State.DRAFT, **changes)
    page = admin_client.get(TEACH).content.decode()
    assert "It cannot go live" in page
    assert reason in page
    assert "Let it go live" not in page
    press(admin_client, "live", head)
    assert TopicHead.objects.live() is None
    assert "is discarded" in press(admin_client, "discard", head)


def test_a_failed_one_shows_why(admin_client: Client, cookery: Topic) -> None:
    make_head(1, State.FAILED, evaluation={}, error="The package <x> is not installed.")
    page = admin_client.get(TEACH).content.decode()
    assert "could not be made" in page
    assert "The package &lt;x&gt; is not installed." in page


def test_after_an_upgrade_it_says_that_the_live_one_is_not_in_use(admin_client: Client, cookery: Topic) -> None:
    make_head(1, State.LIVE, base_sha256="0" * 64, live_at=timezone.now())
    page = admin_client.get(TEACH).content.decode()
    assert "It is not in use" in page
    assert "Make a draft from the examples" in page


def test_a_network_cannot_be_taught_and_the_page_says_what_to_do(
    admin_client: Client, cookery: Topic, settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "config.json").write_text("{}")
    settings.TOPIC_MODEL = str(tmp_path)
    page = admin_client.get(TEACH).content.decode()
    assert "cannot be taught" in page
    assert "Leave TOPIC_MODEL empty" in page
    assert "<textarea" not in admin_client.get(f"{TOPICS}{cookery.pk}/change/").content.decode()


def test_topics_found_before_the_change_are_found_again(
    admin_client: Client, cookery: Topic, owner: User, administrator: User
) -> None:
    now = timezone.now()

    def classified(ended_at: Any, **changes: object) -> StageRun:
        video = make_video(owner)
        TopicPrediction.objects.create(video=video, probability=0.4, classifier="test", **changes)
        return StageRun.objects.create(video=video, stage="classify", state="done", ended_at=ended_at)

    before = classified(now - timedelta(hours=1))
    classified(now - timedelta(hours=1), is_confirmed=True)
    TopicHeadChange.objects.create(head=make_head(1, State.LIVE, live_at=now), by=administrator, at=now)
    classified(now + timedelta(seconds=1))
    assert "1 video had the topic found before" in admin_client.get(TEACH).content.decode()
    assert "1 video will be classified again." in press(admin_client, "classify")
    before.refresh_from_db()
    assert (before.state, before.announced_at) == ("queued", None)
    assert StageRun.objects.filter(state="done").count() == 2
    logged = ModerationEntry.objects.get(act="rerun")
    assert (logged.video, logged.moderator) == (before.video, administrator)
