"""Following topics: the button on a topic's page, and the page of all that one follows."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from apps.accounts.models import User
from apps.classification.following import follow_topic, topics_seen_by, unfollow_topic, videos_about
from apps.classification.models import Topic
from apps.pages.cards import page_of
from apps.pages.people import signed_in
from apps.videos.models import Video


@login_required
@require_safe
def following(request: HttpRequest) -> HttpResponse:
    """Every topic with its button, and the newest videos of those that the person follows."""
    user = signed_in(request)
    topics = list(topics_seen_by(user))
    followed = [topic for topic in topics if topic.is_followed]
    total = sum(topic.video_count for topic in followed)  # each video is filed under one topic
    page, cards = page_of(request, videos_about(followed, Video.objects.listed_for(user)), total)
    context = {"topics": topics, "has_followed": bool(followed), "page": page, "cards": cards}
    return render(request, "following/following.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def follow(request: HttpRequest, label: str) -> HttpResponse:
    return _change(request, label, follow_topic)


@require_http_methods(["GET", "HEAD", "POST"])
def unfollow(request: HttpRequest, label: str) -> HttpResponse:
    return _change(request, label, unfollow_topic)


def _change(request: HttpRequest, label: str, verb: Callable[[User, Topic], None]) -> HttpResponse:
    """Back to the page whose button it was, with htmx too, which takes its part of that page.

    A GET, as of somebody who signed in on the way, changes nothing and leads there.
    """
    topic = get_object_or_404(Topic, label=label)
    is_on_list = request.POST.get("from") == "following"
    page = reverse("pages:following") if is_on_list else reverse("pages:topic", args=[topic.label])
    if request.method == "POST":
        if not isinstance(request.user, User):
            return _to_sign_in(request, page)
        verb(request.user, topic)
    return redirect(page)


def _to_sign_in(request: HttpRequest, then: str) -> HttpResponse:
    """htmx would put the page that a redirect leads to in the place of the button."""
    answer = redirect_to_login(then)
    return HttpResponse(headers={"HX-Redirect": answer.url}) if "HX-Request" in request.headers else answer
