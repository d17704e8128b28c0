"""The answers to a request that went wrong: what happened, and what to do next. Below /api/ they are JSON."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:  # noqa: ARG001
    text = "Something in the address or the form could not be read. Go back, correct it and try again."
    return _answer(request, 400, "bad_request", "That request did not make sense", text)


def permission_denied(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    text = str(exception or "") or "Your account does not have the right to do this."
    return _answer(request, 403, "permission_denied", "That is not yours to open", text)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:  # noqa: ARG001
    text = (
        "The video may have been deleted or made private, or the link may have lost a character. "
        "If it is yours, sign in first."
    )
    return _answer(request, 404, "not_found", "There is nothing at this address", text)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:  # noqa: ARG001
    """A form came without the token that shows it is ours: an old tab, cookies off, or another site's doing."""
    text = (
        "Nothing was changed. Go back, reload the page and send the form again. If it happens every time, allow "
        "cookies for this site."
    )
    return _answer(request, 403, "csrf_failed", "The form was too old", text)


def server_error(request: HttpRequest) -> HttpResponse:
    """Touches neither the database nor the built front end: either may be what is broken."""
    if _is_for_programs(request):
        text = "Something broke on our side, and it has been written to the log. Try again in a minute."
        return JsonResponse({"code": "error", "detail": text}, status=500)
    return HttpResponse(render_to_string("errors/500.html", {"site_name": settings.SITE_NAME}), status=500)


def _answer(request: HttpRequest, status: int, code: str, heading: str, text: str) -> HttpResponse:
    if _is_for_programs(request):
        return JsonResponse({"code": code, "detail": f"{heading}. {text}"}, status=status)
    return render(request, "errors/error.html", {"heading": heading, "text": text}, status=status)


def _is_for_programs(request: HttpRequest) -> bool:
    """The shape of these answers is that of `apps.api.errors`, which sees only what the API's own views refuse."""
    return request.path.startswith("/api/")
