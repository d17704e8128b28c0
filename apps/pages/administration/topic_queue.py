"""The videos whose topic the classifier was too unsure to decide, for moderators to answer one after another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path

from apps.classification.models import Topic, TopicPrediction
from apps.classification.topics import Probability, probabilities_of
from apps.pages.administration.access import ModeratedAdmin, is_moderator
from apps.pages.templatetags.portal import file_url
from apps.videos.models import Video

PER_PAGE = 20
ORDERS = {"unsure": ("probability", "id"), "newest": ("-created_at", "id")}


@dataclass(frozen=True)
class TopicQuestion:
    """One video of the queue."""

    video: Video
    poster_url: str  # empty: none yet
    probabilities: Sequence[Probability]  # likeliest first
    passages: Sequence[dict[str, Any]]  # `passages.Passage`s that spoke most for the likeliest topic
    suggestion: Topic | None  # None: an admin deleted the likeliest topic since
    others: Sequence[Topic]


class TopicQueue(ModeratedAdmin[Video]):
    """The page "Topics to confirm". Its buttons post to `VideoDecisions.topic_view`, which comes back here."""

    def get_urls(self) -> list[URLPattern | URLResolver]:  # type: ignore[override]
        view = self.admin_site.admin_view(self.topic_queue_view)
        return [path("topics/", view, name="videos_video_topics"), *super().get_urls()]

    def topic_queue_view(self, request: HttpRequest) -> HttpResponse:
        """`?order=` unsure (the default) or newest, and `?page=`. Three queries, whatever the length of the queue."""
        if not is_moderator(request):
            raise PermissionDenied
        order = request.GET.get("order", "")
        order = order if order in ORDERS else "unsure"
        waiting = TopicPrediction.objects.waiting().select_related("video__owner").order_by(*ORDERS[order])
        page = Paginator(waiting, PER_PAGE).get_page(request.GET.get("page"))
        topics = list(Topic.objects.all())
        context = {
            **self.admin_site.each_context(request),
            "title": "Topics to confirm",
            "opts": self.opts,
            "page": page,
            "order": order,
            "questions": [question_of(prediction, topics) for prediction in page],
        }
        return TemplateResponse(request, "admin/videos/video/topics.html", context)


def question_of(prediction: TopicPrediction, topics: list[Topic]) -> TopicQuestion:
    """Costs no query where `prediction` came with its video."""
    video = prediction.video
    suggestion = next((topic for topic in topics if topic.label == prediction.likeliest_label), None)
    return TopicQuestion(
        video=video,
        poster_url=file_url(video, video.poster_name) if video.poster_name else "",
        probabilities=probabilities_of(prediction, topics),
        passages=prediction.passages,
        suggestion=suggestion,
        others=[topic for topic in topics if topic != suggestion],
    )
