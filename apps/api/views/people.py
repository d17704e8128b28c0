"""Who is calling."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.api.access import signed_in
from apps.api.schema import refusals
from apps.api.serializers.people import MeSerializer
from apps.videos import notices, quota


class MeView(APIView):
    """The caller's own account."""

    permission_classes = (IsAuthenticated,)

    @extend_schema(
        operation_id="get_me",
        tags=["me"],
        summary="Who am I?",
        description="Whose token or session this is, and how much room their uploads take.",
        responses={200: MeSerializer, **refusals(401)},
    )
    def get(self, request: Request) -> Response:
        user = signed_in(request)
        me = {
            "id": user.pk,
            "username": user.username,
            "email": user.email,
            "is_moderator": user.is_moderator,
            "storage": {"used_bytes": quota.used_by(user), "quota_bytes": quota.limit_of(user) or None},
            "unread_notices": notices.unread_for(user).count(),
        }
        return Response(MeSerializer(me).data)
