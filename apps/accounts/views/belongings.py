"""What belongs to an account: the profile, API tokens and, for moderators, invitations."""

import uuid
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts import invitations as invitation_verbs
from apps.accounts import tokens as token_verbs
from apps.accounts.administrators import is_last_administrator
from apps.accounts.forms import DeleteAccountForm, InvitationForm, ProfileForm, TokenForm
from apps.accounts.models import Invitation, User
from apps.accounts.requests import SignedInRequest
from apps.accounts.tokens import TooManyTokensError
from apps.accounts.views.entry import status_of

INVITATIONS_SHOWN = 100  # the newest; older ones are in the admin


@login_required
@sensitive_post_parameters("current_password")
@require_http_methods(["GET", "HEAD", "POST"])
def profile(request: SignedInRequest) -> HttpResponse:
    # A copy: a form that is refused leaves its values on its instance, and the page's head shows `request.user`.
    form = ProfileForm(request.POST or None, instance=User.objects.get(pk=request.user.pk))
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, "Your profile is saved.")
        return redirect("accounts:profile")
    return render(request, "accounts/profile.html", {"form": form}, status=status_of(form) if form.is_bound else 200)


@login_required
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def delete_account(request: SignedInRequest) -> HttpResponse:
    """Deletes the account with all that hangs on it. A video's files go with its row: see `apps.videos.deletion`."""
    if is_last_administrator(request.user):
        raise PermissionDenied("You are the only administrator. Make somebody else one before you delete your account.")
    form = DeleteAccountForm(request.POST or None, user=request.user)
    if request.method == "POST" and form.is_valid():
        user = User.objects.get(pk=request.user.pk)  # `logout` takes the request's own
        logout(request)
        with transaction.atomic():
            user.delete()
        messages.success(request, "Your account and everything you uploaded are deleted.")
        return redirect(str(settings.LOGOUT_REDIRECT_URL))
    status = status_of(form) if form.is_bound else 200
    return render(request, "accounts/delete_account.html", {"form": form}, status=status)


@login_required
@never_cache
@require_safe
def tokens(request: SignedInRequest) -> HttpResponse:
    return _tokens_page(request, TokenForm())


@login_required
@never_cache
@require_POST
def create_token(request: SignedInRequest) -> HttpResponse:
    """Answers with the page itself instead of a redirect, so that the key is kept nowhere on its way to the person."""
    form = TokenForm(request.POST)
    if not form.is_valid():
        return _tokens_page(request, form)
    try:
        token, key = token_verbs.issue(request.user, form.cleaned_data["name"])
    except TooManyTokensError as error:
        form.add_error(None, str(error))
        return _tokens_page(request, form)
    return _tokens_page(request, TokenForm(), new_key=key, new_name=token.name)


def _tokens_page(request: SignedInRequest, form: TokenForm, *, new_key: str = "", new_name: str = "") -> HttpResponse:
    context = {
        "form": form,
        "tokens": request.user.api_tokens.all(),
        "new_key": new_key,
        "new_name": new_name,
        "example_url": request.build_absolute_uri("/api/v1/"),
    }
    return render(request, "accounts/tokens.html", context)


@login_required
@require_POST
def revoke_token(request: SignedInRequest, token_id: uuid.UUID) -> HttpResponse:
    token = get_object_or_404(request.user.api_tokens, pk=token_id)
    token_verbs.revoke(token)
    messages.success(request, f"“{token.name}” is revoked: its key opens nothing any more.")
    return redirect("accounts:tokens")


@login_required
@never_cache
@require_safe
def invitations(request: SignedInRequest) -> HttpResponse:
    _require_moderator(request)
    return _invitations_page(request, InvitationForm())


@login_required
@never_cache
@require_POST
def create_invitation(request: SignedInRequest) -> HttpResponse:
    """Answers with the page itself: see `create_token`."""
    _require_moderator(request)
    form = InvitationForm(request.POST)
    if not form.is_valid():
        return _invitations_page(request, form)
    _, code = invitation_verbs.invite(request.user, form.cleaned_data["note"])
    link = request.build_absolute_uri(reverse("accounts:sign-up") + "?" + urlencode({"code": code}))
    return _invitations_page(request, InvitationForm(), link=link)


def _invitations_page(request: SignedInRequest, form: InvitationForm, *, link: str = "") -> HttpResponse:
    shown = Invitation.objects.select_related("invited_by", "accepted_by")[:INVITATIONS_SHOWN]
    context = {
        "form": form,
        "invitations": shown,
        "link": link,
        "days": settings.INVITATION_DAYS,
        "sign_up": settings.SIGN_UP,
    }
    return render(request, "accounts/invitations.html", context)


@login_required
@require_POST
def withdraw_invitation(request: SignedInRequest, invitation_id: uuid.UUID) -> HttpResponse:
    _require_moderator(request)
    invitation_verbs.withdraw(get_object_or_404(Invitation, pk=invitation_id))
    messages.success(request, "The invitation is withdrawn: its link opens nothing any more.")
    return redirect("accounts:invitations")


def _require_moderator(request: SignedInRequest) -> None:
    if not request.user.is_moderator:
        raise PermissionDenied("Only moderators invite people.")
