"""What views know about the request's sender."""

import ipaddress

from django.conf import settings
from django.http import HttpRequest

from apps.accounts.models import User


class SignedInRequest(HttpRequest):
    """A request that `login_required` let through."""

    user: User


def address_of(request: HttpRequest | None) -> str:
    """The sender's address as limits count it: an IPv6 household is its /64 network. "unknown" where there is none.

    X-Forwarded-For is believed only as far as the operator's own proxies (`PROXY_COUNT`) wrote it.
    """
    if request is None:
        return "unknown"
    address = str(request.META.get("REMOTE_ADDR", ""))
    forwarded = [part.strip() for part in str(request.META.get("HTTP_X_FORWARDED_FOR", "")).split(",") if part.strip()]
    if settings.PROXY_COUNT and forwarded:
        address = forwarded[-min(settings.PROXY_COUNT, len(forwarded))]
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:  # a Unix socket has no address
        return "unknown"
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(ipaddress.IPv6Network((parsed, 64), strict=False))
    return str(parsed)
