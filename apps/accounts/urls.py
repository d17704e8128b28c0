from django.urls import path
from django.views.generic import RedirectView

from apps.accounts.views import belongings, entry, passwords

app_name = "accounts"

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="accounts:profile")),
    path("sign-in/", entry.SignInView.as_view(), name="sign-in"),
    path("sign-out/", entry.SignOutView.as_view(), name="sign-out"),
    path("sign-up/", entry.SignUpView.as_view(), name="sign-up"),
    path("password-change/", passwords.ChangeView.as_view(), name="password-change"),
    path("password-reset/", passwords.ResetView.as_view(), name="password-reset"),
    path("password-reset/sent/", passwords.ResetDoneView.as_view(), name="password-reset-done"),
    path(
        "password-reset/<str:uidb64>/<str:token>/",
        passwords.ResetConfirmView.as_view(),
        name="password-reset-confirm",
    ),
    path("profile/", belongings.profile, name="profile"),
    path("delete/", belongings.delete_account, name="delete"),
    path("tokens/", belongings.tokens, name="tokens"),
    path("tokens/create/", belongings.create_token, name="token-create"),
    path("tokens/<uuid:token_id>/revoke/", belongings.revoke_token, name="token-revoke"),
    path("invitations/", belongings.invitations, name="invitations"),
    path("invitations/create/", belongings.create_invitation, name="invitation-create"),
    path("invitations/<uuid:invitation_id>/withdraw/", belongings.withdraw_invitation, name="invitation-withdraw"),
]
