"""Times in a video as people write and read them: `1m30s`, `90`, `1:30`.

See also static/src/times.js, its twin in the browser.
"""

import re

LONGEST_MS = 100 * 3600 * 1000  # nobody means a later time

_UNITS = re.compile(r"(?:(?P<h>\d{1,3})h)?(?:(?P<m>\d{1,4})m)?(?:(?P<s>\d{1,6}(?:\.\d{1,3})?)s?)?", re.ASCII)
_CLOCK = re.compile(r"(?:(?P<h>\d{1,3}):)?(?P<m>\d{1,4}):(?P<s>\d{1,2}(?:\.\d{1,3})?)", re.ASCII)


def parse_time(text: str) -> int | None:
    """The milliseconds that `1h2m3s`, `1m30s`, `90s`, `90`, `12.5` or `1:02:03` means; None where it is no time."""
    text = text.strip().lower()
    match = _CLOCK.fullmatch(text) or _UNITS.fullmatch(text)
    if not text or match is None:
        return None
    hours, minutes, seconds = int(match["h"] or 0), int(match["m"] or 0), float(match["s"] or 0)
    time_ms = round((hours * 3600 + minutes * 60 + seconds) * 1000)
    return time_ms if time_ms <= LONGEST_MS else None


def clock(time_ms: int) -> str:
    """`1:05` or `1:02:03`, cut to whole seconds."""
    minutes, seconds = divmod(max(time_ms, 0) // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def spoken(time_ms: int) -> str:
    """`1 minute 5 seconds`, for those who listen to a page instead of seeing it."""
    minutes, seconds = divmod(max(time_ms, 0) // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    parts = [
        f"{number} {unit}{'' if number == 1 else 's'}"
        for number, unit in ((hours, "hour"), (minutes, "minute"), (seconds, "second"))
        if number
    ]
    return " ".join(parts) or "0 seconds"


def link_time(time_ms: int) -> str:
    """The value of `?t=` for a shared link: `1m30s`, cut to whole seconds."""
    minutes, seconds = divmod(max(time_ms, 0) // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    text = "".join(f"{number}{unit}" for number, unit in ((hours, "h"), (minutes, "m"), (seconds, "s")) if number)
    return text or "0s"
