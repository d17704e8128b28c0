"""Who calls: programs by `Authorization: Bearer <key>`, pages by their session (with CSRF)."""

from __future__ import annotations

from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from apps.accounts import tokens
from apps.accounts.models import User

KEYWORD = "Bearer"


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer <key>`, with a key that its owner made on the page of API tokens.

    A request that carries no such header is left to the next class; one that carries a wrong key is refused.
    Cost: one query, and a write at most once a minute.
    """

    def authenticate(self, request: Request) -> tuple[User, str] | None:
        scheme, _, key = get_authorization_header(request).strip().partition(b" ")
        if scheme.lower() != KEYWORD.lower().encode():
            return None
        key = key.strip()
        if not key or b" " in key:
            raise AuthenticationFailed(f"Write the header as `Authorization: {KEYWORD} <key>`, with one key.")
        try:
            user = tokens.user_for(key.decode("ascii"))
        except UnicodeDecodeError:
            user = None
        if user is None or not user.is_active:
            raise AuthenticationFailed(
                "This API token is unknown or revoked: make a new one on your page of API tokens."
            )
        return user, KEYWORD

    def authenticate_header(self, request: Request) -> str:  # noqa: ARG002 - DRF's signature
        """Because this is set, and ours is the first class, a refused anonymous request is a 401 and not a 403."""
        return f'{KEYWORD} realm="api"'
