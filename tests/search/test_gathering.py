from pytest_django import DjangoAssertNumQueries

from apps.accounts.models import User
from apps.classification.models import Topic, TopicPrediction
from apps.search.gathering import all_documents, documents_of
from apps.videos.models import Tag, Video, Visibility
from tests.factories import make_video
from tests.transcription.rows import make_transcript


def make_rich_video(owner: User) -> Video:
    video = make_video(owner, title="Rich", description="Full of things", language="de", duration_ms=5_000)
    video.tags.add(Tag.objects.create(name=f"tag {video.pk}"), Tag.objects.get_or_create(name="all")[0])
    topic, _ = Topic.objects.update_or_create(label="sport", defaults={"name": "Games"})
    TopicPrediction.objects.create(video=video, topic=topic, probability=0.9, classifier="test")
    make_transcript(video, "auto", "not served")
    make_transcript(video, "uploaded", "served", "words")
    make_transcript(video, "auto", "gesprochen", language="de", is_complete=False)
    return video


def test_it_holds_what_is_served_of_a_video(owner: User) -> None:
    video = make_rich_video(owner)
    [document] = documents_of([video.pk], version=7)
    assert (document.video_id, document.owner_id, document.is_listed) == (video.pk, owner.pk, True)
    assert (document.title, document.description, document.duration_ms) == ("Rich", "Full of things", 5_000)
    assert document.tags == ("all", f"tag {video.pk}")
    assert (document.topic_label, document.topic_name) == ("sport", "Games")
    assert document.languages == ("de", "en")
    assert document.transcript == "gesprochen served words"
    assert [(moment.language, moment.text) for moment in document.moments] == [
        ("de", "gesprochen"),
        ("en", "served words"),
    ]
    assert (document.created_at, document.has_captions, document.version) == (video.created_at, True, 7)


def test_it_holds_a_video_about_which_little_is_known(owner: User) -> None:
    video = make_video(owner, visibility=Visibility.UNLISTED)
    make_transcript(video)  # nothing was said
    TopicPrediction.objects.create(video=video, topic=None, probability=0.3, classifier="test")
    [document] = documents_of([video.pk], version=1)
    assert (document.is_listed, document.topic_label, document.has_captions) == (False, "", False)
    assert (document.languages, document.moments, document.transcript) == (("en",), (), "")


def test_it_costs_the_same_queries_for_many(owner: User, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    videos = [make_rich_video(owner) for _ in range(4)]
    with django_assert_num_queries(5):
        assert len(documents_of([video.pk for video in videos], version=1)) == 4
    assert {document.video_id for document in all_documents(version=1)} == {video.pk for video in videos}


def test_it_is_none_of_a_video_that_is_gone(owner: User) -> None:
    video = make_video(owner)
    video_id = video.pk
    video.delete()
    assert documents_of([video_id], version=1) == []
