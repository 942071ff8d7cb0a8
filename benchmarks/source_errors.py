"""Do the shares of what facts are known from hold where statements are missed and names meet by chance?

Run `python -m benchmarks.source_errors --help` from the project's folder. It reads worlds that `factroots
yardstick --folder` has kept, whose models were trained again without statements, and trains nothing. What the
models learnt stays. The dump in which sources are looked for is damaged (`damaged_worlds`), and everything
that follows from it is made anew by the code of the assets: articles, mentions, sources, types, names asked,
verdicts and shares.
"""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import click
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.candidates import Kept, read_world
from benchmarks.damaged_worlds import FACTS, SENTENCES, Damage, damage_world
from factroots_dagster.corpora.collection.choices import parse_corpora
from factroots_dagster.corpora.registry import acquire_files, write_all_documents
from factroots_dagster.errors import InputError
from factroots_dagster.models.untrained import with_random_weights
from factroots_dagster.probing.slots import object_token_ids
from factroots_dagster.roots.missed import read_coverage
from factroots_dagster.roots.transfer import Cells, FittedTransfer
from factroots_dagster.roots.types import DEFAULT_MATCHER, categorize_facts
from factroots_dagster.roots.verdict_shares import share_verdicts
from factroots_dagster.roots.verdicts import PredictedFacts, find_predicted, judge_facts
from factroots_dagster.sandbox.dump import dump_name, write_dump
from factroots_dagster.sandbox.records import World
from factroots_dagster.spark.session import spark_session
from factroots_dagster.stats.intervals import wilson
from factroots_dagster.tracing.matchers import names_of_matcher
from factroots_dagster.tracing.mentions import write_mentions
from factroots_dagster.tracing.sources import write_sources
from factroots_dagster.yardstick.schema import CAUSAL_TYPES, SHARED, TRANSFERRED
from factroots_dagster.yardstick.study import CELL, Study
from factroots_dagster.yardstick.transfer import fit_by_model

RESULTS = Path(__file__).resolve().parent / "results" / "source_errors.md"
MISSED, CHANCES = 0.2, (0.3, 0.5)
TYPES = (TRANSFERRED, SHARED)
METHODS = ("ours", "forms alone", "random weights")


class Interval(NamedTuple):
    """An expected share and its 95% interval."""

    expected: float
    low: float
    high: float

    def holds(self, truth: float) -> bool:
        """Whether the truth lies in it."""
        return self.low <= truth <= self.high

    def __str__(self) -> str:
        return f"{self.expected:.3f} [{self.low:.2f}, {self.high:.2f}]"


class Run(NamedTuple):
    """One damaged world. truth, counted: share of each of TYPES, by the retrainings and by the rules of the
    first release. expected: of each of METHODS and TYPES. unsourced: share of the predicted facts without a
    source; missed: of these, that are stated all the same."""

    world: str
    damage: Damage | None
    truth: Mapping[str, float]
    counted: Mapping[str, float]
    expected: Mapping[tuple[str, str], Interval]
    unsourced: float
    missed: float


def trace(world: World, language: str, split: pa.Table) -> tuple[pa.Table, pa.Table]:
    """FACT_SOURCES and NAME_COVERAGE of one language: what the assets make of its dump."""
    session = spark_session()
    with TemporaryDirectory() as name:
        folder = Path(name)
        for part in ("dumps", "articles", "mentions", "sources"):
            (folder / part).mkdir()
        write_dump(world, language, folder / "dumps" / dump_name(language))
        files = (parse_corpora("wikipedia"), str(folder / "dumps"), "latest", folder, lambda: session)
        write_all_documents(lambda: session, acquire_files(language, *files), folder / "articles")
        write_mentions(session, folder / "articles", split, folder / "mentions")
        sources = write_sources(session, folder / "articles", folder / "mentions", split, folder / "sources")
        return sources, pq.read_table(folder / "mentions" / "_coverage.parquet")


def trace_again(study: Study, world: World) -> tuple[Study, pa.Table]:
    """The study with the types that follow from the world's text, and NAME_COVERAGE of all languages."""
    model, types, coverage = study.model, [], []
    for language, split in study.splits.items():
        sources, names = trace(world, language, split)
        of_language = categorize_facts(
            split,
            study.predictions[language],
            sources,
            study.nearest,
            tokenize=lambda labels: object_token_ids(model.tokenizer, labels, model.space_id),
        )
        types.append(of_language.types)
        coverage.append(names)
    return replace(study, types=pa.concat_tables(types)), pa.concat_tables(coverage)


def expect_shares(facts: PredictedFacts, fitted: FittedTransfer) -> Iterator[tuple[str, Interval]]:
    """Each of TYPES and its share, as the report has it."""
    verdicts = judge_facts(facts, fitted.estimate(), fitted.estimate())
    for row in share_verdicts(verdicts, facts, fitted).to_pylist():
        if row["language"] == "*" and row["verdict"] in TYPES:
            values = (row[name] for name in Interval._fields)
            yield row["verdict"], Interval(*(np.nan if value is None else value for value in values))


