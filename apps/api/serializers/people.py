"""Who is calling."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers


class StorageSerializer(serializers.Serializer[Any]):
    """How much room the caller's uploads take."""

    used_bytes = serializers.IntegerField()
    quota_bytes = serializers.IntegerField(allow_null=True, help_text="Null: no limit.")


class MeSerializer(serializers.Serializer[Any]):
    """The caller's own account."""

    id = serializers.UUIDField()
    username = serializers.CharField()
    email = serializers.CharField()
    is_moderator = serializers.BooleanField()
    storage = StorageSerializer()
    unread_notices = serializers.IntegerField()
