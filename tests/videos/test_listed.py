"""How SQLite finds the newest videos of a signed-in person's lists, whatever it was told of the tables."""

import pytest
from django.db import connection

from apps.accounts.models import User
from apps.classification.following import videos_about
from apps.classification.models import Topic
from apps.videos.models import Video
from tests.factories import make_video


@pytest.mark.parametrize("told", [False, True])
def test_a_page_of_the_newest_reads_them_in_their_order(owner: User, told: bool) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("other planners know how many rows meet a condition")
    for _ in range(50):
        make_video(owner)
    if told:
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
    listed = Video.objects.listed_for(owner)
    for videos in (listed, videos_about(Topic.objects.all()[:2], listed)):
        plan = videos.select_related("owner")[:24].explain()
        assert "USING INDEX videos_listed" in plan
        assert "B-TREE FOR ORDER BY" not in plan, "all of them would be sorted"
    assert "USING COVERING INDEX videos_listed" in listed.order_by().values("id").explain(), "to count them"