def measure(name: str, kept: Kept, damage: Damage | None) -> Run:
    """One damaged world; None damages nothing."""
    world = kept.study.world if damage is None else damage_world(kept.study.world, damage)
    study, coverage = trace_again(kept.study, world)
    facts: PredictedFacts | None = None
    expected: dict[tuple[str, str], Interval] = {}
    for method, model in (("ours", study.model), ("random weights", with_random_weights(study.model, 1))):
        cells, fitted = fit_by_model(study, model)
        facts = facts or _predicted(study, cells, coverage)
        expected |= {(method, type_): share for type_, share in expect_shares(facts, fitted)}
        if method == "ours":
            unbounded = replace(fitted, comes_across=np.full(len(cells.keys), np.nan))
            expected |= {("forms alone", type_): share for type_, share in expect_shares(facts, unbounded)}
    types = study.types.to_pandas().set_index(CELL)
    called = types["type"][types["type"] != "not_predicted"]
    causal = kept.cells["causal_type"][kept.cells["causal_type"].isin(CAUSAL_TYPES)]
    unsourced = ~types["source_present"].loc[kept.cells.index]
    return Run(
        name,
        damage,
        {type_: float((causal == type_).mean()) for type_ in TYPES},
        {type_: float((called == type_).mean()) for type_ in TYPES},
        expected,
        float(unsourced.mean()),
        float(kept.cells["stated"][unsourced].mean()),
    )


def _predicted(study: Study, cells: Cells, coverage: pa.Table) -> PredictedFacts:
    return find_predicted(study.types, cells, read_coverage(coverage, {names_of_matcher(DEFAULT_MATCHER)}))


def plan_damages(draws: int) -> list[Damage]:
    """Every kind of damage, drawn so often."""
    kinds = product(range(draws), (SENTENCES, FACTS), CHANCES)
    return [Damage(MISSED, of, chance, seed) for seed, of, chance in kinds]


def tabulate(runs: Sequence[Run]) -> Iterator[str]:
    """Of each type a table of runs, and how often the intervals hold the truth."""
    for type_ in TYPES:
        yield from [f"**{type_.capitalize()}**", ""]
        head = ("world", "damage", "truth", *METHODS, "first release", "without a source", "of these stated")
        yield from [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
        for run in runs:
            shares = [_marked(run.expected[method, type_], run.truth[type_]) for method in METHODS]
            counted = f"{run.counted[type_]:.3f}"
            figures = [counted, f"{run.unsourced:.2f}", f"{run.missed:.2f}"]
            cells = [run.world, describe(run.damage), f"{run.truth[type_]:.3f}", *shares, *figures]
            yield f"| {' | '.join(cells)} |"
        yield ""
        damaged = [run for run in runs if run.damage]
        for method in METHODS:
            yield f"- {method}: {coverage_of(damaged, method, type_)}"
        yield ""


def coverage_of(runs: Sequence[Run], method: str, type_: str) -> str:
    """How many intervals hold the truth, how wide they are, and how far the expectation is off."""
    shares = [(run.expected[method, type_], run.truth[type_]) for run in runs]
    held = sum(share.holds(truth) for share, truth in shares)
    low, high = wilson(held, len(shares))
    width = np.mean([share.high - share.low for share, _ in shares])
    error = np.mean([abs(share.expected - truth) for share, truth in shares])
    return (
        f"{held} of {len(shares)} intervals hold the truth "
        f"({held / len(shares):.2f} [{low:.2f}, {high:.2f}]); mean width {width:.2f}; "
        f"mean error of the expectation {error:.3f}"
    )


def describe(damage: Damage | None) -> str:
    """A damage in a few words."""
    if damage is None:
        return "none"
    return f"{damage.missed:.0%} of {damage.of}, {damage.chance:.0%} by chance ({damage.seed})"


def _marked(share: Interval, truth: float) -> str:
    return f"{share}" if share.holds(truth) else f"{share} **misses**"


@click.command(help=__doc__)
@click.option("--folder", required=True, type=click.Path(path_type=Path), help="Where worlds are kept.")
@click.option("--worlds", default=["demo-1,demo-100"], multiple=True, help="Folders of a table, with commas.")
@click.option("--draws", default=2, show_default=True, help="Times that every kind of damage is drawn.")
@click.option("--output", default=RESULTS, type=click.Path(path_type=Path), show_default=True)
def main(folder: Path, worlds: Sequence[str], draws: int, output: Path) -> None:
    packages = ("factroots_dagster", "numpy", "pyspark", "torch", "transformers")
    versions = [f"python {platform.python_version()}", *(f"{name} {version(name)}" for name in packages)]
    options = " ".join(f"--worlds {names}" for names in worlds)
    command = f"python -m benchmarks.source_errors --folder WORLDS {options} --draws {draws}"
    lines = [f"`{command}`; {', '.join(versions)}.", ""]
    for names in worlds:
        runs = []
        for name in names.split(","):
            preset, _, seed = name.rpartition("-")
            try:
                kept = read_world(folder, preset, int(seed))
            except (InputError, ValueError) as error:
                raise click.ClickException(str(error)) from error
            for damage in (None, *plan_damages(draws)):
                runs.append(measure(name, kept, damage))
                click.echo(f"{name}, {describe(damage)}: {runs[-1].expected}")
        lines += [f"## {names}", "", *tabulate(runs)]
    output.write_text("\n".join(lines), "utf-8")


if __name__ == "__main__":
    main()
