"""Topics that administrators teach: examples become a draft, which is judged, goes live, and can be rolled back.

A draft is always learned from the shipped head and all examples, in the order of the labels: the same examples give the
same head, whatever was taught before.
"""

from __future__ import annotations

import heapq
import logging
import traceback
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Count, Max
from django.utils import timezone

from apps.accounts.models import User
from apps.classification.classifier import TopicModelError, shipped_classifier
from apps.classification.classify import telling_words
from apps.classification.corrections import latest_corrections
from apps.classification.models import Topic, TopicExample, TopicHead, TopicHeadChange
from apps.classification.shipped_head import ShippedHead, shipped_head
from apps.classification.texts import text_of
from apps.videos.models import ModerationEntry, Video
from apps.videos.moderation import note

if TYPE_CHECKING:
    from apps.classification.bert.classifier import EmbeddedTopicClassifier
    from apps.classification.bert.head import LinearHead
    from apps.classification.bert.head_evaluation import CorrectionsResult

log = logging.getLogger(__name__)

State = TopicHead.State
MAX_CORRECTIONS = 500  # the newest: some two minutes of reading, where each is a talk of ten minutes
GONE_AFTER_S = 60  # beyond the time limit, at which its process is killed


class TeachingError(Exception):
    """What was asked cannot be done. The message says why, and what to do."""


@dataclass(frozen=True)
class TeachableTopic:
    """A topic that the shipped head does not know, and how many different examples it has."""

    topic: Topic
    n_examples: int

    @property
    def n_missing(self) -> int:
        return max(0, settings.TOPIC_MIN_EXAMPLES - self.n_examples)


def base_head() -> ShippedHead:
    """What topics are taught on top of. Raises TeachingError where there is no such thing."""
    base = shipped_head()
    if base is None:
        raise TeachingError(
            f"TOPIC_MODEL={settings.TOPIC_MODEL!r} names a network that was trained as a whole, which cannot learn a"
            " topic from a few examples. Leave TOPIC_MODEL empty, or name a folder with a head that `manage.py"
            " train_topics` wrote without --fine-tune; or train the network again with articles about the topic."
        )
    return base


# --- examples ---


def example_problem(text: str) -> str:
    """Why `text` is no use as an example, in a sentence; empty: it is of use. One query."""
    if len(telling_words(text)) < settings.TOPIC_MIN_WORDS:
        return f"This text has fewer than {settings.TOPIC_MIN_WORDS} words that tell what it is about."
    same = TopicExample.objects.filter(text=text).select_related("topic").first()
    if same is not None:
        return f"This text is an example of “{same.topic}” already."
    return ""


@transaction.atomic
def teach_from_video(video: Video, topic: Topic, *, by: User) -> TopicExample:
    """Keeps what is said and written of `video` now as an example of `topic`; logged. Raises TeachingError."""
    base = base_head()
    if topic.label in base.labels:
        raise TeachingError(f"The classifier was trained on “{topic}”: confirm the video's topic instead.")
    if video.language != base.language:
        raise TeachingError(f"The classifier reads {base.language}, and this video is in {video.language}.")
    text = text_of(video)
    if problem := example_problem(text):
        raise TeachingError(problem)
    note(video, by=by, act=ModerationEntry.Act.TAUGHT, reason=f"An example of “{topic}”")
    return TopicExample.objects.create(topic=topic, text=text, video=video, added_by=by)


def teachable_topics(base: ShippedHead) -> list[TeachableTopic]:
    """In the order of their labels. One query."""
    topics = Topic.objects.exclude(label__in=base.labels).order_by("label")
    counted = topics.annotate(n_texts=Count("examples__text", distinct=True))
    return [TeachableTopic(topic, topic.n_texts) for topic in counted]


# --- a draft ---


def request_draft(*, by: User) -> TopicHead:
    """A queued head, for `make_draft` to learn; logged.

    Raises TeachingError where another is in the making, or no topic has TOPIC_MIN_EXAMPLES examples.
    """
    if not any(topic.n_missing == 0 for topic in teachable_topics(base_head())):
        raise TeachingError(
            f"No topic has {settings.TOPIC_MIN_EXAMPLES} examples yet: open a topic, and add texts about it."
        )
    if TopicHead.objects.in_the_making().exists():
        raise TeachingError("Another draft is being made: wait until it is there.")
    latest = TopicHead.objects.aggregate(latest=Max("version"))["latest"] or 0
    try:
        with transaction.atomic():
            draft = TopicHead.objects.create(version=latest + 1, made_by=by)
            _log(f"Version {draft.version} asked for", by=by)
            return draft
    except IntegrityError as error:
        raise TeachingError("Somebody else has just asked for a draft: wait until it is there.") from error


