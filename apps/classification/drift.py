"""Whether what the classifier says of newer videos differs from what it said of those before.

Counts by category are compared in two ways, and only both together count as drift. A test tells whether chance alone
would do it; of many videos it finds differences that matter to nobody. The population stability index tells how large
the difference is; of few videos it is large by chance (Yurdakul and Naranjo, Statistical properties of the population
stability index, 2020).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

DRAWS = 9_999  # the smallest p-value is one in ten thousand
# An empty category would make the index infinite: each counts as if half a video more were in it.
PSEUDO_COUNT = 0.5


@dataclass(frozen=True)
class Limits:
    """From where on a difference is called drift."""

    min_videos: int  # in each of the two periods
    p_value: float  # at most
    psi: float  # at least


@dataclass(frozen=True)
class Comparison:
    """`p_value` and `psi` are None where one of the periods has too few videos."""

    n_recent: int
    n_before: int
    p_value: float | None
    psi: float | None
    has_drifted: bool


def compare(recent: Sequence[int], before: Sequence[int], limits: Limits) -> Comparison:
    """Of videos by category, `(n_categories,)` each, in the same order. Some ten milliseconds."""
    n_recent, n_before = sum(recent), sum(before)
    if min(n_recent, n_before) < limits.min_videos:
        return Comparison(n_recent, n_before, None, None, has_drifted=False)
    p_value, psi = permutation_p_value(recent, before), stability_index(recent, before)
    has_drifted = p_value <= limits.p_value and psi >= limits.psi
    return Comparison(n_recent, n_before, p_value, psi, has_drifted)


def permutation_p_value(recent: Sequence[int], before: Sequence[int]) -> float:
    """How often a random division of the same videos into two periods differs as much, in (0, 1].

    By Pearson's chi-squared, whose distribution is drawn instead of looked up, so that categories may hold few videos
    or none. Never 0 (Phipson and Smyth, Permutation p-values should never be zero, 2010), and the same at each call.
    """
    counts = np.array([recent, before], dtype=np.int64)
    totals = counts.sum(axis=0)
    counts, totals = counts[:, totals > 0], totals[totals > 0]
    expected = totals * counts[0].sum() / totals.sum()  # (n_categories,)
    # Both periods deviate by the same number of videos: one of them tells all.
    deviation = ((counts[0] - expected) ** 2 / totals).sum()
    draws = np.random.default_rng(0).multivariate_hypergeometric(totals, counts[0].sum(), size=DRAWS)
    deviations = ((draws - expected) ** 2 / totals).sum(axis=1)  # (DRAWS,)
    as_large = int((deviations >= deviation * (1 - 1e-9)).sum())
    return (1 + as_large) / (1 + DRAWS)


def stability_index(recent: Sequence[int], before: Sequence[int]) -> float:
    """The population stability index: sum of (a - b) · ln(a / b) over the shares a and b of each category.

    Siddiqi, Credit Risk Scorecards, 2006: below 0.1 nothing has changed, from 0.25 on much has.
    """
    now, then = (np.array(counts) + PSEUDO_COUNT for counts in (recent, before))
    now, then = now / now.sum(), then / then.sum()
    return float(((now - then) * np.log(now / then)).sum())
