"""What moderators said of topics, as articles to train a classifier on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from apps.classification.bert.dataset import Article, read_articles
from apps.classification.models import TopicCorrection


def latest_corrections() -> Iterator[TopicCorrection]:
    """The last word on each video, ordered by video. One query; as many rows in memory as a batch has."""
    rows = TopicCorrection.objects.last_words().select_related("topic", "by", "video").order_by("video_id")
    yield from rows.iterator(chunk_size=200)


def as_record(correction: TopicCorrection) -> dict[str, Any]:
    """A line of an `articles.jsonl`, with `by` and `at`. `topic` is null where it was about none of the topics."""
    title, _, body = correction.text.partition("\n")
    return {
        "id": str(correction.video_id),
        "topic": correction.chosen_label or None,
        "title": title,
        "body": body,
        "by": correction.by.username if correction.by else None,
        "at": correction.created_at.isoformat(),
    }


def articles_to_train_on(path: Path, *, with_corrections: bool, language: str) -> list[Article]:
    """Those of `path`, and behind them what moderators said of videos in `language` if wanted. Raises DatasetError."""
    articles = read_articles(path)
    if with_corrections:
        for correction in latest_corrections():
            if correction.topic is not None and correction.video.language == language:
                record = as_record(correction)
                articles.append(Article(record["topic"], record["title"], record["body"]))
    return articles
