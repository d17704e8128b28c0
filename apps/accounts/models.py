"""People who upload, watch and moderate; the tokens of their programs; invitations."""

from __future__ import annotations

import unicodedata
import uuid
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractUser
from django.contrib.auth.models import UserManager as DjangoUserManager
from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone


def username_key(username: str) -> str:
    """What two user names that people would take for the same have in common: compatibility form, without case."""
    return unicodedata.normalize("NFKC", username).casefold()


class UserManager(DjangoUserManager["User"]):
    """Finds people by their user name, however they write its case."""

    use_in_migrations = False

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(username_key=username_key(username or ""))

    async def aget_by_natural_key(self, username: str | None) -> User:
        return await self.aget(username_key=username_key(username or ""))


class User(AbstractUser):
    """A person with an account. `is_staff` marks moderators, `is_superuser` administrators."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # Kept by `save()`. A column of its own, because databases fold the case of ASCII letters only, or not at all.
    # Longer than the user name, because folding can lengthen it ("ß" becomes "ss").
    username_key = models.CharField(max_length=600, unique=True, editable=False)
    # Null: the portal's USER_QUOTA_BYTES holds. 0: no limit.
    quota_bytes = models.PositiveBigIntegerField(
        "quota in bytes",
        null=True,
        blank=True,
        help_text="How much this person may upload. Empty: the portal's own limit (USER_QUOTA_MB). 0: no limit.",
    )

    objects: ClassVar[UserManager] = UserManager()

    def clean(self) -> None:
        """Raises ValidationError for a user name that differs from somebody's by its case alone."""
        super().clean()
        # Empty or None where the form has refused it already.
        key = username_key(self.username or "")
        if key and User.objects.filter(username_key=key).exclude(pk=self.pk).exists():
            raise ValidationError({"username": "A user with that username already exists."})

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.username_key = username_key(self.username)
        fields = kwargs.get("update_fields")
        if fields is not None and "username" in fields:
            kwargs["update_fields"] = {*fields, "username_key"}
        super().save(*args, **kwargs)

    @property
    def is_moderator(self) -> bool:
        return self.is_active and self.is_staff


class ApiToken(models.Model):
    """A key for programs, kept as a SHA-256 digest only; the key itself is shown once, when it is made."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=100)
    digest = models.CharField(max_length=64, unique=True, editable=False)  # hex
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ("-created_at",)
        verbose_name = "API token"

    def __str__(self) -> str:
        return self.name


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def usable(self) -> InvitationQuerySet:
        """Neither accepted nor expired."""
        return self.filter(accepted_at__isnull=True, expires_at__gt=timezone.now())


class Invitation(models.Model):
    """Lets one person sign up where `SIGN_UP=invite`. Only the digest of the code is kept."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    digest = models.CharField(max_length=64, unique=True, editable=False)  # hex SHA-256
    note = models.CharField(max_length=200, blank=True)
    invited_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="invitations")
    accepted_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    # Beside `accepted_by`, which turns null again when that account is deleted: the invitation stays used.
    accepted_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()

    objects = InvitationQuerySet.as_manager()

    class Meta:
        ordering = ("-created_at",)

    def __str__(self) -> str:
        return self.note or str(self.id)

    @property
    def is_usable(self) -> bool:
        """See also `InvitationQuerySet.usable`."""
        return self.accepted_at is None and self.expires_at > timezone.now()
