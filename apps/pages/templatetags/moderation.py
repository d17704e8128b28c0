"""What the admin's start page shows of the moderation queue."""

from django import template

from apps.pages.administration.queue import QueueCounts, counts

register = template.Library()


@register.simple_tag
def queue_counts() -> QueueCounts:
    return counts()
