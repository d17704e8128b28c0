import re

import pytest
from django.core.cache import cache
from django.test import Client
from pytest_django import Settings

from apps.accounts.models import User
from apps.classification.models import Topic, TopicPrediction
from apps.classification.topics import confirm_topic
from apps.pages.transcript_panel import PART_CUES
from apps.pipeline.models import StageRun
from apps.transcription.expected_words import described_digest
from apps.transcription.models import Cue
from apps.videos.models import ModerationState, Report, Tag, Video, Visibility, WatchPosition
from tests.pages.conftest import MakeVideo, add_run, add_transcript

pytestmark = pytest.mark.django_db


def watch(client: Client, video: Video, query: str = "") -> str:
    response = client.get(f"/watch/{video.pk}/{query}")
    assert response.status_code == 200
    return response.content.decode()


@pytest.mark.parametrize(
    ("changes", "status_of_others"),
    [
        ({}, 200),
        ({"visibility": Visibility.UNLISTED}, 200),
        ({"visibility": Visibility.PRIVATE}, 404),
        ({"moderation_state": ModerationState.PENDING}, 404),
        ({"moderation_state": ModerationState.REJECTED}, 404),
    ],
)
@pytest.mark.parametrize("address", ["/watch/{}/", "/watch/{}/report/"])
def test_it_opens_to_those_who_may_see_the_video(
    client: Client,
    make_video: MakeVideo,
    owner: User,
    stranger: User,
    moderator: User,
    changes: dict[str, str],
    status_of_others: int,
    address: str,
) -> None:
    url = address.format(make_video(**changes).pk)
    assert client.get(url).status_code == status_of_others
    for user, status in ((stranger, status_of_others), (owner, 200), (moderator, 200)):
        client.force_login(user)
        assert client.get(url).status_code == status


def test_the_player_gets_captions_storyboard_and_poster(client: Client, make_video: MakeVideo) -> None:
    video = make_video(poster_name="poster.jpg", storyboard_name="storyboard.vtt")
    add_transcript(video)
    add_transcript(video, language="de")
    html = watch(client, video)
    assert f'src="/videos/{video.pk}/files/web.mp4"' in html
    assert f'src="/videos/{video.pk}/captions.en.vtt"' in html
    assert f'src="/videos/{video.pk}/captions.de.vtt"' in html
    assert f'src="/videos/{video.pk}/files/storyboard.vtt"' in html
    assert f'poster="/videos/{video.pk}/files/poster.jpg"' in html
    for form in ("vtt", "srt", "txt", "json"):
        assert f"captions.en.{form}?download=1" in html


def test_each_word_leads_to_its_second_without_scripts(client: Client, video: Video) -> None:
    add_transcript(video)
    html = watch(client, video)
    word = re.search(r'<a class="word doubtful"\s+href="\?t=2\.85s"[^>]*>number1</a>', html)
    assert word, "the second word of the second cue begins at 2.85 s and is marked, being doubtful"
    assert re.search(r'<a class="word"\s+href="\?t=2s"', html)


def test_what_was_said_is_no_markup(client: Client, video: Video) -> None:
    transcript = add_transcript(video, cues=1)
    Cue.objects.filter(transcript=transcript).update(text="<script>x</script> & so", words=[])
    html = watch(client, video)
    assert "<script>x" not in html
    assert "&lt;script&gt;x&lt;/script&gt; &amp; so" in html


@pytest.mark.parametrize(("query", "start_ms"), [("?t=1m30s", 90_000), ("?t=90", 90_000), ("?t=1:30", 90_000)])
def test_it_starts_where_the_link_says(client: Client, video: Video, query: str, start_ms: int) -> None:
    html = watch(client, video, query)
    assert f'data-start-ms="{start_ms}"' in html
    assert "files/web.mp4#t=90" in html, "the browser's own player starts there too"
    assert f'value="http://testserver/watch/{video.pk}/?t=1m30s"' in html


def test_a_time_past_the_end_is_the_end_and_nonsense_is_ignored(client: Client, video: Video) -> None:
    assert 'data-start-ms="119999"' in watch(client, video, "?t=5h")
    assert "data-start-ms" not in watch(client, video, "?t=soon&part=x&lang=xx")


def test_a_long_transcript_comes_in_parts(client: Client, make_video: MakeVideo) -> None:
    video = make_video(duration_ms=10_000_000)
    add_transcript(video, cues=PART_CUES + 5)
    first = watch(client, video)
    assert ">number0<" in first
    assert f">number{PART_CUES}<" not in first
    assert f">number{PART_CUES}<" in watch(client, video, "?part=2")
    assert f">number{PART_CUES}<" in watch(client, video, f"?t={PART_CUES * 2 + 2}"), "the part in which ?t= lies"


def test_the_transcript_can_be_read_in_another_language(client: Client, video: Video) -> None:
    add_transcript(video, cues=1)
    german = add_transcript(video, cues=1, language="de")
    html = watch(client, video, "?lang=de")
    assert f'data-transcript="{german.pk}"' in html
    assert "?lang=de&amp;t=0s" in html, "a word keeps the language that was chosen"


