"""A real worker whose stages are replaced by verbs of `tests.pipeline.verbs`:  STAGE_VERBS="probe=sleep_for_ever"."""

import os
from dataclasses import replace

import django

django.setup()

from apps.pipeline.stages import STAGE_BY_NAME  # noqa: E402
from videoportal.celery import app  # noqa: E402

for pair in os.environ["STAGE_VERBS"].split(","):
    name, verb = pair.split("=")
    STAGE_BY_NAME[name] = replace(STAGE_BY_NAME[name], verb=f"tests.pipeline.verbs.{verb}")

__all__ = ["app"]
