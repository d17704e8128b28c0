"""Rules that every model of the project keeps."""

import pytest
from django.apps import apps
from django.db import models

OURS = [model for model in apps.get_models() if model.__module__.startswith("apps.")]


@pytest.mark.parametrize("model", OURS, ids=lambda model: model._meta.label)
def test_every_model_has_a_uuid_key(model: type[models.Model]) -> None:
    """So that the rows can live in a database that knows no counting keys."""
    assert isinstance(model._meta.pk, models.UUIDField)


@pytest.mark.parametrize("model", OURS, ids=lambda model: model._meta.label)
def test_foreign_keys_point_downward(model: type[models.Model]) -> None:
    layers = ["accounts", "videos", "transcription", "avsync", "classification", "search", "pipeline"]
    for field in model._meta.get_fields():
        related = field.related_model
        if not field.concrete or not isinstance(related, type) or not related.__module__.startswith("apps."):
            continue
        assert layers.index(related._meta.app_label) <= layers.index(model._meta.app_label), str(field)
