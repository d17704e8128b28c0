"""The page "Teach topics": what the classifier could learn, what drafts would change, and which head is live."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path

from apps.accounts.models import User
from apps.classification import teaching
from apps.classification.models import Topic, TopicHead, TopicHeadChange
from apps.classification.shipped_head import ShippedHead
from apps.classification.teaching import TeachingError
from apps.pages.people import signed_in
from apps.pipeline.teaching import MAX_AT_ONCE, classify_again, order_draft, outdated_topics

HEADS_SHOWN = 20
CHANGES_SHOWN = 20
State = TopicHead.State


@dataclass(frozen=True)
class NewTopicView:
    """A taught topic in the evaluation of a head. Shares are in [0, 1]."""

    name: str
    n_examples: int
    n_found: int
    recall: float
    known_name: str
    known_share: float


@dataclass(frozen=True)
class KnownTopicView:
    """A known topic in the evaluation of a head."""

    name: str
    before: float
    after: float

    @property
    def lost_points(self) -> float:
        return max(0.0, 100 * (self.before - self.after))


@dataclass(frozen=True)
class HeadView:
    """A head with its evaluation under the names that topics have now."""

    head: TopicHead
    new: Sequence[NewTopicView]
    known: Sequence[KnownTopicView]
    corrections: Mapping[str, Any]  # `head_evaluation.CorrectionsResult`
    reasons: Sequence[str]
    deleted: Sequence[str]  # labels that it knows and no topic has
    fits: bool  # it was learned over the shipped head of today

    @property
    def may_go_live(self) -> bool:
        return self.head.state == State.DRAFT and self.head.has_passed and self.fits and not self.deleted

    @property
    def may_come_back(self) -> bool:
        return self.head.state == State.RETIRED and self.fits and not self.deleted


class TopicTeaching(admin.ModelAdmin[Topic]):
    """Its buttons post to the page itself, `act` saying what, and `head` with which version."""

    def get_urls(self) -> list[URLPattern | URLResolver]:  # type: ignore[override]
        view = self.admin_site.admin_view(self.teach_view)
        return [path("teach/", view, name="classification_topic_teach"), *super().get_urls()]

    def teach_view(self, request: HttpRequest) -> HttpResponse:
        if not self.has_change_permission(request):
            raise PermissionDenied
        if request.method == "POST":
            return self._act(request)
        context = {
            **self.admin_site.each_context(request),
            "title": "Teach topics",
            "opts": self.opts,
            "limits": settings,
            **teaching_context(),
        }
        return TemplateResponse(request, "admin/classification/topic/teach.html", context)

    def _act(self, request: HttpRequest) -> HttpResponse:
        act = ACTS.get(request.POST.get("act", ""))
        if act is None:
            self.message_user(request, "There is no such button any more.", messages.ERROR)
            return redirect("admin:classification_topic_teach")
        version = request.POST.get("head", "")
        head = get_object_or_404(TopicHead.objects.defer("content"), version=version) if version.isdecimal() else None
        try:
            self.message_user(request, act(head, signed_in(request)), messages.SUCCESS)
        except TeachingError as error:
            self.message_user(request, str(error), messages.ERROR)
        return redirect("admin:classification_topic_teach")


# --- what the buttons do ---


def _order(_: TopicHead | None, administrator: User) -> str:
    draft = order_draft(by=administrator)
    return f"Version {draft.version} is being made. Look again in a minute."


def _go_live(head: TopicHead | None, administrator: User) -> str:
    teaching.go_live(_chosen(head), by=administrator)
    return f"Version {_chosen(head).version} is live: every video is classified by it from now on."


def _back(head: TopicHead | None, administrator: User) -> str:
    teaching.roll_back(_chosen(head), by=administrator)
    return f"Version {_chosen(head).version} is live again."


def _back_to_shipped(_: TopicHead | None, administrator: User) -> str:
    teaching.roll_back(None, by=administrator)
    return "The classifier knows again what it was shipped with, and nothing more."


def _discard(head: TopicHead | None, administrator: User) -> str:
    teaching.discard(_chosen(head), by=administrator)
    return f"Version {_chosen(head).version} is discarded."


def _classify_again(_: TopicHead | None, administrator: User) -> str:
    done = classify_again(by=administrator)
    videos = f"{done.n_queued} video{'' if done.n_queued == 1 else 's'} will be classified again"
    return f"{videos}; {done.n_left} are left for another time." if done.n_left else f"{videos}."


def _chosen(head: TopicHead | None) -> TopicHead:
    if head is None:
        raise TeachingError("Choose a version by its button.")
    return head


ACTS: Mapping[str, Callable[[TopicHead | None, User], str]] = {
    "draft": _order,
    "live": _go_live,
    "back": _back,
    "shipped": _back_to_shipped,
    "discard": _discard,
    "classify": _classify_again,
}


# --- what the page shows ---


def teaching_context() -> dict[str, Any]:
    """Seven queries. Where nothing can be taught, `problem` says why, and it is all there is."""
    try:
        base = teaching.base_head()
    except TeachingError as error:
        return {"problem": str(error)}
    names = dict(Topic.objects.values_list("label", "name"))
    newest = TopicHead.objects.defer("content").select_related("made_by").exclude(state=State.LIVE)[:HEADS_SHOWN]
    heads = [view_of(head, names, base) for head in newest]
    live = TopicHead.objects.live()
    topics = teaching.teachable_topics(base)
    return {
        "known_names": [names.get(label, label) for label in base.labels],
        "topics": topics,
        "can_draft": any(not topic.n_missing for topic in topics),
        "making": next((view for view in heads if view.head.state in (State.QUEUED, State.LEARNING)), None),
        "drafts": [view for view in heads if view.head.state in (State.DRAFT, State.FAILED)],
        "live": None if live is None else view_of(live, names, base),
        "retired": [view for view in heads if view.head.state == State.RETIRED],
        "changes": TopicHeadChange.objects.select_related("head", "by").defer("head__content")[:CHANGES_SHOWN],
        "n_outdated": outdated_topics().count(),
        "max_at_once": MAX_AT_ONCE,
    }


def view_of(head: TopicHead, names: Mapping[str, str], base: ShippedHead) -> HeadView:
    evaluation = head.evaluation
    return HeadView(
        head=head,
        new=[
            NewTopicView(
                name=names.get(topic["label"], topic["label"]),
                n_examples=topic["n_examples"],
                n_found=round(topic["recall"] * topic["n_examples"]),
                recall=topic["recall"],
                known_name=names.get(topic["known_label"], topic["known_label"]),
                known_share=topic["known_share"],
            )
            for topic in evaluation.get("new", ())
        ],
        known=[
            KnownTopicView(names.get(topic["label"], topic["label"]), topic["before"], topic["after"])
            for topic in evaluation.get("known", ())
        ],
        corrections=evaluation.get("corrections", {}),
        reasons=evaluation.get("reasons", ()),
        deleted=[label for label in head.taught_labels if label not in names],
        fits=head.base_sha256 == base.sha256,
    )
