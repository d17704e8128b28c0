"""Invitations: where `SIGN_UP=invite`, a link that lets one person make an account, once, for some days."""

from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from apps.accounts.digests import digest_of, new_secret
from apps.accounts.models import Invitation, User


class InvitationUsedError(Exception):
    """Somebody accepted the invitation first, or it has expired. Ask for a new one."""


def invite(by: User, note: str = "") -> tuple[Invitation, str]:
    """A new invitation and its code, which cannot be had again."""
    code = new_secret()
    expires_at = timezone.now() + timedelta(days=settings.INVITATION_DAYS)
    return Invitation.objects.create(digest=digest_of(code), note=note, invited_by=by, expires_at=expires_at), code


def usable(code: str) -> Invitation | None:
    """The invitation that `code` opens; None where it is unknown, accepted or expired."""
    return Invitation.objects.usable().filter(digest=digest_of(code)).first() if code else None


def accept(invitation: Invitation, user: User) -> None:
    """Uses the invitation up. Raises InvitationUsedError: call it in the transaction that makes the account."""
    accepted = Invitation.objects.usable().filter(pk=invitation.pk)
    if not accepted.update(accepted_by=user, accepted_at=timezone.now()):
        raise InvitationUsedError("This invitation has been used or has expired. Ask for a new one.")


def withdraw(invitation: Invitation) -> None:
    """The link no longer opens anything. One that was accepted stays, as a record of who invited whom."""
    Invitation.objects.filter(pk=invitation.pk, accepted_at__isnull=True).delete()