def make_draft(head_id: uuid.UUID) -> None:
    """Learns a queued head and judges it. What keeps it from that is kept as its error; where it is not queued, nothing
    is done. Costs 25 ms a window of examples and corrections, and some 0.1 s an example."""
    head = TopicHead.objects.begin(head_id, now=timezone.now())
    if head is None:
        return
    try:
        changes = _learn()
    except (TeachingError, TopicModelError) as error:
        head.become(State.FAILED, error=str(error))
    except Exception:
        # Kept for the administrator, and the worker lives on.
        log.exception("teaching raised", extra={"version": head.version})
        head.become(State.FAILED, error=traceback.format_exc())
    else:
        head.become(State.DRAFT, **changes)


def _learn() -> dict[str, object]:
    """The fields of a `TopicHead` that was learned and judged. Raises TeachingError and TopicModelError."""
    from apps.classification.bert.head_evaluation import Limits, evaluate_head
    from apps.classification.bert.new_topic import learn_topics

    base, classifier = base_head(), _classifier_to_teach()
    texts = _texts_to_learn(base)
    examples = {label: classifier.encoder.encode(of_label) for label, of_label in texts.items()}
    learned = learn_topics(classifier.head, examples)
    evaluation = evaluate_head(
        classifier.head,
        examples,
        _on_corrections(classifier, classifier.with_head(learned, "draft"), texts, base),
        Limits(
            min_examples=settings.TOPIC_MIN_EXAMPLES,
            found_probability=settings.TOPIC_ASK_THRESHOLD,
            filed_probability=settings.TOPIC_THRESHOLD,
            min_example_recall=settings.TOPIC_MIN_RECALL,
            max_known_share=settings.TOPIC_MAX_OVERLAP,
            max_accuracy_loss=settings.TOPIC_MAX_LOSS,
        ),
        names=dict(Topic.objects.values_list("label", "name")),
    )
    return {"content": learned.to_bytes(), "base_sha256": base.sha256, "evaluation": asdict(evaluation)}


def _on_corrections(
    shipped: EmbeddedTopicClassifier,
    draft: EmbeddedTopicClassifier,
    examples: Mapping[str, Sequence[str]],
    base: ShippedHead,
) -> CorrectionsResult:
    """How `draft` does on what moderators chose, and what is live now did."""
    from apps.classification.bert.head_evaluation import judge_corrections

    corrected = _corrections(examples, draft.labels, base.language)
    texts = [text for text, _ in corrected]
    vectors = shipped.encoder.encode(texts)
    live = _live_over(base)
    now = shipped if live is None else shipped.with_head(live, "live")
    before, after = (
        [classifier.labels[column] for column in classifier.probabilities(vectors, texts).argmax(axis=1)]
        for classifier in (now, draft)
    )
    return judge_corrections([label for _, label in corrected], before, after)


def _classifier_to_teach() -> EmbeddedTopicClassifier:
    from apps.classification.bert.classifier import EmbeddedTopicClassifier

    classifier = shipped_classifier()
    assert isinstance(classifier, EmbeddedTopicClassifier), "there is a head"
    return classifier


def _texts_to_learn(base: ShippedHead) -> dict[str, list[str]]:
    """By label, in its order: different texts of each topic that has enough. Raises TeachingError where none has."""
    texts = {}
    for teachable in teachable_topics(base):
        if not teachable.n_missing:
            texts_of_topic = teachable.topic.examples.values_list("text", flat=True)
            texts[teachable.topic.label] = list(dict.fromkeys(texts_of_topic))
    if not texts:
        raise TeachingError(f"No topic has {settings.TOPIC_MIN_EXAMPLES} examples any more: add some, and try again.")
    return texts


