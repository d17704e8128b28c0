"""The start page, and the page of each topic."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.templatetags.static import static
from django.views.decorators.http import require_safe

from apps.classification.following import topics_followed_by, videos_about
from apps.classification.models import Topic
from apps.classification.topics import topics_with_counts
from apps.pages.cards import Card, cards, page_of, with_what_cards_show
from apps.videos.models import Video, VideoQuerySet

FOLLOWED_SHOWN = 8  # two rows on a wide screen


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Recent videos, and before them the newest of the topics that the person follows.

    Those are left out of the list before it is paged, so that no video stands twice and every page is full. An empty
    page asks again by itself, until the first video is there.
    """
    listed = Video.objects.listed_for(request.user)
    followed = list(topics_followed_by(request.user))
    lead = _newest_about(followed, listed) if followed else []
    page, recent = page_of(request, listed.exclude(pk__in=[card.video.pk for card in lead]))
    if "HX-Request" in request.headers and not (recent or lead):
        return HttpResponse(status=204)
    context = {
        "page": page,
        "cards": recent,
        "topics": topics_with_counts(listed),
        "followed": followed if page.number == 1 else [],
        "lead": lead,
    }
    return render(request, "home/home.html", context)


def _newest_about(topics: list[Topic], listed: VideoQuerySet) -> list[Card]:
    """Two queries."""
    return cards(with_what_cards_show(videos_about(topics, listed))[:FOLLOWED_SHOWN])


@require_safe
def topic(request: HttpRequest, label: str) -> HttpResponse:
    chosen = get_object_or_404(Topic, label=label)
    listed = Video.objects.listed_for(request.user)
    topics = list(topics_with_counts(listed))
    total = next((each.video_count for each in topics if each.pk == chosen.pk), None)
    page, filed = page_of(request, videos_about([chosen], listed), total)
    context = {
        "page": page,
        "cards": filed,
        "topics": topics,
        "topic": chosen,
        "is_followed": topics_followed_by(request.user).filter(pk=chosen.pk).exists(),
    }
    return render(request, "home/home.html", context)


@require_safe
def favicon(request: HttpRequest) -> HttpResponse:  # noqa: ARG001
    """Where browsers look by themselves, from pages whose head is not ours: the admin, the API, a file."""
    return redirect(static("dist/favicon.svg"))
