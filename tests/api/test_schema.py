"""The OpenAPI document says what the code does, and the committed one is the same."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
import yaml
from django.core.management import call_command
from django.test import Client
from django.urls import URLPattern

from apps.api.urls import urlpatterns

COMMITTED = Path(__file__).resolve().parents[2] / "docs" / "openapi.yaml"


@pytest.fixture(scope="module")
def generated() -> str:
    """Fails where any operation cannot be described without a warning."""
    out = StringIO()
    call_command("spectacular", "--validate", "--fail-on-warn", stdout=out)
    return out.getvalue()


def test_the_committed_document_is_what_the_code_says(generated: str) -> None:
    assert COMMITTED.read_text(encoding="utf-8") == generated, (
        "Run: python manage.py spectacular --validate --fail-on-warn --file docs/openapi.yaml"
    )


def test_every_address_is_documented_with_its_refusals(generated: str) -> None:
    document = yaml.safe_load(generated)
    operations = [
        (path, method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    views = [pattern for pattern in urlpatterns if isinstance(pattern, URLPattern) and pattern.name != "elsewhere"]
    own = [pattern for pattern in views if str(pattern.pattern).startswith("v1/")]
    assert len({path for path, _, _ in operations}) == len(own)
    for path, method, operation in operations:
        assert operation["summary"], path
        answers = set(operation["responses"])
        assert "429" in answers, (path, method)
        assert "401" in answers, (path, method)
        assert not ("{video_id}" in path and "404" not in answers), (path, method)
        assert {"apiToken": []} in operation["security"], (path, method)


@pytest.mark.parametrize("path", ["/api/schema/", "/api/docs/", "/api/redoc/"])
def test_its_pages_open_and_load_nothing_from_elsewhere(client: Client, db: None, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    if path != "/api/schema/":
        text = answer.content.decode()
        assert "/static/drf_spectacular_sidecar/" in text
        assert "cdn." not in text
        assert "fonts.googleapis" not in text
