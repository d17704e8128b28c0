"""The admin of accounts, for administrators."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.db import transaction
from django.db.models import Count, QuerySet, Sum
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat

from apps.accounts.models import ApiToken, Invitation, User
from apps.pages.administration.access import RecordAdmin, deletion_summary
from apps.pages.people import signed_in
from apps.videos.editing import delete_video


class TokenInline(admin.TabularInline[ApiToken, User]):
    """A person's tokens. Their keys are known to nobody; deleting one revokes it."""

    model = ApiToken
    extra = 0
    fields = readonly_fields = ("name", "created_at", "last_used_at")
    verbose_name_plural = "API tokens"

    def has_add_permission(self, request: HttpRequest, obj: User | None = None) -> bool:  # noqa: ARG002
        return False


@admin.register(User)
class PersonAdmin(UserAdmin[User]):
    list_display = (
        "username",
        "email",
        "is_active",
        "is_staff",
        "is_superuser",
        "video_count",
        "space",
        "quota_bytes",
        "date_joined",
    )
    list_filter = ("is_staff", "is_superuser", "is_active", "date_joined")
    filter_horizontal = ()
    readonly_fields = ("last_login", "date_joined")
    inlines = (TokenInline,)
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        ("Person", {"fields": ("first_name", "last_name", "email")}),
        (
            "Rights",
            {
                "fields": ("is_active", "is_staff", "is_superuser", "quota_bytes"),
                "description": "Staff moderate: they see, approve, reject, change and delete every video. Superusers "
                "administer: they also look after people, topics and invitations.",
            },
        ),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return super().get_queryset(request).annotate(videos_made=Count("videos"), bytes_used=Sum("videos__size_bytes"))

    def get_inlines(self, request: HttpRequest, obj: User | None) -> Any:
        return super().get_inlines(request, obj) if obj else ()

    @admin.display(description="videos", ordering="videos_made")
    def video_count(self, user: User) -> int:
        count: int = user.videos_made  # type: ignore[attr-defined]  # annotated above
        return count

    @admin.display(description="space used", ordering="bytes_used")
    def space(self, user: User) -> str:
        return filesizeformat(user.bytes_used or 0)  # type: ignore[attr-defined]  # annotated above

    def delete_model(self, request: HttpRequest, obj: User) -> None:
        """With the person's videos, each of which leaves an entry in the moderation log."""
        with transaction.atomic():
            for video in obj.videos.all():
                delete_video(video, by=signed_in(request), reason=f"The account {obj.username} was deleted.")
            obj.delete()

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        for user in list(queryset):
            self.delete_model(request, user)

    def get_deleted_objects(self, objs: Iterable[User], request: HttpRequest) -> Any:
        users = list(objs)
        named, count, lacking, protected = deletion_summary(users, "accounts", "with all videos, captions and tokens")
        if request.user in users:
            protected = ["Your own account: delete it from your profile, or let another administrator do it."]
        return named, count, lacking, protected


@admin.register(Invitation)
class InvitationAdmin(RecordAdmin[Invitation]):
    """Moderators make invitations on their page of the portal, the only place that ever knows the link."""

    list_display = ("__str__", "invited_by", "accepted_by", "accepted_at", "created_at", "expires_at")
    list_filter = ("accepted_at", "expires_at")
    list_select_related = ("invited_by", "accepted_by")
    search_fields = ("note", "invited_by__username", "accepted_by__username")
    fields = ("note", "invited_by", "accepted_by", "accepted_at", "created_at", "expires_at")
