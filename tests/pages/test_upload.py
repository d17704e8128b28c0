import json
from pathlib import Path

import av
import numpy as np
import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import Settings

from apps.accounts.models import User
from apps.videos.models import Video

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def own_media(tmp_path: Path, settings: Settings) -> None:
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A second of a moving grey in H.264."""
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(10):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), number * 20, np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path.read_bytes()


def form(data: bytes, name: str = "My_talk.mp4", **fields: str) -> dict[str, object]:
    details = {"title": "", "description": "", "tags": "", "language": "en", "visibility": "public"}
    return {**details, **fields, "file": SimpleUploadedFile(name, data, "video/mp4")}


def files_kept() -> list[Path]:
    return [path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()]


def test_it_asks_the_anonymous_to_sign_in_first(client: Client, clip: bytes) -> None:
    for response in (client.get("/upload/"), client.post("/upload/", form(clip))):
        assert response.status_code == 302
        assert "/accounts/sign-in/?next=/upload/" in response.headers["Location"]
    assert files_kept() == []


def test_it_tells_the_limits_before_anything_is_sent(client: Client, owner: User, settings: Settings) -> None:
    settings.UPLOAD_MAX_BYTES = 5_000_000
    client.force_login(owner)
    html = client.get("/upload/").content.decode()
    assert 'data-max-bytes="5000000"' in html
    assert 'accept=".mp4,' in html
    assert 'enctype="multipart/form-data"' in html


def test_a_plain_form_uploads(client: Client, owner: User, clip: bytes) -> None:
    client.force_login(owner)
    response = client.post("/upload/", form(clip, tags="Roses, #garden", visibility="unlisted"))
    video = Video.objects.get()
    assert response.headers["Location"] == f"/watch/{video.pk}/"
    assert (video.title, video.visibility, video.owner) == ("My talk", "unlisted", owner)
    assert sorted(video.tags.values_list("name", flat=True)) == ["garden", "roses"]
    assert video.stage_runs.exists()


def test_a_script_gets_the_address_as_json(client: Client, owner: User, clip: bytes) -> None:
    client.force_login(owner)
    response = client.post("/upload/", form(clip, title="A talk"), headers={"Accept": "application/json"})
    assert response.status_code == 201
    assert response.json() == {"url": f"/watch/{Video.objects.get().pk}/"}


def test_it_wants_the_token_of_its_form(owner: User, clip: bytes) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(owner)
    assert client.post("/upload/", form(clip)).status_code == 403
    client.get("/upload/")
    token = client.cookies["csrftoken"].value
    assert client.post("/upload/", {**form(clip), "csrfmiddlewaretoken": token}).status_code == 302
    assert files_kept() != []


@pytest.mark.parametrize(
    ("data", "name", "status", "told"),
    [
        (b"", "empty.mp4", 400, "empty"),
        (b"just text " * 50, "text.mp4", 415, ""),
        (b"just text", "notes.txt", 415, "is not a kind of video"),
    ],
)
def test_bad_files_are_refused_with_the_reason_and_nothing_stays(
    client: Client, owner: User, data: bytes, name: str, status: int, told: str
) -> None:
    client.force_login(owner)
    page = client.post("/upload/", form(data, name, title="Kept"))
    assert page.status_code == status
    assert told in page.content.decode()
    answer = client.post("/upload/", form(data, name), headers={"Accept": "application/json"})
    assert answer.status_code == status
    assert told in json.dumps(answer.json()["errors"]["file"])
    assert not Video.objects.exists()
    assert files_kept() == []


def test_a_file_over_the_limit_is_refused(client: Client, owner: User, clip: bytes, settings: Settings) -> None:
    settings.UPLOAD_MAX_BYTES = 1000
    client.force_login(owner)
    response = client.post("/upload/", form(clip))
    assert response.status_code == 413
    assert "larger than" in response.content.decode()
    assert files_kept() == []


def test_the_same_file_again_is_refused_with_a_link_to_the_first(client: Client, owner: User, clip: bytes) -> None:
    client.force_login(owner)
    client.post("/upload/", form(clip))
    response = client.post("/upload/", form(clip))
    assert response.status_code == 409
    assert f'href="/watch/{Video.objects.get().pk}/"' in response.content.decode()


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("title", "x" * 201, "shorten"),
        ("language", "xx", ""),
        ("visibility", "everyone", ""),
        ("tags", "x" * 60, "tag"),
    ],
)
def test_details_that_cannot_stand_are_told_beside_their_field(
    client: Client, owner: User, clip: bytes, field: str, value: str, told: str
) -> None:
    client.force_login(owner)
    answer = client.post("/upload/", form(clip, **{field: value}), headers={"Accept": "application/json"})
    assert answer.status_code == 400
    assert told in answer.json()["errors"][field][0]
    page = client.post("/upload/", form(clip, **{field: value, "description": "kept text"}))
    assert page.status_code == 400
    assert "kept text" in page.content.decode()
    assert not Video.objects.exists()
    assert files_kept() == []


def test_a_form_without_a_file_asks_for_one(client: Client, owner: User) -> None:
    client.force_login(owner)
    response = client.post("/upload/", {"title": "Kept title"})
    assert response.status_code == 400
    html = response.content.decode()
    assert "Choose a video file first." in html
    assert "Kept title" in html


@pytest.mark.parametrize("name", ["../../etc/passwd.mp4", 'a"b.mp4', "a\nb.mp4", "🎬 film.mp4"])
def test_odd_names_become_titles_and_never_paths(client: Client, owner: User, clip: bytes, name: str) -> None:
    client.force_login(owner)
    client.post("/upload/", form(clip, name))
    video = Video.objects.get()
    assert "/" not in video.title
    assert "\n" not in video.title
    page = client.get(f"/watch/{video.pk}/")
    assert page.status_code == 200
