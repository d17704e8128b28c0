import pytest

from apps.pages.templatetags.portal import percent, seconds
from apps.pages.times import clock, link_time, parse_time, spoken


@pytest.mark.parametrize(
    ("text", "time_ms"),
    [
        ("90", 90_000),
        ("90s", 90_000),
        ("1m30s", 90_000),
        ("1m30", 90_000),
        ("1:30", 90_000),
        ("1:02:03", 3_723_000),
        ("1h2m3s", 3_723_000),
        ("2m", 120_000),
        ("12.34s", 12_340),
        (" 0:05 ", 5_000),
        ("0", 0),
    ],
)
def test_it_reads_times_as_people_write_them(text: str, time_ms: int) -> None:
    assert parse_time(text) == time_ms


@pytest.mark.parametrize("text", ["", "soon", "-5", "1:2:3:4", "1e9", "s", "m30", "９", "99999999999", "1m1h", "NaN"])
def test_it_takes_nothing_else_for_a_time(text: str) -> None:
    assert parse_time(text) is None


@pytest.mark.parametrize("time_ms", [0, 1_000, 59_000, 60_000, 90_000, 3_600_000, 3_723_000])
def test_it_reads_back_what_it_writes(time_ms: int) -> None:
    assert parse_time(link_time(time_ms)) == time_ms
    assert parse_time(clock(time_ms)) == time_ms


def test_it_writes_times_for_eyes_and_for_ears() -> None:
    assert clock(65_999) == "1:05"
    assert clock(3_600_000) == "1:00:00"
    assert spoken(3_661_000) == "1 hour 1 minute 1 second"
    assert spoken(0) == "0 seconds"
    assert seconds(12_340) == "12.34"
    assert seconds(12_000) == "12"


def test_it_never_claims_certainty() -> None:
    assert percent(0.9999) == "99 %"
    assert percent(0.93) == "93 %"
    assert percent(1.0) == "100 %"
