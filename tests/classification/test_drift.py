"""Drift: more than chance, and large enough to matter."""

import math
from collections.abc import Sequence

import numpy as np
import pytest

from apps.classification.drift import Limits, compare, permutation_p_value, stability_index

LIMITS = Limits(min_videos=50, p_value=0.01, psi=0.1)


def test_the_p_value_is_the_exact_one_of_two_categories() -> None:
    """Fisher's tea tasting: of the 70 ways to choose four of eight cups, 34 differ as much from two right ones."""
    assert permutation_p_value([3, 1], [1, 3]) == pytest.approx(34 / 70, abs=0.02)


def test_equal_periods_are_never_called_different() -> None:
    assert permutation_p_value([10, 20, 0], [10, 20, 0]) == 1.0


def test_the_p_value_is_never_nought_and_always_the_same() -> None:
    p_value = permutation_p_value([500, 0], [0, 500])
    assert p_value == 1 / 10_000
    assert p_value == permutation_p_value([500, 0], [0, 500])


def test_chance_alone_is_called_significant_as_often_as_the_level_says() -> None:
    """With categories of a few videos, too, where the chi-squared distribution would mislead."""
    generator = np.random.default_rng(1)
    shares = [0.6, 0.3, 0.07, 0.02, 0.01]
    below = [
        permutation_p_value(generator.multinomial(40, shares).tolist(), generator.multinomial(60, shares).tolist())
        <= 0.05
        for _ in range(200)
    ]
    assert 0.01 <= np.mean(below) <= 0.09


def test_the_stability_index_is_the_formula() -> None:
    expected = (0.3 - 0.1) * math.log(0.3 / 0.1) + (0.7 - 0.9) * math.log(0.7 / 0.9)
    assert stability_index([300_000, 700_000], [100_000, 900_000]) == pytest.approx(expected, abs=1e-4)
    assert math.isfinite(stability_index([10, 0], [0, 10]))


@pytest.mark.parametrize(
    ("recent", "before", "has_drifted"),
    [
        ([31, 69], [12, 88], True),
        ([12, 88], [12, 88], False),
        ([18, 42], [10, 50], False),  # large, but chance does it
        ([105_000, 895_000], [100_000, 900_000], False),  # not chance, but small
    ],
)
def test_drift_is_what_chance_does_not_do_and_matters(
    recent: Sequence[int], before: Sequence[int], has_drifted: bool
) -> None:
    assert compare(recent, before, LIMITS).has_drifted is has_drifted


@pytest.mark.parametrize(("recent", "before"), [([49, 0], [0, 500]), ([0, 500], [49, 0]), ([0, 0], [0, 0]), ([], [])])
def test_of_few_videos_nothing_is_said(recent: Sequence[int], before: Sequence[int]) -> None:
    comparison = compare(recent, before, LIMITS)
    assert (comparison.p_value, comparison.psi, comparison.has_drifted) == (None, None, False)
