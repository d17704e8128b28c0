"""How often an address, a user name or an e-mail address may try something within an hour.

An attempt is taken before the password is looked at, so that many at once do not slip through, and given back where it
was right. Counted in the cache that all web processes share.
"""

import hashlib
import time
from dataclasses import dataclass
from enum import StrEnum

from django.conf import settings
from django.core.cache import cache

WINDOW_S = 3600


class Act(StrEnum):
    SIGN_IN = "sign-in"
    SIGN_UP = "sign-up"
    RESET = "reset"
    REPORT = "report"


class TooManyAttemptsError(Exception):
    """The hour's attempts are used up. The message tells a person when to come back."""

    def __init__(self, wait_s: int) -> None:
        minutes = max(1, -(-wait_s // 60))
        super().__init__(f"Too many attempts. Wait {minutes} minute{'' if minutes == 1 else 's'}, then try again.")
        self.wait_s = wait_s


@dataclass(frozen=True)
class _Window:
    """The attempts since the first of them; forgotten at `ends_at` (seconds since the epoch)."""

    count: int
    ends_at: float


def take(act: Act, *subjects: str) -> None:
    """Counts one attempt of each subject (an address, a name). Raises TooManyAttemptsError, counting none of them."""
    now = time.time()
    windows = {_key(act, subject): _window(_key(act, subject), now) for subject in subjects}
    spent = [window.ends_at for window in windows.values() if window.count >= settings.SIGN_IN_ATTEMPTS_PER_HOUR]
    if spent:
        raise TooManyAttemptsError(int(max(spent) - now) + 1)
    for key, window in windows.items():
        _keep(key, _Window(window.count + 1, window.ends_at), now)


def give_back(act: Act, subject: str) -> None:
    """One attempt less: it was right."""
    now = time.time()
    key = _key(act, subject)
    window = _window(key, now)
    _keep(key, _Window(max(0, window.count - 1), window.ends_at), now)


def forget(act: Act, subject: str) -> None:
    """All attempts of the subject: the person has proved who they are."""
    cache.delete(_key(act, subject))


def _key(act: Act, subject: str) -> str:
    # Hashed: a user name may hold what a cache key may not.
    return f"attempts:{act}:{hashlib.sha256(subject.encode()).hexdigest()}"


def _window(key: str, now: float) -> _Window:
    kept = cache.get(key)
    if isinstance(kept, _Window) and kept.ends_at > now:
        return kept
    return _Window(0, now + WINDOW_S)


def _keep(key: str, window: _Window, now: float) -> None:
    cache.set(key, window, timeout=max(1, int(window.ends_at - now)))