def _corrections(examples: Mapping[str, Sequence[str]], labels: Sequence[str], language: str) -> list[tuple[str, str]]:
    """Text and label of the newest MAX_CORRECTIONS about `labels` in `language`, without what is learned from."""
    learned_from = {text for texts in examples.values() for text in texts}
    videos = set(TopicExample.objects.filter(video__isnull=False).values_list("video_id", flat=True))
    usable = (
        (correction.created_at, correction.text, correction.chosen_label)
        for correction in latest_corrections()
        if correction.chosen_label in labels
        and correction.video.language == language
        and correction.video_id not in videos
        and correction.text not in learned_from
    )
    return [(text, label) for _, text, label in heapq.nlargest(MAX_CORRECTIONS, usable)]


def _live_over(base: ShippedHead) -> LinearHead | None:
    """The live head, where it was learned from `base`."""
    from apps.classification.bert.head import head_from_bytes

    live = TopicHead.objects.filter(state=State.LIVE, base_sha256=base.sha256).first()
    if live is None:
        return None
    return head_from_bytes(bytes(live.content), name=f"The taught {live}", cure="roll it back, then teach again.")


def fail_those_whose_worker_is_gone(now: datetime) -> None:
    """For the sweep: what has not ended though its time limit has passed was killed with its process."""
    limit_s = settings.TOPIC_TEACHING_LIMIT_S
    TopicHead.objects.filter(
        state=State.LEARNING, started_at__lt=now - timedelta(seconds=limit_s + GONE_AFTER_S)
    ).update(
        state=State.FAILED,
        error=f"It did not end within {limit_s} s, and was stopped, or its worker was killed. Ask for another draft;"
        " TOPIC_TEACHING_LIMIT_S allows more time.",
    )


# --- live ---


@transaction.atomic
def go_live(draft: TopicHead, *, by: User) -> None:
    """From now on every worker classifies by `draft`; logged. Raises TeachingError where it may not, or is no draft.

    Videos that were classified before keep their topics until they are classified again.
    """
    if draft.state != State.DRAFT:
        raise TeachingError(f"Version {draft.version} is no draft.")
    if not draft.has_passed:
        raise TeachingError(
            f"Version {draft.version} does not keep to the limits: {' '.join(draft.evaluation['reasons'])}"
        )
    _put_live(draft, by=by)


@transaction.atomic
def roll_back(to: TopicHead | None, *, by: User) -> None:
    """From now on every worker classifies by `to`, which was live before, or by the shipped head alone; logged.

    Raises TeachingError where it was not, or does not fit the shipped head of today.
    """
    if to is not None:
        if to.state != State.RETIRED:
            raise TeachingError(f"Version {to.version} was not live before.")
        _put_live(to, by=by)
        return
    if not TopicHead.objects.filter(state=State.LIVE).update(state=State.RETIRED):
        raise TeachingError("The shipped classifier is live already.")
    TopicHeadChange.objects.create(head=None, by=by)
    _log("Back to the shipped classifier", by=by)


def _put_live(head: TopicHead, *, by: User) -> None:
    if head.base_sha256 != base_head().sha256:
        raise TeachingError(
            f"Version {head.version} was learned on top of another classifier than the one of today: make a new draft."
        )
    gone = set(head.taught_labels) - set(Topic.objects.values_list("label", flat=True))
    if gone:
        raise TeachingError(
            f"Version {head.version} knows “{min(gone)}”, a topic that was deleted since: make a new draft."
        )
    TopicHead.objects.filter(state=State.LIVE).update(state=State.RETIRED)
    if not head.become(State.LIVE, live_at=timezone.now()):
        raise TeachingError(f"Somebody has just changed version {head.version}: look at it again.")
    TopicHeadChange.objects.create(head=head, by=by)
    _log(f"Version {head.version} went live", by=by)


@transaction.atomic
def discard(head: TopicHead, *, by: User) -> None:
    """Deletes a draft or what failed; logged. Raises TeachingError for what was ever live, or is in the making."""
    if not TopicHead.objects.filter(pk=head.pk, state__in=(State.DRAFT, State.FAILED)).delete()[0]:
        raise TeachingError(f"Version {head.version} is no draft any more.")
    _log(f"Version {head.version} discarded", by=by)


def _log(deed: str, *, by: User) -> None:
    note(None, by=by, act=ModerationEntry.Act.TAUGHT, reason=deed)
