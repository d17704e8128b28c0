"""What people fill in about their account."""

from typing import Any

from django import forms
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.forms import (
    AuthenticationForm,
    BaseUserCreationForm,
    PasswordChangeForm,
    PasswordResetForm,
)
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from apps.accounts import attempts
from apps.accounts.attempts import Act, TooManyAttemptsError
from apps.accounts.models import ApiToken, Invitation, User, username_key
from apps.accounts.requests import address_of

TOO_MANY = "too_many_attempts"  # the code of the form error, which views answer with 429


def _take(act: Act, *subjects: str) -> None:
    try:
        attempts.take(act, *subjects)
    except TooManyAttemptsError as error:
        raise ValidationError(str(error), code=TOO_MANY) from error


def _check_password(user: User, field: str, password: str, message: str) -> None:
    """Raises ValidationError where it is wrong. Whoever finds a browser signed in guesses no oftener than elsewhere.

    Call it in `clean`: where the attempts are used up, the error is the whole form's.
    """
    name = f"name:{user.username_key}"
    _take(Act.SIGN_IN, name)
    if not user.check_password(password):
        raise ValidationError({field: message})
    attempts.give_back(Act.SIGN_IN, name)


class SignInForm(AuthenticationForm):
    """User name and password, with a limit of attempts per address and per user name."""

    error_messages = {
        **AuthenticationForm.error_messages,
        "invalid_login": "This user name and password do not belong together. Capital letters matter in the password.",
    }

    def clean(self) -> dict[str, Any]:
        username = self.cleaned_data.get("username")
        if username is None or not self.cleaned_data.get("password"):
            return super().clean()
        address, name = f"address:{address_of(self.request)}", f"name:{username_key(username)}"
        _take(Act.SIGN_IN, address, name)
        cleaned = super().clean()
        # The address gets back this attempt only: else one could guess at others' passwords without end by signing in
        # to an account of one's own in between.
        attempts.give_back(Act.SIGN_IN, address)
        attempts.forget(Act.SIGN_IN, name)
        return cleaned


class AdminSignInForm(SignInForm, AdminAuthenticationForm):
    """The admin's own sign-in page, for moderators alone, with the same limit."""

    error_messages = {
        **SignInForm.error_messages,
        "invalid_login": "This user name and password are not a moderator's. Capital letters matter in the password.",
    }


class SignUpForm(BaseUserCreationForm["User"]):
    """A new account. An e-mail address is optional: without one, a forgotten password is an administrator's work."""

    class Meta:
        model = User
        fields = ("username", "email")
        labels = {"username": "User name", "email": "E-mail address (optional)"}
        help_texts = {
            "username": "Letters, digits and @ . + - _ only. Capital letters make no difference.",
            "email": "Needed to choose a new password when you forget yours. Shown to nobody.",
        }
        widgets = {
            "username": forms.TextInput(attrs={"autocomplete": "username", "autocapitalize": "none"}),
            "email": forms.EmailInput(attrs={"autocomplete": "email"}),
        }

    def __init__(self, *args: Any, request: HttpRequest | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request = request

    def clean(self) -> dict[str, Any] | None:
        _take(Act.SIGN_UP, f"address:{address_of(self.request)}")
        return super().clean()


class ResetForm(PasswordResetForm):
    """The e-mail address to which a link is sent, with a limit per sender and per address written to."""

    def __init__(self, *args: Any, request: HttpRequest | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"].label = "E-mail address"
        self.request = request

    def clean(self) -> dict[str, Any]:
        subjects = [f"address:{address_of(self.request)}"]
        if "email" in self.cleaned_data:
            subjects.append(f"email:{self.cleaned_data['email'].casefold()}")
        _take(Act.RESET, *subjects)
        return self.cleaned_data


class ProfileForm(forms.ModelForm[User]):
    """Name and e-mail address. A new address needs the password: whoever reads its mail can choose a new password."""

    current_password = forms.CharField(
        label="Your password",
        required=False,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        help_text="Only needed to change the e-mail address.",
    )

    class Meta:
        model = User
        fields = ("first_name", "last_name", "email")
        labels = {"email": "E-mail address"}
        help_texts = {"email": "Needed to choose a new password when you forget yours. Shown to nobody."}
        widgets = {
            "first_name": forms.TextInput(attrs={"autocomplete": "given-name"}),
            "last_name": forms.TextInput(attrs={"autocomplete": "family-name"}),
            "email": forms.EmailInput(attrs={"autocomplete": "email"}),
        }

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        if "email" in self.changed_data and "email" in self.cleaned_data:
            given = self.cleaned_data.get("current_password", "")
            _check_password(self.instance, "current_password", given, "Write your password to change the address.")
        return cleaned


class ChangeForm(PasswordChangeForm):
    """The old password and a new one, twice."""

    def clean_old_password(self) -> str:
        """As it is: `clean` looks whether it is right."""
        old: str = self.cleaned_data["old_password"]
        return old

    def clean(self) -> dict[str, Any]:
        if "old_password" in self.cleaned_data:
            message = str(self.error_messages["password_incorrect"])
            _check_password(self.user, "old_password", self.cleaned_data["old_password"], message)
        return super().clean() or self.cleaned_data


class TokenForm(forms.ModelForm[ApiToken]):
    class Meta:
        model = ApiToken
        fields = ("name",)
        labels = {"name": "What is it for?"}
        help_texts = {"name": "A name by which you recognise it, as “backup script”."}
        widgets = {"name": forms.TextInput(attrs={"autocomplete": "off"})}


class InvitationForm(forms.ModelForm[Invitation]):
    class Meta:
        model = Invitation
        fields = ("note",)
        labels = {"note": "For whom? (optional)"}
        help_texts = {"note": "A note for you and the other moderators."}
        widgets = {"note": forms.TextInput(attrs={"autocomplete": "off"})}


class DeleteAccountForm(forms.Form):
    """The password once more, before everything goes."""

    password = forms.CharField(
        label="Your password",
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        if "password" in self.cleaned_data:
            _check_password(self.user, "password", self.cleaned_data["password"], "This is not your password.")
        return cleaned
