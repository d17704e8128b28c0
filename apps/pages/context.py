"""What every page knows."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from apps.videos.notices import unread_for


def site(request: HttpRequest) -> dict[str, Any]:
    """The portal's name and the number of unread notices. One query where a page of a signed-in person shows it."""
    user = getattr(request, "user", None)

    def unread() -> int:
        return unread_for(user).count() if user is not None and user.is_authenticated else 0

    return {"site_name": settings.SITE_NAME, "unread_notices": SimpleLazyObject(unread)}
