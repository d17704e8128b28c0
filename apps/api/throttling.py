"""How often one caller may ask: see DEFAULT_THROTTLE_RATES in the settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rest_framework import throttling
from rest_framework.request import Request

from apps.accounts.requests import address_of

if TYPE_CHECKING:  # it reads the settings that name this module
    from rest_framework.views import APIView


class AnonRateThrottle(throttling.AnonRateThrottle):
    """Counts by address, and believes X-Forwarded-For only where the operator's own proxies wrote it."""

    def get_ident(self, request: Request) -> str:
        return address_of(request._request)


class UserRateThrottle(throttling.UserRateThrottle):
    """Counts by account, whatever key or session it comes with."""

    def get_ident(self, request: Request) -> str:
        return address_of(request._request)


class UploadRateThrottle(throttling.UserRateThrottle):
    """Uploads by account, on top of the rate for all its requests."""

    scope = "upload"

    def allow_request(self, request: Request, view: APIView) -> bool:
        return request.method != "POST" or super().allow_request(request, view)
