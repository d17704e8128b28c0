"""The portal's first administrator, for whom nobody else could choose a password."""

from itertools import count

from django.contrib.auth.tokens import default_token_generator
from django.db import transaction
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from apps.accounts.models import User

NAME = "admin"


def first_administrator_link(base_url: str) -> str | None:
    """A link at which the first administrator chooses a password; None once somebody can administer the portal.

    It is a password-reset link, so it works once and for `PASSWORD_RESET_TIMEOUT` seconds. Makes the account where
    there is none. `base_url` is the portal's address, as `http://localhost:8000`.
    """
    administrators = _administrators()
    if _has_come_in(administrators):
        return None
    administrator = administrators[0] if administrators else _create()
    confirm = reverse(
        "accounts:password-reset-confirm",
        kwargs={
            "uidb64": urlsafe_base64_encode(force_bytes(administrator.pk)),
            "token": default_token_generator.make_token(administrator),
        },
    )
    return base_url.rstrip("/") + confirm


def is_awaited() -> bool:
    """Whether nobody can administer the portal yet: its first administrator has still to follow the link. One query."""
    return not _has_come_in(_administrators())


def _administrators() -> list[User]:
    return list(User.objects.filter(is_superuser=True, is_active=True).order_by("date_joined"))


def _has_come_in(administrators: list[User]) -> bool:
    return any(administrator.has_usable_password() for administrator in administrators)


def is_last_administrator(user: User) -> bool:
    """Nobody could administer the portal without them."""
    others = User.objects.filter(is_superuser=True, is_active=True).exclude(pk=user.pk)
    return user.is_superuser and not others.exists()


@transaction.atomic
def _create() -> User:
    """A superuser without a password. Where somebody signed up as "admin", the name gets a number."""
    names = (NAME if number == 1 else f"{NAME}-{number}" for number in count(1))
    free = next(name for name in names if not User.objects.filter(username_key=name).exists())
    return User.objects.create_superuser(free, password=None)
