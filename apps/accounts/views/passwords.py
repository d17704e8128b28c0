"""Changing a password, and choosing a new one when it is forgotten."""

from typing import Any

from django.conf import settings
from django.contrib.auth.forms import SetPasswordForm
from django.contrib.auth.views import (
    PasswordChangeView,
    PasswordResetConfirmView,
    PasswordResetDoneView,
    PasswordResetView,
)
from django.contrib.messages.views import SuccessMessageMixin
from django.http import HttpResponse
from django.shortcuts import resolve_url
from django.urls import reverse_lazy

from apps.accounts import attempts
from apps.accounts.attempts import Act
from apps.accounts.forms import ChangeForm, ResetForm
from apps.accounts.models import User
from apps.accounts.views.entry import status_of


class ChangeView(SuccessMessageMixin[Any], PasswordChangeView):
    form_class = ChangeForm
    template_name = "accounts/password_change.html"
    success_url = reverse_lazy("accounts:profile")
    success_message = "Your password is changed. Other browsers are signed out."

    def form_invalid(self, form: Any) -> HttpResponse:
        return self.render_to_response(self.get_context_data(form=form), status=status_of(form))


class ResetView(PasswordResetView):
    """Sends a link to the address. Says the same whether an account has that address or none."""

    form_class = ResetForm
    template_name = "accounts/password_reset.html"
    email_template_name = "accounts/password_reset_email.txt"
    subject_template_name = "accounts/password_reset_subject.txt"
    success_url = reverse_lazy("accounts:password-reset-done")

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "request": self.request}

    def form_valid(self, form: Any) -> HttpResponse:
        self.extra_email_context = {
            "portal_name": settings.SITE_NAME,
            "hours": settings.PASSWORD_RESET_TIMEOUT // 3600,
        }
        return super().form_valid(form)

    def form_invalid(self, form: Any) -> HttpResponse:
        return self.render_to_response(self.get_context_data(form=form), status=status_of(form))


class ResetDoneView(PasswordResetDoneView):
    template_name = "accounts/password_reset_done.html"


class ResetConfirmView(SuccessMessageMixin[Any], PasswordResetConfirmView):
    """Where the link leads, the first administrator's too. Whoever chooses the password is signed in."""

    template_name = "accounts/password_reset_confirm.html"
    post_reset_login = True
    success_message = "Your new password holds from now on, and you are signed in."

    def form_valid(self, form: "SetPasswordForm[User]") -> HttpResponse:
        # Whoever was locked out by somebody else's guesses comes in again.
        attempts.forget(Act.SIGN_IN, f"name:{form.user.username_key}")
        return super().form_valid(form)

    def get_success_url(self) -> str:
        return resolve_url(settings.LOGIN_REDIRECT_URL)
