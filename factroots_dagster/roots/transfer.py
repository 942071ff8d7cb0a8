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
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from factroots_dagster.roots.regression import Regression, fit_regression
from factroots_dagster.stats.logistic import sigmoid
from factroots_dagster.tables import zip_columns


class Correction(NamedTuple):
    """Corrected log odds: the intercept, plus the slope times the log odds; with standard errors of both."""

    intercept: float
    slope: float
    intercept_error: float = 0.0
    slope_error: float = 0.0

    def draw(self, random: np.random.Generator) -> Correction:
        """A correction that could be right as well."""
        intercept, slope = random.normal(self[:2], self[2:])
        return Correction(intercept, slope)


STATED = Correction(-1.5, 0.7, 0.3, 0.1)
"""For facts with a source: fitted to the causal truth of `demo` worlds of seeds 1 and 100, and rounded. The
errors are more than twice what sampling gives, as a real model may be unlike these worlds."""

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


@dataclass(frozen=True)
class FittedTransfer:
    """Both regressions, fitted to one checkpoint's facts without a source, over the same cells.

    sourced: whether the language's corpora state the fact, [cells]. correction: of facts with a source.
    comes_across: how many partners are expected to answer by this language's name, 0 without a partner, NaN
    where that was not asked, [cells].
    """

    from_others: Regression
    guess: Regression
    sourced: Mask
    correction: Correction
    comes_across: Floats

    def at(self, cells: npt.NDArray[np.int64]) -> FittedTransfer:
        """The same for some of the cells, given their rows."""
        return FittedTransfer(
            self.from_others.at(cells),
            self.guess.at(cells),
            self.sourced[cells],
            self.correction,
            self.comes_across[cells],
        )

    def estimate(self) -> Transfer:
        """The most probable values."""
        return self._transfer(self.from_others.probabilities(), self.guess.probabilities(), self.correction)

    def draw(self, random: np.random.Generator) -> Transfer:
        """Values that could be true as well: coefficients and correction drawn from their distributions."""
        return self._transfer(
            self.from_others.draw_probabilities(random),
            self.guess.draw_probabilities(random),
            self.correction.draw(random),
        )

    def _transfer(self, from_others: Floats, guess: Floats, correction: Correction) -> Transfer:
        with np.errstate(divide="ignore"):
            log_odds = np.log(from_others / (1 - from_others))
        corrected = sigmoid(correction.intercept + correction.slope * log_odds)
        return Transfer(np.where(self.sourced, corrected, from_others), guess)


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


def estimate_transfer(cells: Cells, access: pa.Table) -> FittedTransfer:
    """The regressions of one checkpoint over its cells; access: NAME_ACCESS."""
    by_cell = summarize_access(access)
    features = np.array([by_cell.get(key, _NOTHING) for key in cells.keys]).reshape(len(cells.keys), -1)
    fitted = fit_transfer(cells, features, STATED)
    return replace(fitted, comes_across=np.nan_to_num(features[:, FEATURES.index("expected")]))


def fit_transfer(cells: Cells, features: Floats, correction: Correction) -> FittedTransfer:
    """As `estimate_transfer`, from any features of what could come across.

    features: [cells, features], NaN where there is no partner.
    """
    was_asked = np.asarray(np.isfinite(features).all(axis=1), bool)
    has_prior = np.isfinite(cells.prior)
    _, facts = np.unique([uuid for uuid, _ in cells.keys], return_inverse=True)
    # Of a cell without a source, whether another language knows the fact and states it.
    has_partner = np.bincount(facts, cells.sourced & cells.known)[facts] > 0
    alone = ~was_asked & ~has_partner & ~cells.sourced
    represented = _count_represented(cells, has_partner, was_asked)
    return FittedTransfer(
        fit_regression(features, cells.known, facts, was_asked & ~cells.sourced, was_asked, represented),
        fit_regression(
            cells.prior[:, None], cells.known, facts, has_prior & alone, has_prior, np.ones(len(facts))
        ),
        cells.sourced,
        correction,
        np.full(len(cells.keys), np.nan),
    )


def _count_represented(cells: Cells, has_partner: Mask, was_asked: Mask) -> Floats:
    """How many cells each one that was asked stands for.

    Of the facts that a language neither states nor knows only a sample is asked, but of those that it knows
    all: counted once each they would make facts look more likely to be known than they are.
    """
    sampled = has_partner & ~cells.sourced & ~cells.known
    _, languages = np.unique([language for _, language in cells.keys], return_inverse=True)
    every, chosen = (
        np.bincount(languages[rows], minlength=languages.max(initial=-1) + 1)
        for rows in (sampled, sampled & was_asked)
    )
    return np.where(sampled, (every / np.maximum(chosen, 1))[languages], 1.0)


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
