"""The admin: what moderators and administrators see. It composes all apps, so it stands above them, here.

Django looks for this module; what it registers lies in `apps.pages.administration`.
"""

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import Group

from apps.accounts.forms import AdminSignInForm
from apps.pages.administration import people, records, reports, stages, sync, topics, transcripts, videos

__all__ = ["people", "records", "reports", "stages", "sync", "topics", "transcripts", "videos"]

admin.site.site_header = f"{settings.SITE_NAME}: moderation"
admin.site.site_title = settings.SITE_NAME
admin.site.index_title = "Moderation"
admin.site.login_form = AdminSignInForm

# Rights follow from `is_staff` and `is_superuser` alone (see `administration.access`): groups would promise more.
admin.site.unregister(Group)
