"""Statements that were not found: how probable it is that a language states a fact that has no source in it.

A statement is found if both names stand in it as the matcher knows them. Where it knows the share c of the
forms of names (NAME_COVERAGE), it finds a statement with probability d = c * c. If m_w facts were found in w
windows, then m_1 r - m_2 r^2 + m_3 r^3 - ... with r = (1 - d) / d stated facts are expected of which no
statement was found, however many statements facts have (Good and Toulmin, Biometrika 43:45, 1956). Beyond
r = 1 the series is of no use, and r = 1 is taken. Pronouns, and names that no link shows, are left out. So
the share is a lower bound.

What the model knows bounds it from above. Of some facts nothing comes across from other languages: no name of
theirs opens what another language's text taught. If such a fact is known and has no source, it was guessed,
or its source was missed. Sources are found or missed whatever comes across. So if k of these facts are known
without a source and n with one, at most k / n stated facts are missed for each one that is found.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from factroots_dagster.tables import zip_columns

SEEN, UNSEEN = 19.0, 1.0
"""Beta prior of the coverage, as in the dumps in which it was measured: mean .95, the weight of 20 links."""
MOST = 0.9
"""Highest probability that a fact without a source is stated all the same."""
LEAST_ACROSS = 0.5
"""Number of languages expected to answer by a fact's name here, below which nothing comes across."""

Floats = npt.NDArray[np.float64]
Coverage = Mapping[str, tuple[float, float]]
"""Language to parameters of the beta distribution of its coverage."""


def read_coverage(coverage: pa.Table, names: Collection[str]) -> Coverage:
    """The coverage of languages by these names, the lowest where there are several.

    coverage: NAME_COVERAGE of some languages. names: those that the matchers of their types use.
    """
    found: dict[str, tuple[float, float]] = {}
    for language, name, links, seen in zip_columns(coverage, "language", "names", "links", "seen"):
        if name in names:
            counts = (seen + SEEN, links - seen + UNSEEN)
            found[language] = min(found.get(language, counts), counts, key=lambda pair: pair[0] / sum(pair))
    return found


def sees_most(coverage: Floats) -> npt.NDArray[np.bool_]:
    """Whether more statements are found than missed, given shares of names' forms."""
    most: npt.NDArray[np.bool_] = coverage**2 >= 0.5
    return most


class MissedBound(NamedTuple):
    """What bounds the facts that are missed: of the known facts of which nothing comes across, how many have
    no source (missed, or guessed), and how many statements were found of the others."""

    unsourced: int
    stated: float

    def draw(self, random: np.random.Generator) -> float:
        """Missed facts per found one that the bound leaves possible, at most 1; 0 where there is no bound."""
        return min(1.0, random.gamma(self.unsourced + 0.5) / self.stated) if self.stated > 0 else 0.0


def bound_missed(
    stated: Floats,
    windows: npt.NDArray[np.int64],
    easy: npt.NDArray[np.bool_],
    comes_across: Floats,
) -> MissedBound:
    """The bound from predicted facts; easy ones without a source, which their names give away, are left out.

    stated, windows: see `expect_missed`. easy: whether the name or a cue gives the object away. comes_across:
    how many other languages are expected to answer by the fact's name here, NaN where not asked. All [facts].
    """
    alone = comes_across < LEAST_ACROSS
    return MissedBound(int((alone & (windows == 0) & ~easy).sum()), float(stated[alone].sum()))


def expect_missed(
    stated: Floats,
    windows: npt.NDArray[np.int64],
    languages: npt.NDArray[np.int64],
    coverage: Floats,
    ratio_to_found: float = 0.0,
) -> Floats:
    """P(stated all the same) of a fact without a source, [languages].

    stated: P(stated) of predicted facts, 0 without a source; windows: in which they were found; languages:
    number of each fact's language; all [facts]. coverage: share of a name's forms that is seen, [languages].
    ratio_to_found: stated facts that are missed for each one that is found, if more than forms explain.
    """
    seen = np.where(sees_most(coverage), coverage**2, 0.5)
    ratio = (1 - seen) / seen
    found = windows > 0
    terms = np.where(found, -stated * (-ratio[languages]) ** windows, 0.0)
    count = len(coverage)
    missed = np.bincount(languages, weights=terms, minlength=count)
    missed = np.maximum(missed, ratio_to_found * np.bincount(languages, weights=stated, minlength=count))
    unsourced = np.bincount(languages[~found], minlength=count)
    shares: Floats = np.clip(missed / np.maximum(1, unsourced), 0, MOST)
    return shares
