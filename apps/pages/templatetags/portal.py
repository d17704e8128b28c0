"""How templates write times, shares and addresses of files."""

from django import template
from django.http import QueryDict
from django.urls import reverse

from apps.pages import times
from apps.videos.models import Video

register = template.Library()

register.filter("clock", times.clock)
register.filter("spoken", times.spoken)
register.filter("link_time", times.link_time)


@register.filter
def seconds(time_ms: int) -> str:
    """Exact seconds for the `?t=` of a word: `12.34`."""
    return f"{time_ms / 1000:.3f}".rstrip("0").rstrip(".")


@register.filter
def percent(share: float) -> str:
    """`93 %` of 0.93. Below certainty it never says 100 %."""
    whole = round(share * 100)
    return f"{min(whole, 99) if share < 1 else whole} %"


@register.simple_tag
def file_url(video: Video, name: str) -> str:
    """Where a file of `video` is served."""
    return reverse("videos:file", args=[video.pk, name])


@register.simple_tag
def with_parameter(parameters: QueryDict, name: str, value: object) -> str:
    """The query string of `parameters` with one of them changed; an empty value removes it. Begins with `?`."""
    changed = parameters.copy()
    if value in ("", None):
        changed.pop(name, None)
    else:
        changed[name] = str(value)
    return f"?{changed.urlencode()}"
