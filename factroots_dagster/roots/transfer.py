"""How probable it is that a model would know a fact in a language whose corpus did not state it.

The question of sharing is a question about what did not happen: would the fact be known here without its own
sources? A corpus holds the answer for other facts. Those that it does not state, but another language does,
are known or not, and what tells the known ones from the others (`probing.name_access`) can be read for stated
facts as well. So a logistic regression is fitted to one checkpoint's facts without a source,

    logit P(known) = b0 + b . (what the partners' questions bring up),

and applied to the facts with a source: an outcome model fitted to the untreated, as in the estimation of
effects on the treated (Imbens, Review of Economics and Statistics 86, 2004). It assumes that facts with and
without a source are alike once this is known of them. They are not quite: in generated worlds, where models
were trained again without the sources, it is too high for facts with a source, whose own text also answers
the questions that are asked with partners' names. STATED corrects that.

Where no other language has a source, nothing can have come across, and P is the probability of a guess: a
logistic regression on the prior, the object's probability without the subject, fitted to the facts without a
source that no language with a source knows.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from factroots_dagster.stats.logistic import fit_logistic, sigmoid
from factroots_dagster.tables import zip_columns

PRECISION = 10.0
"""Inverse variance of the normal prior on a coefficient, of standardised columns."""
LOOSE = 1e-3
"""The same of an intercept."""
FEWEST_CASES = 30
"""Facts without a source below which nothing is fitted."""
FEWEST_KNOWN = 5
"""How many of them have to be known, and how many unknown; with fewer all have the same probability."""


class Line(NamedTuple):
    """Corrected log odds: the intercept, plus the slope times the log odds."""

    intercept: float
    slope: float


STATED = Line(-1.35, 0.85)
"""The correction for facts with a source. Fitted to the causal truth of `demo` worlds of seeds 1 and 100, and
rounded."""

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Key = tuple[str, str]
"""A fact (uuid) in a language."""


class Cells(NamedTuple):
    """Facts in languages, arrays over them.

    keys: uuid and language. sourced: whether the language's corpora state it. known: whether it is predicted.
    prior: mean log-probability of the object without the subject, NaN where not asked.
    """

    keys: Sequence[Key]
    sourced: Mask
    known: Mask
    prior: Floats


class Transfer(NamedTuple):
    """How probable every cell would be known without a source in its own language, arrays over the cells.

    from_others: with what other languages' sources taught, NaN without a partner. guess: without any source.
    Both are NaN where there are too few facts to fit.
    """

    from_others: Floats
    guess: Floats

    def without_own_source(self) -> Floats:
        """P(known) without the cell's own source: from others, or where there are none a guess."""
        return np.where(np.isnan(self.from_others), self.guess, self.from_others)


def sourced_facts(types: pa.Table) -> dict[str, set[str]]:
    """The uuids of the facts with a source, by language of FACT_TYPES."""
    sourced: dict[str, set[str]] = {}
    for uuid, language, present in zip_columns(types, "uuid", "language", "source_present"):
        of_language = sourced.setdefault(language, set())
        if present:
            of_language.add(uuid)
    return sourced


def collect_cells(predictions: Mapping[str, pa.Table], sourced: Mapping[str, Collection[str]]) -> Cells:
    """All facts of PREDICTIONS, by language; sourced: uuids of those with a source, by language."""
    columns = ("uuid", "language", "full_match", "prior_logprob")
    rows = [row for table in predictions.values() for row in zip_columns(table, *columns)]
    return Cells(
        keys=[(uuid, language) for uuid, language, *_ in rows],
        sourced=np.array([uuid in sourced.get(language, ()) for uuid, language, *_ in rows], bool),
        known=np.array([bool(known) for *_, known, _ in rows], bool),
        prior=np.array([np.nan if prior is None else prior for *_, prior in rows], np.float64),
    )


def estimate_transfer(cells: Cells, access: pa.Table) -> Transfer:
    """The two probabilities of every cell; access: NAME_ACCESS of one checkpoint."""
    by_cell = summarize_access(access)
    features = np.array([by_cell.get(key, _NOTHING) for key in cells.keys]).reshape(len(cells.keys), -1)
    return fit_transfer(cells, features, STATED)


def fit_transfer(cells: Cells, features: Floats, stated: Line) -> Transfer:
    """As `estimate_transfer`, from any features of what could come across.

    features: [cells, features], NaN where there is no partner. stated: corrects facts with a source.
    """
    has_partner = np.asarray(np.isfinite(features).all(axis=1), bool)
    has_prior = np.isfinite(cells.prior)
    alone = ~has_partner & ~cells.sourced
    from_others = _fit_and_apply(features, cells.known, has_partner & ~cells.sourced, has_partner)
    with np.errstate(divide="ignore"):
        log_odds = np.log(from_others / (1 - from_others))
    corrected = sigmoid(stated.intercept + stated.slope * log_odds)
    return Transfer(
        from_others=np.where(cells.sourced, corrected, from_others),
        guess=_fit_and_apply(cells.prior[:, None], cells.known, has_prior & alone, has_prior),
    )


FEATURES = ("name", "loss", "own", "expected", "partners", "object", "answer")
_NOTHING = (np.nan,) * len(FEATURES)


def summarize_access(access: pa.Table) -> Mapping[Key, tuple[float, ...]]:
    """FEATURES of every fact and language of NAME_ACCESS.

    name: the partners' highest log-probability with this language's name of the subject; loss: how much of
    their own it keeps, at best; own: their highest own; expected: how many of them would answer; partners:
    their number; object: the highest log-probability of this language's name of the object; answer: the mean
    probability of this language's own answer with the partners' names.
    """
    by_cell: dict[Key, list[tuple[float, ...]]] = {}
    columns = ("partner_logprob", "name_logprob", "object_logprob", "partner_name_logprob")
    for uuid, language, *logprobs in zip_columns(access, "uuid", "language", *columns):
        if None not in logprobs:
            by_cell.setdefault((uuid, language), []).append(tuple(logprobs))
    return {key: _summarize(np.array(rows)) for key, rows in by_cell.items()}


def _summarize(rows: Floats) -> tuple[float, ...]:
    own, name, answer, with_partners_names = rows.T
    return (
        float(name.max()),
        float((name - own).max()),
        float(own.max()),
        float(np.exp(name).sum()),
        float(len(rows)),
        float(answer.max()),
        float(np.exp(with_partners_names).mean()),
    )


def _fit_and_apply(features: Floats, known: Mask, fitted: Mask, applied: Mask) -> Floats:
    """P(known) of the cells `applied`, by a regression over the cells `fitted`; NaN elsewhere."""
    probability = np.full(len(features), np.nan)
    cases, known_cases = int(fitted.sum()), int(known[fitted].sum())
    if cases < FEWEST_CASES:
        return probability
    if min(known_cases, cases - known_cases) < FEWEST_KNOWN:
        probability[applied] = (known_cases + 0.5) / (cases + 1)
        return probability
    mean, spread = features[fitted].mean(axis=0), features[fitted].std(axis=0)
    spread[spread == 0] = 1
    columns = np.column_stack([np.ones(applied.sum()), (features[applied] - mean) / spread])
    rows = np.column_stack([np.ones(fitted.sum()), (features[fitted] - mean) / spread])
    precision = np.array([LOOSE, *[PRECISION] * features.shape[1]])
    weights = fit_logistic(rows, known[fitted], prior=np.zeros(len(precision)), precision=precision)
    probability[applied] = sigmoid(columns @ weights)
    return probability
