"""API tokens: keys with which a person's programs act for them."""

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from apps.accounts.digests import digest_of, new_secret
from apps.accounts.models import ApiToken, User

# So that a leaked key is recognised as one, by people and by scanners of source code.
PREFIX = "vp_"
# `last_used_at` is for people, who ask whether a token is still in use: finer, it would write on every request.
TOUCH_EVERY = timedelta(minutes=1)


class TooManyTokensError(Exception):
    """The person has as many tokens as one may have. The message says what to do."""


@transaction.atomic
def issue(user: User, name: str) -> tuple[ApiToken, str]:
    """A new token and its key, which cannot be had again. Raises TooManyTokensError."""
    User.objects.select_for_update().get(pk=user.pk)  # so that two at once do not both become the last
    if user.api_tokens.count() >= settings.API_TOKENS_PER_USER:
        raise TooManyTokensError(
            f"You have {settings.API_TOKENS_PER_USER} tokens, which is the most one may have. Revoke one that you no "
            "longer need."
        )
    key = PREFIX + new_secret()
    return ApiToken.objects.create(user=user, name=name, digest=digest_of(key)), key


def user_for(key: str) -> User | None:
    """Whom `key` speaks for; None for an unknown or revoked key and for a closed account. One query, rarely two."""
    token = ApiToken.objects.select_related("user").filter(digest=digest_of(key), user__is_active=True).first()
    if token is None:
        return None
    now = timezone.now()
    if token.last_used_at is None or now - token.last_used_at >= TOUCH_EVERY:
        stale = Q(last_used_at__isnull=True) | Q(last_used_at__lte=now - TOUCH_EVERY)
        ApiToken.objects.filter(stale, pk=token.pk).update(last_used_at=now)
    return token.user


def revoke(token: ApiToken) -> None:
    """From now on its key opens nothing."""
    token.delete()
