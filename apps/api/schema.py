"""What the OpenAPI document says of every operation: how to sign in, what errors look like."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import build_bearer_security_scheme_object
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse
from rest_framework import serializers

from apps.api.authentication import KEYWORD
from apps.videos.languages import LANGUAGE_NAMES

LANGUAGE = OpenApiParameter(
    "language", OpenApiTypes.STR, OpenApiParameter.PATH, description="ISO 639-1 code.", enum=list(LANGUAGE_NAMES)
)


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """Tells the document, and the pages made from it, about `Authorization: Bearer <key>`."""

    target_class = "apps.api.authentication.TokenAuthentication"
    name = "apiToken"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:  # noqa: ARG002 - its signature
        return build_bearer_security_scheme_object(header_name="Authorization", token_prefix=KEYWORD)


class ErrorSerializer(serializers.Serializer[Any]):
    """Why a request was refused."""

    code = serializers.CharField(help_text="For programs; does not change.")
    detail = serializers.CharField(help_text="For people; says what to do.")


class InvalidSerializer(ErrorSerializer):
    """A request whose parameters or fields cannot be taken, and why."""

    fields = serializers.DictField(  # type: ignore[assignment]
        child=serializers.ListField(child=serializers.CharField()),
        required=False,
        help_text="Field or parameter -> what is wrong with it.",
    )


_REFUSALS: dict[int, tuple[str, str, str]] = {
    400: ("The request cannot be taken as it is.", "invalid", "from_date: Date has wrong format."),
    401: (
        "Nobody is signed in, or the token is not valid.",
        "not_authenticated",
        "Authentication credentials were not provided.",
    ),
    403: (
        "The caller may see this but not do that.",
        "permission_denied",
        "Only its owner or a moderator may change this video.",
    ),
    404: (
        "It does not exist, or the caller may not see it.",
        "not_found",
        "There is no such video, or you may not see it.",
    ),
    409: ("It does not go together with how things stand now.", "conflict", "This stage is running already."),
    413: ("The body is too large.", "too_large", "The file is larger than this portal takes."),
    429: (
        "Too many requests; `Retry-After` says how many seconds to wait.",
        "throttled",
        "Request was throttled. Expected available in 12 seconds.",
    ),
}


def refusals(*statuses: int) -> dict[int, OpenApiResponse]:
    """The error answers of an operation, for `extend_schema(responses=…)`. 429 comes with every operation."""
    documented: dict[int, OpenApiResponse] = {}
    for status in sorted({*statuses, 429}):
        description, code, detail = _REFUSALS[status]
        documented[status] = OpenApiResponse(
            InvalidSerializer if status == 400 else ErrorSerializer,
            description=description,
            examples=[
                OpenApiExample(
                    code, value={"code": code, "detail": detail}, response_only=True, status_codes=[str(status)]
                )
            ],
        )
    return documented
