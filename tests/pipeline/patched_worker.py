"""A real worker whose stages are replaced by verbs of `tests.pipeline.verbs`:  STAGE_VERBS="probe=sleep_for_ever"."""

import os
from dataclasses import replace

import django

django.setup()

from apps.pipeline.stages import STAGE_BY_NAME
from videoportal.celery import app

for pair in os.environ["STAGE_VERBS"].split(","):
    name, verb = pair.split("=")
    STAGE_BY_NAME[name] = replace(STAGE_BY_NAME[name], verb=f"tests.pipeline.verbs.{verb}")

__all__ = ["app"]