def test_words_are_found_in_the_video_without_scripts(client: Client, video: Video) -> None:
    add_transcript(video, cues=4)
    html = watch(client, video, "?q=ROSES")
    assert html.count("<mark>roses</mark>") == 4
    assert re.search(r"data-matches>1 of 4<", html)
    assert 'href="?q=ROSES&amp;match=2#match"' in html
    assert 'href="?q=ROSES&amp;match=4#match"' in html, "the one before the first is the last"
    third = watch(client, video, "?q=roses&match=3")
    assert re.search(r'class="cue is-chosen"\s+id="match"\s+data-position="2"', third)
    assert re.search(r"3 of 4", third)
    assert re.search(r"4 of 4", watch(client, video, "?q=roses&match=99"))
    assert re.search(r"3 of 4", watch(client, video, "?q=roses&t=5s")), "the first that is said then or later"


def test_a_match_goes_over_words_captions_and_accents(client: Client, video: Video) -> None:
    transcript = add_transcript(video, cues=2)
    Cue.objects.filter(transcript=transcript, position=1).update(text="Mașini & so", words=[])
    html = watch(client, video, "?q=number0+masini")
    assert "<mark>number0</mark>" in html
    assert "<mark>Mașini</mark> &amp; so" in html
    assert re.search(r"1 of 1", html)


def test_the_part_with_the_match_is_shown(client: Client, make_video: MakeVideo) -> None:
    video = make_video(duration_ms=10_000_000)
    add_transcript(video, cues=PART_CUES + 5)
    html = watch(client, video, f"?q=number{PART_CUES + 3}")
    assert f"<mark>number{PART_CUES + 3}</mark>" in html
    assert "Part 2 of 2" in html
    assert "<mark>" not in watch(client, video, f"?q=number{PART_CUES + 3}&part=1")


@pytest.mark.parametrize(
    "query", ["?q=%22", "?q=%00&match=x", "?q=" + "x" * 3_000, "?q=%3Cscript%3Ealert(1)", "?match=3"]
)
def test_nothing_that_one_can_look_for_in_a_video_breaks_it(client: Client, video: Video, query: str) -> None:
    assert client.get(f"/watch/{video.pk}/{query}").status_code == 200, "without captions"
    add_transcript(video)
    html = watch(client, video, query)
    assert "<mark>" not in html
    assert "<script>alert" not in html


def test_it_says_so_where_nothing_matches(client: Client, video: Video) -> None:
    add_transcript(video)
    assert "Not found" in watch(client, video, "?q=lilies")
    assert "Not found" not in watch(client, video)


def test_it_tells_the_topic_with_its_probability(client: Client, video: Video) -> None:
    topic, _ = Topic.objects.get_or_create(label="tech", defaults={"name": "Technology"})
    prediction = TopicPrediction.objects.create(video=video, topic=topic, probability=0.93, classifier="test")
    assert re.search(rf"{topic.name} ·\s+93 %", watch(client, video))
    prediction.topic = None
    prediction.save()
    assert "Topic unknown" in watch(client, video)


def shown_probabilities(html: str) -> list[str]:
    """What is read aloud of each row: a bar is hidden."""
    chart = re.search(r'<ol class="bars".*?</ol>', html, re.DOTALL)
    rows = re.findall(r"<li.*?</li>", chart[0], re.DOTALL) if chart else []
    return [
        " ".join(re.sub(r'<svg[^>]*aria-hidden="true".*?</svg>|<[^>]+>', "", row, flags=re.S).split()) for row in rows
    ]


def test_it_shows_how_likely_each_topic_is_in_words_and_as_bars(client: Client, video: Video) -> None:
    topic = Topic.objects.get(label="tech")
    Topic.objects.filter(label="sport").update(name="Games")
    shares = {"sport": 0.05, "tech": 0.93, "gone": 0.02}
    prediction = TopicPrediction.objects.create(
        video=video, topic=topic, probability=0.93, probabilities=shares, classifier="test"
    )
    html = watch(client, video)
    assert shown_probabilities(html) == [f"{topic.name}, 93 %", "Games, 5 %", "gone, 2 %"]
    assert re.findall(r'<rect width="([\d.]+)"', html) == ["0.9300", "0.0500", "0.0200"]
    assert html.count('class="chosen"') == 1
    assert "No topic was likely enough" not in html
    prediction.topic = None
    prediction.save()
    assert "No topic was likely enough" in watch(client, video)
    prediction.is_confirmed = True
    prediction.save()
    html = watch(client, video)
    assert "No topic was likely enough" not in html, "a moderator's unknown says nothing of that"
    assert len(shown_probabilities(html)) == 3


def test_it_shows_no_bars_where_no_classifier_has_read_the_video(client: Client, video: Video, moderator: User) -> None:
    assert shown_probabilities(watch(client, video)) == []
    confirm_topic(video, Topic.objects.get(label="tech"), by=moderator)
    html = watch(client, video)
    assert "confirmed" in html
    assert 'id="probabilities"' not in html


