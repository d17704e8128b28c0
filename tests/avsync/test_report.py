import pytest

from apps.accounts.models import User
from apps.avsync.models import SyncReport
from tests.avsync.reports import VERDICT, make_report
from tests.factories import make_video

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("verdict", VERDICT)
def test_out_of_sync_is_what_is_known_not_to_fit(owner: User, verdict: SyncReport.Verdict) -> None:
    report = make_report(make_video(owner), verdict=verdict)
    accused = {VERDICT.SOUND_LATE, VERDICT.SOUND_EARLY, VERDICT.DRIFTING}
    assert SyncReport.objects.out_of_sync().exists() is report.is_out_of_sync is (verdict in accused)


def test_a_report_goes_with_its_video(owner: User) -> None:
    video = make_video(owner)
    make_report(video)
    video.delete()
    assert not SyncReport.objects.exists()


def test_it_says_what_was_found_as_a_line(owner: User) -> None:
    video = make_video(owner, title="A talk")
    assert str(make_report(video)) == "A talk: The sound is late, +200 ms"
    assert "Unknown" in str(make_report(make_video(owner), verdict=VERDICT.UNKNOWN, offset_ms=None))
