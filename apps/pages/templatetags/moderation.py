"""What the admin's start page and its list of videos show of the queues."""

from django import template

from apps.classification.models import TopicPrediction
from apps.pages.administration.queue import QueueCounts, counts

register = template.Library()


@register.simple_tag
def queue_counts() -> QueueCounts:
    return counts()


@register.simple_tag
def topics_to_confirm() -> int:
    return TopicPrediction.objects.waiting().count()
