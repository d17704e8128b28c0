"""Drift in a sentence, for people who read no statistics; the figures stand behind it in brackets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from apps.classification.drift import Comparison


@dataclass(frozen=True)
class Category:
    """`predicate` goes on from "more videos": "are unknown"."""

    predicate: str
    n_recent: int
    n_before: int


def on_topics(comparison: Comparison, categories: Sequence[Category], days: int) -> str:
    """Names the category whose share changed most."""
    if comparison.p_value is None:
        return too_few(comparison, days)
    shares = [(each, each.n_recent / comparison.n_recent, each.n_before / comparison.n_before) for each in categories]
    most, now, then = max(shares, key=lambda row: abs(row[1] - row[2]))
    change = f"{_percent(now)} against {_percent(then)}"
    if not comparison.has_drifted:
        return f"{_alike(comparison, days)} The largest change: {change} of the videos {most.predicate}."
    direction = "more" if now > then else "fewer"
    return (
        f"In the last {days} days {direction} videos {most.predicate} than in the {days} days before: {change}"
        f" ({_figures(comparison)})."
    )


def on_probabilities(comparison: Comparison, mean_recent: float | None, mean_before: float | None, days: int) -> str:
    """The means are of the likeliest topic's probability, in [0, 1]; None where a period has no video."""
    if comparison.p_value is None or mean_recent is None or mean_before is None:
        return too_few(comparison, days)
    change = f"{_percent(mean_recent)} on average against {_percent(mean_before)}"
    if not comparison.has_drifted:
        return f"{_alike(comparison, days)} The likeliest topic had {change}."
    if _percent(mean_recent) == _percent(mean_before):
        return (
            f"In the last {days} days the probabilities spread otherwise than in the {days} days before, around the"
            f" same mean of {_percent(mean_recent)} ({_figures(comparison)})."
        )
    direction = "surer" if mean_recent > mean_before else "less sure"
    return (
        f"In the last {days} days the classifier is {direction} of the likeliest topic than in the {days} days before:"
        f" {change} ({_figures(comparison)})."
    )


def too_few(comparison: Comparison, days: int) -> str:
    return (
        f"Too few videos to compare: {comparison.n_recent} in the last {days} days, {comparison.n_before} in the {days}"
        " days before."
    )


def _alike(comparison: Comparison, days: int) -> str:
    return f"The last {days} days are much like the {days} days before ({_figures(comparison)})."


def _figures(comparison: Comparison) -> str:
    return f"p = {comparison.p_value:.2g}, stability index {comparison.psi:.2f}"


def _percent(share: float) -> str:
    return f"{share:.0%}".replace("%", " %")
