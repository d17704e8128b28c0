"""The stages of a video that is being processed, on its page and in the status that the page asks for."""

import re

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.classification.models import TopicPrediction
from apps.pipeline.models import StageRun
from apps.transcription.expected_words import described_digest
from apps.videos.models import Video, Visibility
from tests.pages.conftest import MakeVideo, add_run, add_transcript, watch

pytestmark = pytest.mark.django_db


def test_it_shows_each_stage_while_the_video_is_processed(client: Client, make_video: MakeVideo) -> None:
    video = make_video(web_name="")
    add_run(video, "probe", StageRun.State.DONE)
    add_run(video, "transcribe", StageRun.State.RUNNING, progress=0.42, message="1 of 2 minutes recognised")
    html = watch(client, video)
    assert 'value="42"' in html
    assert "1 of 2 minutes recognised" in html
    assert 'hx-trigger="every 1s"' in html
    assert "<video" not in html
    assert "The player appears here by itself" in html


def test_it_asks_no_more_when_all_is_done(client: Client, video: Video) -> None:
    add_run(video, "probe", StageRun.State.DONE)
    assert 'hx-trigger="every 1s"' not in watch(client, video)


def test_only_the_owner_may_run_a_failed_stage_again_and_only_moderators_read_the_error(
    client: Client, video: Video, owner: User, stranger: User, moderator: User
) -> None:
    add_run(video, "probe", StageRun.State.DONE)
    add_run(video, "transcribe", StageRun.State.FAILED, message="The sound is broken.", error="Traceback: secret")
    client.force_login(stranger)
    html = watch(client, video)
    assert "Run again" not in html
    assert "The sound is broken." not in html
    client.force_login(owner)
    html = watch(client, video)
    assert "Run again" in html
    assert "The sound is broken." in html
    assert "Traceback" not in html
    client.force_login(moderator)
    assert "Traceback: secret" in watch(client, video)


def test_run_again_queues_the_stage(client: Client, video: Video, owner: User, stranger: User) -> None:
    add_run(video, "probe", StageRun.State.DONE)
    run = add_run(video, "transcribe", StageRun.State.FAILED)
    url = f"/watch/{video.pk}/run-again/"
    assert client.post(url, {"stage": "transcribe"}).status_code == 302
    client.force_login(stranger)
    assert client.post(url, {"stage": "transcribe"}).status_code == 404
    client.force_login(owner)
    assert client.get(url).status_code == 405
    client.post(url, {"stage": "nonsense"})
    run.refresh_from_db()
    assert run.state == StageRun.State.FAILED
    client.post(url, {"stage": "transcribe"})
    run.refresh_from_db()
    assert run.state == StageRun.State.QUEUED


def test_a_changed_title_offers_its_owner_to_recognise_again(
    client: Client, video: Video, owner: User, stranger: User
) -> None:
    add_run(video, "probe", StageRun.State.DONE)
    run = add_run(video, "transcribe", StageRun.State.DONE)
    transcript = add_transcript(video)
    client.force_login(owner)
    assert "Recognise again" not in watch(client, video), "its recogniser takes no words"
    transcript.described_digest = described_digest(video)
    transcript.save()
    assert "Recognise again" not in watch(client, video)
    video.title = "A talk on the gardens of Timișoara"
    video.save()
    assert "Recognise again" in watch(client, video)
    client.force_login(stranger)
    assert "Recognise again" not in watch(client, video)
    client.force_login(owner)
    client.post(f"/watch/{video.pk}/run-again/", {"stage": "transcribe"})
    run.refresh_from_db()
    assert run.state == StageRun.State.QUEUED
    assert "Recognise again" not in watch(client, video), "it is under way"


def status(client: Client, video: Video, query: str = "") -> tuple[int, str]:
    response = client.get(f"/watch/{video.pk}/status/{query}", headers={"HX-Request": "true"})
    return response.status_code, response.content.decode()


def test_the_status_answers_only_what_changed(client: Client, video: Video) -> None:
    run = add_run(video, "transcribe", StageRun.State.RUNNING, progress=0.1)
    code, html = status(client, video, "?player=1")
    assert code == 200
    seen = re.search(r"seen=([0-9a-f]+)", html)
    assert seen
    assert status(client, video, f"?player=1&seen={seen[1]}") == (204, "")
    run.progress = 0.2
    run.save()
    code, html = status(client, video, f"?player=1&seen={seen[1]}")
    assert code == 200
    assert 'value="20"' in html


def test_the_status_tells_of_other_probabilities_and_of_a_moderators_word(client: Client, video: Video) -> None:
    add_run(video, "transcribe", StageRun.State.RUNNING)
    prediction = TopicPrediction.objects.create(
        video=video, topic=None, probability=0.5, probabilities={"tech": 0.5, "sport": 0.3}, classifier="test"
    )
    changes: list[dict[str, object]] = [{"probabilities": {"tech": 0.5, "sport": 0.4}}, {"is_confirmed": True}]
    for change in changes:
        _, html = status(client, video, "?player=1")
        seen = re.search(r"seen=([0-9a-f]+)", html)
        assert seen
        assert status(client, video, f"?player=1&seen={seen[1]}") == (204, "")
        TopicPrediction.objects.filter(pk=prediction.pk).update(**change)
        assert status(client, video, f"?player=1&seen={seen[1]}")[0] == 200, change


def test_the_player_arrives_when_the_video_can_be_played(client: Client, make_video: MakeVideo) -> None:
    video = make_video(web_name="")
    add_run(video, "render", StageRun.State.RUNNING)
    assert "<video" not in status(client, video, "?player=0")[1]
    Video.objects.filter(pk=video.pk).update(web_name="web.mp4")
    html = status(client, video, "?player=0")[1]
    assert "<video" in html
    assert 'hx-swap-oob="true"' in html
    assert "<video" not in status(client, video, "?player=1")[1], "a player that is there is left alone"


def test_the_status_tells_of_captions_that_are_still_being_made(client: Client, video: Video) -> None:
    add_run(video, "transcribe", StageRun.State.RUNNING)
    assert 'data-tracks="[]"' in status(client, video)[1]
    transcript = add_transcript(video, cues=1, complete=False)
    html = status(client, video)[1]
    assert str(transcript.pk) in html
    assert "&quot;is_complete&quot;: false" in html


def test_the_status_of_a_hidden_video_is_hidden(client: Client, make_video: MakeVideo) -> None:
    assert status(client, make_video(visibility=Visibility.PRIVATE))[0] == 404


def test_without_htmx_the_status_is_the_page(client: Client, video: Video) -> None:
    assert client.get(f"/watch/{video.pk}/status/").headers["Location"] == f"/watch/{video.pk}/"


def test_a_language_without_recogniser_is_told_with_a_way_out(
    client: Client, make_video: MakeVideo, owner: User
) -> None:
    video = make_video(language="cy")
    add_run(video, "transcribe", StageRun.State.SKIPPED, message="No recogniser for Welsh is set up.")
    client.force_login(owner)
    html = watch(client, video)
    assert "No recogniser for Welsh is set up." in html
    assert f'href="/videos/{video.pk}/captions/"' in html
