"""What the classifier did, in figures."""

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from apps.accounts.models import User
from apps.classification.models import Topic, TopicCorrection, TopicPrediction
from apps.classification.summary import summary_of
from apps.classification.topics import confirm_topic
from apps.videos.models import Video
from tests.factories import make_video

pytestmark = pytest.mark.django_db
NOW = timezone.now()


def classified(
    owner: User, label: str, probability: float = 0.9, *, outcome: str = "filed", days_ago: float = 1, **changes: object
) -> Video:
    video = make_video(owner, created_at=NOW - timedelta(days=days_ago))
    topic = Topic.objects.get(label=label) if outcome == "filed" else None
    fields = {"probabilities": {label: probability, "other": 0.0}, "outcome": outcome, "classifier": "test"}
    TopicPrediction.objects.create(video=video, topic=topic, probability=probability, **(fields | changes))
    return video


def test_shares_count_where_videos_stand_now(owner: User, moderator: User) -> None:
    classified(owner, "sport", days_ago=1)
    classified(owner, "sport", days_ago=45)
    classified(owner, "sport", days_ago=400)
    confirm_topic(classified(owner, "tech", 0.6, outcome="asked", days_ago=2), None, by=moderator)
    by_hand = make_video(owner, created_at=NOW - timedelta(days=3))
    confirm_topic(by_hand, Topic.objects.get(label="politics"), by=moderator)
    counts = {row.label: (row.n_videos, row.n_recent, row.n_before) for row in summary_of(NOW).standings}
    nothing = (0, 0, 0)
    assert counts == {
        "business": nothing,
        "entertainment": nothing,
        "politics": (1, 1, 0),
        "sport": (3, 1, 1),
        "tech": nothing,
        "unknown": (1, 1, 0),
    }


def test_outcomes_are_the_classifiers_own_by_the_day_of_upload(owner: User, moderator: User) -> None:
    classified(owner, "sport", days_ago=1)
    confirm_topic(classified(owner, "tech", 0.6, outcome="asked", days_ago=2), None, by=moderator)
    classified(owner, "tech", 0.2, outcome="unknown", days_ago=31)
    confirm_topic(make_video(owner, created_at=NOW - timedelta(days=3)), None, by=moderator)  # never classified
    newest, before, *older = summary_of(NOW).periods
    assert (newest.filed, newest.asked, newest.unknown) == (1, 1, 0)
    assert (before.filed, before.asked, before.unknown) == (0, 0, 1)
    assert newest.start_at == before.end_at == NOW - timedelta(days=30)
    assert not any(period.total for period in older)


def test_every_probability_is_in_one_bin(owner: User) -> None:
    for probability in (0.0, 0.3, 0.2999, 0.95, 1.0):
        classified(owner, "tech", probability, outcome="unknown")
    classified(owner, "tech", 0.5, days_ago=40)
    summary = summary_of(NOW)
    assert [each.n_recent for each in summary.bins] == [1, 0, 1, 1, 0, 0, 0, 0, 0, 2]
    assert [each.n_before for each in summary.bins] == [0, 0, 0, 0, 0, 1, 0, 0, 0, 0]
    assert summary.mean_recent == pytest.approx(0.50998)
    assert summary.mean_before == 0.5


def test_a_sentence_says_what_changed(owner: User, settings: Settings) -> None:
    settings.TOPIC_DRIFT_MIN_VIDEOS = 20
    for number in range(40):
        classified(owner, "tech", days_ago=40)
        outcome = "unknown" if number % 2 else "filed"
        classified(owner, "tech", 0.3 if outcome == "unknown" else 0.9, outcome=outcome)
    summary = summary_of(NOW)
    assert summary.topic_drift.comparison.has_drifted
    sentence = summary.topic_drift.sentence
    assert "In the last 30 days" in sentence
    # Both shares change by 50 points; the first of the two is named.
    assert "fewer videos are filed under Technology than in the 30 days before: 50 % against 100 %" in sentence
    assert "less sure" in summary.probability_drift.sentence
    assert "60 % on average against 90 %" in summary.probability_drift.sentence


