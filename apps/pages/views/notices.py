"""What a person is told about their videos."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from apps.pages.people import signed_in
from apps.videos.models import Notice
from apps.videos.notices import mark_read

PAGE_SIZE = 50


@login_required
@require_safe
def notices(request: HttpRequest) -> HttpResponse:
    mine = Notice.objects.filter(user=signed_in(request)).select_related("video")
    page = Paginator(mine, PAGE_SIZE).get_page(request.GET.get("page"))
    return render(request, "notices/notices.html", {"page": page})


@login_required
@require_POST
def read(request: HttpRequest) -> HttpResponse:
    mark_read(signed_in(request))
    return redirect("pages:notices")
