"""Pages of long lists: `?page=2&page_size=50`."""

from __future__ import annotations

from typing import Any

from django.core.paginator import InvalidPage
from rest_framework import pagination
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request

MAX_PAGE_SIZE = 100


class PageNumberPagination(pagination.PageNumberPagination):
    """DRF's, except that a page or size that makes no sense is refused with the reason instead of being ignored."""

    page_size_query_param = "page_size"
    page_size_query_description = f"Number of results to return per page, from 1 to {MAX_PAGE_SIZE}."
    max_page_size = MAX_PAGE_SIZE

    def get_page_size(self, request: Request) -> int:
        given = request.query_params.get(self.page_size_query_param)
        if given is None:
            assert self.page_size is not None
            return self.page_size
        return _whole_number(given, self.page_size_query_param, at_most=MAX_PAGE_SIZE)

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:  # noqa: ARG002 - DRF's signature
        """Raises ValidationError for a `page` that is no number, NotFound for one past the last."""
        self.request = request
        number = _whole_number(request.query_params.get(self.page_query_param, "1"), self.page_query_param)
        paginator = self.django_paginator_class(queryset, self.get_page_size(request))
        try:
            self.page = paginator.page(number)
        except InvalidPage:
            raise NotFound(f"There is no page {number}: the last one is {paginator.num_pages}.") from None
        return list(self.page)


def _whole_number(given: str, name: str, *, at_most: int | None = None) -> int:
    bounds = f"a whole number from 1 to {at_most}" if at_most else "a whole number, 1 or more"
    number = int(given) if given.isascii() and given.isdigit() and len(given) <= 9 else 0
    if number < 1 or (at_most is not None and number > at_most):
        raise ValidationError({name: [f"Write {bounds}."]})
    return number