def test_a_quiet_month_is_called_quiet(owner: User, settings: Settings) -> None:
    settings.TOPIC_DRIFT_MIN_VIDEOS = 5
    for _ in range(6):
        classified(owner, "tech", days_ago=40)
        classified(owner, "tech")
    summary = summary_of(NOW)
    assert summary.topic_drift.sentence.startswith("The last 30 days are much like the 30 days before")
    assert summary.probability_drift.sentence.startswith("The last 30 days are much like the 30 days before")


def test_few_videos_are_not_compared(owner: User) -> None:
    classified(owner, "tech")
    assert summary_of(NOW).topic_drift.sentence.startswith("Too few videos to compare: 1 in the last 30 days, 0 in")


def test_the_last_word_on_each_video_judges_the_classifier(owner: User, moderator: User) -> None:
    sport, tech = Topic.objects.get(label="sport"), Topic.objects.get(label="tech")
    confirm_topic(classified(owner, "sport"), sport, by=moderator)
    corrected = classified(owner, "tech", 0.6, outcome="asked")
    confirm_topic(corrected, tech, by=moderator)
    confirm_topic(corrected, sport, by=moderator)  # the word that counts
    confirm_topic(classified(owner, "tech", 0.6, outcome="asked"), tech, by=moderator)
    confirm_topic(classified(owner, "tech", 0.6, outcome="asked"), None, by=moderator)
    confirm_topic(classified(owner, "tech", 0.3, outcome="unknown"), None, by=moderator)
    confirm_topic(make_video(owner), sport, by=moderator)  # nothing had been said of it
    TopicCorrection.objects.filter(video=corrected).update(created_at=NOW - timedelta(days=60))
    TopicCorrection.objects.filter(video=corrected, topic=sport).update(created_at=NOW - timedelta(days=50))

    judged = summary_of(NOW).judgements

    assert (judged.filed.n_judged, judged.filed.n_right) == (1, 1)
    assert (judged.asked.n_judged, judged.asked.n_right) == (3, 1)
    assert (judged.unknown.n_judged, judged.unknown.n_right) == (1, 1)
    assert (judged.overall.n_judged, judged.overall.n_right, judged.n_recent) == (5, 3, 4)
    assert judged.overall.share == 0.6
    assert judged.overall.interval == pytest.approx((0.231, 0.882), abs=0.001)
    assert set(judged.labels) == {"business", "entertainment", "politics", "sport", "tech", "unknown"}
    assert judged.labels[-1] == "unknown"
    cells = {
        (chosen, said): count
        for chosen, row in zip(judged.labels, judged.confusion, strict=True)
        for said, count in zip(judged.labels, row, strict=True)
        if count
    }
    assert cells == {
        ("sport", "sport"): 1,
        ("sport", "tech"): 1,
        ("tech", "tech"): 1,
        ("unknown", "tech"): 1,
        ("unknown", "unknown"): 1,
    }
    assert (judged.of_topic("tech").n_right, judged.of_topic("tech").n_wrong) == (1, 2)


def test_a_label_of_a_deleted_topic_is_still_counted(owner: User, moderator: User) -> None:
    video = classified(owner, "tech", 0.6, outcome="asked", probabilities={"gardening": 0.6})
    confirm_topic(video, Topic.objects.get(label="tech"), by=moderator)
    judged = summary_of(NOW).judgements
    assert "gardening" in judged.labels
    assert judged.of_topic("gardening").n_wrong == 1


def test_another_classifier_is_named(owner: User) -> None:
    classified(owner, "tech", classifier="new")
    classified(owner, "tech", classifier="old", days_ago=40)
    uses = summary_of(NOW).classifiers
    assert [(use.name, use.n_recent, use.n_before) for use in uses] == [("new", 1, 0), ("old", 0, 1)]


def test_the_number_of_queries_is_bounded(owner: User, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    for days_ago in range(5):
        classified(owner, "tech", days_ago=days_ago * 20)
    with django_assert_num_queries(6):
        summary_of(NOW)
