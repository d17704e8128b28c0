"""The start page, and the page of each topic."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.templatetags.static import static
from django.views.decorators.http import require_safe

from apps.classification.models import Topic
from apps.classification.topics import topics_with_counts
from apps.pages.cards import page_of
from apps.videos.models import Video


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Recent videos. An empty page asks again by itself, until the first video is there."""
    listed = Video.objects.listed_for(request.user)
    page, cards = page_of(request, listed)
    if "HX-Request" in request.headers and not cards:
        return HttpResponse(status=204)
    return render(request, "home/home.html", {"page": page, "cards": cards, "topics": topics_with_counts(listed)})


@require_safe
def topic(request: HttpRequest, label: str) -> HttpResponse:
    chosen = get_object_or_404(Topic, label=label)
    listed = Video.objects.listed_for(request.user)
    page, cards = page_of(request, listed.filter(topic_prediction__topic=chosen))
    context = {"page": page, "cards": cards, "topics": topics_with_counts(listed), "topic": chosen}
    return render(request, "home/home.html", context)


@require_safe
def favicon(request: HttpRequest) -> HttpResponse:  # noqa: ARG001
    """Where browsers look by themselves, from pages whose head is not ours: the admin, the API, a file."""
    return redirect(static("dist/favicon.svg"))
