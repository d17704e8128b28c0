"""Videos as lists show them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.core.paginator import Page, Paginator
from django.http import HttpRequest

from apps.classification.models import Topic
from apps.pipeline.status import processing_ids
from apps.videos.models import Video, VideoQuerySet

PAGE_SIZE = 24


@dataclass(frozen=True)
class Card:
    """One video in a list. `topic` is None while nobody knows it."""

    video: Video
    topic: Topic | None
    is_processing: bool


def cards(videos: Iterable[Video]) -> list[Card]:
    """Cards of videos that `with_what_cards_show` has prepared. One query."""
    listed = list(videos)
    at_work = processing_ids(listed)
    return [Card(video, topic_of(video), video.pk in at_work) for video in listed]


def with_what_cards_show(videos: VideoQuerySet) -> VideoQuerySet:
    return videos.select_related("owner", "topic_prediction__topic")


def topic_of(video: Video) -> Topic | None:
    prediction = getattr(video, "topic_prediction", None)
    return prediction.topic if prediction else None


class CountedPaginator(Paginator[Video]):
    """Of videos of which somebody has counted how many they are."""

    def __init__(self, videos: VideoQuerySet, size: int, total: int) -> None:
        super().__init__(videos, size)
        self.total = total

    @property
    def count(self) -> int:
        return self.total


def page_of(request: HttpRequest, videos: VideoQuerySet, total: int | None = None) -> tuple[Page[Video], list[Card]]:
    """The page of `videos` that `?page=` names (the nearest one, if it names none), and its cards.

    Four queries; three where `total` says how many there are, which saves the count.
    """
    shown = with_what_cards_show(videos)
    paginator = Paginator(shown, PAGE_SIZE) if total is None else CountedPaginator(shown, PAGE_SIZE, total)
    page = paginator.get_page(request.GET.get("page"))
    return page, cards(page.object_list)
