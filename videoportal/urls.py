"""Which application answers which address."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("", include("apps.pages.urls")),
    path("accounts/", include("apps.accounts.urls")),
    path("", include("apps.videos.urls")),
    path("", include("apps.transcription.urls")),
    path("api/", include("apps.api.urls")),
    path("admin/", admin.site.urls),
]

handler400 = "apps.pages.errors.bad_request"
handler403 = "apps.pages.errors.permission_denied"
handler404 = "apps.pages.errors.not_found"
handler500 = "apps.pages.errors.server_error"