def test_it_shows_description_and_tags_as_text(client: Client, video: Video) -> None:
    video.description = "See https://example.org <b>now</b>"
    video.save()
    video.tags.add(Tag.objects.create(name="c++ & co"))
    html = watch(client, video)
    assert '<a href="https://example.org" rel="nofollow">' in html
    assert "<b>now" not in html
    assert "/search/?q=c%2B%2B%20%26%20co" in html


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


def test_it_remembers_where_a_person_stopped(client: Client, video: Video, stranger: User) -> None:
    url = f"/watch/{video.pk}/position/"
    assert client.post(url, {"position_ms": "60000"}).status_code == 302, "the anonymous keep it in their browser"
    client.force_login(stranger)
    assert client.post(url, {"position_ms": "60000"}).status_code == 204
    assert 'data-resume-ms="60000"' in watch(client, video)
    assert 'data-resume-ms="0"' in watch(client, video, "?t=5"), "the link wins"


@pytest.mark.parametrize("position", ["", "-1", "1.5", "soon", "9" * 40, "²"])
def test_it_refuses_a_position_that_is_none(client: Client, video: Video, stranger: User, position: str) -> None:
    client.force_login(stranger)
    assert client.post(f"/watch/{video.pk}/position/", {"position_ms": position}).status_code == 400
    assert not WatchPosition.objects.exists()


def test_a_viewer_can_report_a_video(client: Client, video: Video) -> None:
    url = f"/watch/{video.pk}/report/"
    response = client.post(url, {"reason": "nonsense", "details": "kept text"})
    assert response.status_code == 400
    assert "kept text" in response.content.decode()
    assert client.post(url, {"reason": "privacy", "details": "my face"}).status_code == 302
    report = Report.objects.get()
    assert (report.reason, report.details, report.reporter) == ("privacy", "my face", None)


def test_only_moderators_decide(client: Client, make_video: MakeVideo, owner: User, moderator: User) -> None:
    video = make_video(moderation_state=ModerationState.PENDING)
    url = f"/watch/{video.pk}/moderate/"
    client.force_login(owner)
    assert "Approve" not in watch(client, video)
    assert client.post(url, {"act": "approve"}).status_code == 403
    client.force_login(moderator)
    assert "Approve" in watch(client, video)
    client.post(url, {"act": "approve"})
    video.refresh_from_db()
    assert video.is_published
    assert "Say why" in client.post(url, {"act": "reject"}, follow=True).content.decode()
    client.post(url, {"act": "reject", "reason": "Not yours"})
    video.refresh_from_db()
    assert video.moderation_state == ModerationState.REJECTED
    client.force_login(owner)
    assert "Not yours" in watch(client, video)


def test_a_moderator_confirms_the_topic(client: Client, video: Video, moderator: User) -> None:
    topic, _ = Topic.objects.get_or_create(label="sport", defaults={"name": "Sport"})
    client.force_login(moderator)
    client.post(f"/watch/{video.pk}/moderate/", {"act": "topic", "topic": "sport"})
    prediction = TopicPrediction.objects.get(video=video)
    assert (prediction.topic, prediction.is_confirmed) == (topic, True)
    assert client.post(f"/watch/{video.pk}/moderate/", {"act": "topic", "topic": "astrology"}).status_code == 404


@pytest.mark.parametrize(
    "changes",
    [{"visibility": Visibility.UNLISTED}, {"visibility": Visibility.PRIVATE}, {"moderation_state": "pending"}],
)
def test_search_engines_are_kept_from_what_nobody_may_find(
    client: Client, owner: User, make_video: MakeVideo, changes: dict[str, str]
) -> None:
    client.force_login(owner)
    html = watch(client, make_video(title="Not for everybody", **changes))
    assert '<meta name="robots" content="noindex">' in html
    assert 'property="og:' not in html


def test_a_listed_video_says_what_it_is_where_it_is_linked(client: Client, make_video: MakeVideo) -> None:
    video = make_video(title='Roses & "thorns"', description="On <gardens>.", poster_name="poster.jpg")
    html = watch(client, video)
    assert "noindex" not in html
    assert '<meta property="og:title" content="Roses &amp; &quot;thorns&quot;">' in html
    assert '<meta name="description" content="On &lt;gardens&gt;.">' in html
    assert f'<meta property="og:image" content="http://testserver/videos/{video.pk}/files/poster.jpg">' in html


def test_visitors_reports_are_limited(client: Client, video: Video, owner: User, settings: Settings) -> None:
    settings.SIGN_IN_ATTEMPTS_PER_HOUR = 1
    cache.clear()
    address = f"/watch/{video.pk}/report/"
    assert client.post(address, {"reason": "other"}).status_code == 302
    refused = client.post(address, {"reason": "other", "details": "Again."})
    assert refused.status_code == 429
    assert "Too many attempts" in refused.content.decode()
    assert "Again." in refused.content.decode(), "what was written is kept"
    assert Report.objects.count() == 1
    client.force_login(owner)
    assert client.post(address, {"reason": "other"}).status_code == 302
