"""What administrators do with accounts and topics."""

from collections.abc import Callable

from django.test import Client

from apps.accounts import tokens
from apps.accounts.models import ApiToken, User
from apps.classification.following import follow_topic
from apps.classification.models import Topic, TopicPrediction
from apps.search.models import OutboxEntry
from apps.videos import files
from apps.videos.models import Video
from tests.pages.administration.conftest import Act, acts


def test_an_administrator_sets_rights_and_quota_and_revokes_tokens(
    client: Client, administrator: User, owner: User
) -> None:
    token, key = tokens.issue(owner, "script")
    client.force_login(administrator)
    where = f"/admin/accounts/user/{owner.pk}/change/"
    page = client.get(where).content.decode()
    assert "script" in page
    assert token.digest not in page
    inline = {
        "api_tokens-TOTAL_FORMS": "1",
        "api_tokens-INITIAL_FORMS": "1",
        "api_tokens-0-id": str(token.pk),
        "api_tokens-0-user": str(owner.pk),
        "api_tokens-0-DELETE": "on",
    }

    answer = client.post(
        where, {"username": "owner", "is_active": "on", "is_staff": "on", "quota_bytes": "1000", **inline}
    )

    assert answer.status_code == 302
    owner.refresh_from_db()
    assert (owner.is_staff, owner.quota_bytes) == (True, 1000)
    assert not ApiToken.objects.exists()
    assert tokens.user_for(key) is None


def test_an_administrator_makes_an_account(client: Client, administrator: User, owner: User) -> None:
    client.force_login(administrator)
    form = {"usable_password": "true", "password1": "a long pass phrase", "password2": "a long pass phrase"}

    assert client.post("/admin/accounts/user/add/", {"username": "ada", **form}).status_code == 302
    assert User.objects.get(username="ada").check_password("a long pass phrase")
    taken = client.post("/admin/accounts/user/add/", {"username": "OWNER", **form})
    assert "already exists" in taken.content.decode()


def test_deleting_an_account_removes_its_files_and_is_logged(
    client: Client, administrator: User, video: Video, django_capture_on_commit_callbacks: Callable[..., object]
) -> None:
    client.force_login(administrator)

    with django_capture_on_commit_callbacks(execute=True):
        client.post(f"/admin/accounts/user/{video.owner_id}/delete/", {"post": "yes"})

    assert not User.objects.filter(username="owner").exists()
    assert not files.folder(video.pk).exists()
    assert acts() == [(Act.DELETED, "The account owner was deleted.", "administrator")]


def test_administrators_do_not_delete_themselves(client: Client, administrator: User) -> None:
    client.force_login(administrator)

    client.post(f"/admin/accounts/user/{administrator.pk}/delete/", {"post": "yes"})

    assert User.objects.filter(pk=administrator.pk).exists()


def test_a_renamed_topic_makes_its_videos_stale_for_search(client: Client, administrator: User, video: Video) -> None:
    topic = Topic.objects.create(label="whaling", name="Whaling")
    TopicPrediction.objects.create(video=video, topic=topic, probability=0.9, classifier="test")
    OutboxEntry.objects.all().delete()
    client.force_login(administrator)

    form = {"name": "Whales", "label": "forged", "position": "9"}
    for inline in ("examples", "examples-2"):
        form |= {f"{inline}-TOTAL_FORMS": "0", f"{inline}-INITIAL_FORMS": "0"}
    client.post(f"/admin/classification/topic/{topic.pk}/change/", form)

    topic.refresh_from_db()
    assert (topic.name, topic.label) == ("Whales", "whaling")
    assert OutboxEntry.objects.filter(video_id=video.pk).exists()
    assert client.post(f"/admin/classification/topic/{topic.pk}/delete/", {"post": "yes"}).status_code == 403


def test_a_topic_without_videos_is_deleted_without_a_list_of_its_followers(
    client: Client, administrator: User, stranger: User
) -> None:
    topic = Topic.objects.create(label="whaling", name="Whaling")
    follow_topic(stranger, topic)
    client.force_login(administrator)
    where = f"/admin/classification/topic/{topic.pk}/delete/"
    page = client.get(where).content.decode()
    assert "nobody follows it any more" in page
    assert "stranger" not in page
    client.post(where, {"post": "yes"})
    assert not Topic.objects.filter(label="whaling").exists()
