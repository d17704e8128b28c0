"""Callers of the API by role, and a real small video to upload."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
from django.core.cache import cache
from pytest_django import Settings
from rest_framework.test import APIClient

from apps.accounts import tokens
from apps.accounts.models import User

CallAs = Callable[[User | None], APIClient]


@pytest.fixture(autouse=True)
def own_media_and_fresh_throttles(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"
    cache.clear()


@pytest.fixture
def call_as(db: None) -> CallAs:
    """A client that calls with a real API token of the user; with none for None."""

    def client_of(user: User | None) -> APIClient:
        client = APIClient()
        if user is not None:
            _, key = tokens.issue(user, "tests")
            client.credentials(HTTP_AUTHORIZATION=f"Bearer {key}")
        return client

    return client_of


@pytest.fixture(scope="session")
def tiny_video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One second of moving grey and a 440 Hz tone: H.264 and AAC in MP4."""
    path = tmp_path_factory.mktemp("videos") / "tiny.mp4"
    with av.open(str(path), "w") as container:
        pictures = container.add_stream("libx264", rate=10, options={"preset": "ultrafast"})
        pictures.width, pictures.height, pictures.pix_fmt = 64, 48, "yuv420p"
        sound = container.add_stream("aac", rate=16_000, layout="mono")
        for number in range(10):
            image = np.full((48, 64, 3), 20 * number, dtype=np.uint8)
            container.mux(pictures.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(pictures.encode(None))
        seconds = np.arange(16_000, dtype=np.float32) / 16_000
        tone = (0.3 * np.sin(2 * np.pi * 440 * seconds)).astype(np.float32)[None, :]
        frame = av.AudioFrame.from_ndarray(tone, format="flt", layout="mono")
        frame.sample_rate = 16_000
        container.mux(sound.encode(frame))
        container.mux(sound.encode(None))
    return path
