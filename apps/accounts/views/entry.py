"""Signing in, up and out."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.views import LoginView, LogoutView, RedirectURLMixin
from django.core.exceptions import NON_FIELD_ERRORS
from django.db import IntegrityError, transaction
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render, resolve_url
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.generic import FormView

from apps.accounts import administrators, invitations
from apps.accounts.forms import TOO_MANY, SignInForm, SignUpForm
from apps.accounts.invitations import InvitationUsedError
from apps.accounts.models import Invitation, User


def status_of(form: BaseForm) -> int:
    """The HTTP status of a page that shows `form` again: 429 where the attempts are used up."""
    return 429 if form.has_error(NON_FIELD_ERRORS, TOO_MANY) else 200


class SignInView(LoginView):
    """Leads on to `next` where that is a page of this portal."""

    form_class = SignInForm
    template_name = "accounts/sign_in.html"
    redirect_authenticated_user = True

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(
            can_sign_up=settings.SIGN_UP == "open", is_administrator_awaited=administrators.is_awaited(), **kwargs
        )

    def form_invalid(self, form: BaseForm) -> HttpResponse:
        return self.render_to_response(self.get_context_data(form=form), status=status_of(form))


class SignOutView(LogoutView):
    """POST only: a link on another site must sign nobody out."""


@method_decorator([sensitive_post_parameters("password1", "password2"), never_cache], name="dispatch")
class SignUpView(RedirectURLMixin, FormView[SignUpForm]):
    """Makes an account and signs its owner in. `SIGN_UP` says who may: anyone, whoever has an invitation, or nobody.

    An invitation's code comes in the link, as `?code=…`.
    """

    form_class = SignUpForm
    template_name = "accounts/sign_up.html"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if isinstance(request.user, User):
            return HttpResponseRedirect(self.get_success_url())
        self.invitation = self._invitation()
        if settings.SIGN_UP == "closed":
            return self._refuse("Nobody can sign up here at the moment. Ask an administrator for an account.")
        if settings.SIGN_UP == "invite" and self.invitation is None:
            return self._refuse(
                "This invitation is not valid: it was used, has expired, or its link is not whole. Ask for a new one."
                if self._code()
                else "You need an invitation to sign up here. Ask a moderator for one, and open the link in it."
            )
        return super().dispatch(request, *args, **kwargs)

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "request": self.request}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(code=self._code(), next=self.get_redirect_url(), **kwargs)

    def form_valid(self, form: SignUpForm) -> HttpResponse:
        try:
            with transaction.atomic():
                user = form.save()
                if self.invitation is not None:
                    invitations.accept(self.invitation, user)
        except IntegrityError:  # somebody took the name between the form's check and here
            form.add_error("username", "A user with that username already exists.")
            return self.form_invalid(form)
        except InvitationUsedError as error:
            return self._refuse(str(error))
        login(self.request, user)
        messages.success(self.request, f"Welcome, {user.username}. Your account is ready.")
        return HttpResponseRedirect(self.get_success_url())

    def form_invalid(self, form: SignUpForm) -> HttpResponse:
        return self.render_to_response(self.get_context_data(form=form), status=status_of(form))

    def get_default_redirect_url(self) -> str:
        return resolve_url(settings.LOGIN_REDIRECT_URL)

    def _code(self) -> str:
        return self.request.POST.get("code") or self.request.GET.get("code", "")

    def _invitation(self) -> Invitation | None:
        return invitations.usable(self._code())

    def _refuse(self, reason: str) -> HttpResponse:
        return render(self.request, "accounts/sign_up_refused.html", {"reason": reason}, status=403)
