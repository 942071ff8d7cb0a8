"""The languages of a run in one row each, and all of them in another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from factroots_dagster.roots.timeline.answers import NEVER, LanguageAnswers, Steps
from factroots_dagster.roots.timeline.elsewhere import Behind, Elsewhere, look_behind, look_elsewhere
from factroots_dagster.roots.timeline.frequency import ELSEWHERE, FREQUENCY, FrequencyFit, fit_frequency
from factroots_dagster.stats.intervals import Z
from factroots_dagster.tables import ALL_LANGUAGES

ALL = "*"


class View(NamedTuple):
    """A language of a run: what it knows, what others have and had before it, and its frequency model."""

    answers: LanguageAnswers
    others: Elsewhere
    behind: Behind
    fit: FrequencyFit | None


def view_languages(languages: Sequence[LanguageAnswers]) -> list[View]:
    """A view of every language."""
    return [
        View(answers, others, look_behind(answers, others), fit_frequency(answers, others.first))
        for answers, others in zip(languages, look_elsewhere(languages) if languages else (), strict=True)
    ]


def summarize_languages(run: str, views: Sequence[View]) -> list[dict[str, Any]]:
    """Rows of TIMELINE_LANGUAGES, one per language and one for all; none without a language.

    The columns about shuffled languages are missing.
    """
    if not views:
        return []
    rows = [
        {"run": run, ALL_LANGUAGES.name: view.answers.language}
        | _count(view)
        | _effects(view.fit)
        | _transfer([view])
        for view in views
    ]
    total: dict[str, Any] = {name: sum(row[name] for row in rows) for name in _SUMS}
    total |= {"run": run, ALL_LANGUAGES.name: ALL}
    for name, values in (("median_step", [_steps_learnt(view) for view in views]),
                         ("median_lag", [_lags(view) for view in views])):  # fmt: skip
        total[name] = _median(np.concatenate(values))
    total["checkpoints"] = max(row["checkpoints"] for row in rows)
    return [*rows, total | _effects(None) | _transfer(views)]


_SUMS = (
    "facts", "learnt", "known_at_last", "forgotten", "forgettings", "forgettings_shuffled",
    "unsourced", "unsourced_learnt", "nowhere", "nowhere_learnt", "behind",
)  # fmt: skip
"""Columns of which all languages have the sum."""


def _count(view: View) -> dict[str, Any]:
    answers, others = view.answers, view.others
    learnt, at_last = answers.learnt, answers.known[:, -1]
    unsourced = (answers.windows == 0) & (others.windows > 0)
    nowhere = (answers.windows == 0) & (others.windows == 0)
    checkpoints, known = len(answers.steps), answers.known.sum(axis=1)
    # Of two neighbours in a random order the first knows the fact and the second does not with probability
    # known / checkpoints * (checkpoints - known) / (checkpoints - 1), and there are checkpoints - 1 of them.
    shuffled = (known * (checkpoints - known)).sum() / checkpoints
    return {
        "checkpoints": checkpoints,
        "facts": len(answers.uuids),
        "learnt": int(learnt.sum()),
        "known_at_last": int(at_last.sum()),
        "forgotten": int((learnt & ~at_last).sum()),
        "forgettings": int(answers.forgettings.sum()),
        "forgettings_shuffled": float(shuffled),
        "median_step": _median(_steps_learnt(view)),
        "unsourced": int(unsourced.sum()),
        "unsourced_learnt": int((unsourced & learnt).sum()),
        "nowhere": int(nowhere.sum()),
        "nowhere_learnt": int((nowhere & learnt).sum()),
        "behind": len(_lags(view)),
        "median_lag": _median(_lags(view)),
    }


def _steps_learnt(view: View) -> Steps:
    return view.answers.first_known[view.answers.learnt]


def _lags(view: View) -> Steps:
    """Of the facts that were learnt after another language that states them knew them."""
    return view.behind.lag[view.behind.lag < NEVER]


def _effects(fit: FrequencyFit | None) -> dict[str, float | None]:
    """The effects of the frequency model with their intervals."""
    row: dict[str, float | None] = {}
    for name, column in (("frequency", FREQUENCY), ("elsewhere", ELSEWHERE)):
        value, error = (None, 0.0) if fit is None else fit.effects.get(column, (None, 0.0))
        row[f"{name}_effect"] = value
        row[f"{name}_low"] = None if value is None else value - Z * error
        row[f"{name}_high"] = None if value is None else value + Z * error
    return row


def _transfer(views: Sequence[View]) -> dict[str, float | None]:
    """The sum of residuals, with the interval in which a fact counts with all its languages."""
    fitted = [(view.answers, view.fit) for view in views if view.fit is not None]
    if not fitted:
        return dict.fromkeys(("transfer", "transfer_low", "transfer_high"))
    total = float(sum(fit.residual.sum() for _, fit in fitted))
    uuids = np.concatenate([np.array(answers.uuids, object) for answers, _ in fitted])
    _, fact = np.unique(uuids, return_inverse=True)
    influence = np.bincount(fact, weights=np.concatenate([fit.influence for _, fit in fitted]))
    facts = len(influence)
    variance = facts / max(1, facts - 1) * ((influence - influence.mean()) ** 2).sum()
    half = Z * float(np.sqrt(variance))
    return {"transfer": total, "transfer_low": total - half, "transfer_high": total + half}


def _median(steps: NDArray[np.int64]) -> float | None:
    return float(np.median(steps)) if len(steps) else None
