"""Is the order in which a timed world was read recovered from its checkpoints, and transfer told from none?

Run `python -m benchmarks.timeline --help` from the project's folder. One model per setting is trained, with a
checkpoint every hundred steps, and asked every fact at each of them. Beside the first step at which a fact is
known stand what knows no checkpoint (the number of its statements, and names that are written alike), and
the placebos: the answers of another language, and the checkpoints in a random order. In the preset `disjoint`
nothing can cross, and what is called transfer is error. Sources are the planted statements, not traced ones.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import click
import numpy as np
import pyarrow as pa

from factroots_dagster.facts.mlama.split import read_split
from factroots_dagster.models.checkpoint import load
from factroots_dagster.probing.probe import probe
from factroots_dagster.roots.timeline.answers import LanguageAnswers, collect_answers
from factroots_dagster.roots.timeline.timeline import trace_knowledge
from factroots_dagster.roots.types import DEFAULT_MATCHER
from factroots_dagster.sandbox.alignment import aligned_vectors
from factroots_dagster.sandbox.dials import parse_dials
from factroots_dagster.sandbox.records import World
from factroots_dagster.sandbox.release import write_release
from factroots_dagster.sandbox.training import train, training_config
from factroots_dagster.sandbox.truth import planted_truth_table
from factroots_dagster.sandbox.world import generate
from factroots_dagster.tables import zip_columns
from factroots_dagster.yardstick.order import (
    first_steps,
    recover_first_languages,
    recover_order,
    shuffle_checkpoints,
    shuffle_languages,
)

RESULTS = Path(__file__).resolve().parent / "results" / "timeline.md"
TWO, STAIRS = "learned_after=hu:600+id:600", "learned_after=de:200+fr:400+ru:400+id:600+hu:800+uk:800"
SETTINGS = (("demo", TWO), ("demo", STAIRS), ("disjoint", STAIRS))
SHUFFLES = 200


class Measured(NamedTuple):
    """A world whose model was asked at every checkpoint. splits: MLAMA_SPLIT by language."""

    world: World
    splits: Mapping[str, pa.Table]
    languages: list[LanguageAnswers]


def ask(preset: str, dials: str, seed: int, every: int) -> Measured:
    """Train the model of a world and ask it every fact after every so many steps."""
    world = generate(seed, parse_dials(preset, dials))
    steps = list(range(every, world.dials.steps + 1, every))
    with TemporaryDirectory() as name:
        release, checkpoints, activations = (Path(name, part) for part in ("release", "steps", "activations"))
        release.mkdir()
        checkpoints.mkdir()
        write_release(world, release)
        splits = {code: read_split(release, code) for code in world.languages}
        train(
            {code: [article.text for article in world.articles[code]] for code in world.languages},
            checkpoints,
            seed=seed,
            steps=world.dials.steps,
            save_at=steps,
            entities={
                code: [article.title for article in world.articles[code]] + list(world.redirects[code])
                for code in world.languages
            },
            learned_after=dict(world.dials.learned_after),
            held_vectors=aligned_vectors(world),
            config=training_config(world.dials),
        )
        predictions: dict[str, dict[int, pa.Table]] = {code: {} for code in world.languages}
        for step in steps:
            model = load(str(checkpoints / f"step-{step:04d}"), device="cpu")
            for code, split in splits.items():
                folder = activations / f"{step}-{code}"
                folder.mkdir(parents=True)
                predictions[code][step] = probe(model, split, folder, mask_counts="object")
    sources = _statements(world)
    languages = [
        collect_answers(code, split, predictions[code], _as_sources(split, code, sources))
        for code, split in splits.items()
    ]
    return Measured(world, splits, languages)


def _statements(world: World) -> Counter[tuple[str, str]]:
    """(uuid, language) to the number of sentences that state the fact."""
    return Counter(
        (sentence.fact, code)
        for code in world.languages
        for article in world.articles[code]
        for sentence in article.sentences
        if sentence.fact
    )


def _as_sources(split: pa.Table, code: str, statements: Counter[tuple[str, str]]) -> pa.Table:
    """What the timeline reads of FACT_SOURCES."""
    rows = [
        {
            "uuid": uuid,
            "language": code,
            "relation": relation,
            "corpus": "wikipedia",
            "matcher": DEFAULT_MATCHER,
            "windows": statements[uuid, code],
        }
        for uuid, relation in zip_columns(split, "uuid", "relation")
    ]
    return pa.Table.from_pylist(rows)


def order_rows(measured: Measured) -> Iterator[list[str]]:
    """By method: rank correlation and concordance with the planted steps, and concordance within facts."""
    truth, languages = planted_truth_table(measured.world), measured.languages
    random = np.random.default_rng(0)
    alike = _alike(measured)
    methods = {
        "first step known": [first_steps(languages)],
        "frequency: fewer statements": [
            {
                (uuid, each.language): -float(windows)
                for each in languages
                for uuid, windows in zip(each.uuids, each.windows, strict=True)
            }
        ],
        "strings: fewer names alike": [{cell: float(len(others)) for cell, others in alike.items()}],
        "strings: more names alike": [{cell: -float(len(others)) for cell, others in alike.items()}],
        "languages shuffled": [first_steps(shuffle_languages(languages, random)) for _ in range(SHUFFLES)],
        "checkpoints shuffled": [
            first_steps(shuffle_checkpoints(languages, random)) for _ in range(SHUFFLES)
        ],
    }
    for name, values in methods.items():
        scores = np.array([recover_order(each, truth) for each in values], float)
        yield [name, *(_mean_and_range(column) for column in scores.T)]


def first_language_rows(measured: Measured) -> Iterator[list[str]]:
    """By method: how often the languages that are said to be first were read first."""
    truth, alike = planted_truth_table(measured.world), _alike(measured)
    stated = {
        (uuid, code): windows
        for each in measured.languages
        for code in [each.language]
        for uuid, windows in zip(each.uuids, each.windows.tolist(), strict=True)
        if windows
    }
    found = _first_languages(measured.languages)
    others = {
        cell: [code for code in measured.splits if code != cell[1] and (cell[0], code) in stated]
        for cell in found
    }
    most = {cell: max(stated[cell[0], code] for code in codes) for cell, codes in others.items()}
    random = np.random.default_rng(1)
    shuffled = [shuffle_languages(measured.languages, random) for _ in range(SHUFFLES // 10)]
    methods: dict[str, list[Mapping[Any, Sequence[str]]]] = {
        "first to know it": [found],
        "most statements": [
            {
                cell: [code for code in codes if stated[cell[0], code] == most[cell]]
                for cell, codes in others.items()
            }
        ],
        "names alike, else all": [
            {cell: [code for code in codes if code in alike[cell]] or codes for cell, codes in others.items()}
        ],
        "languages shuffled": [_first_languages(each) for each in shuffled],
    }
    for name, said in methods.items():
        scores = [recover_first_languages(each, truth) for each in said]
        gain = np.array(
            [
                score.precision - score.chance
                for score in scores
                if score.precision is not None and score.chance is not None
            ],
            float,
        )
        cells, precision, chance = np.mean(np.array(scores, float), axis=0)
        yield [name, f"{cells:.0f}", f"{precision:.3f}", f"{chance:.3f}", _mean_and_range(gain)]


def _first_languages(languages: Sequence[LanguageAnswers]) -> dict[tuple[str, str], list[str]]:
    """Of the facts that were learnt after another language had them, those that had them first."""
    facts = trace_knowledge("run", languages).facts
    columns = ("uuid", "language", "first_languages", "lag")
    return {(uuid, code): first for uuid, code, first, lag in zip_columns(facts, *columns) if lag is not None}


def _alike(measured: Measured) -> dict[tuple[str, str], list[str]]:
    """By cell, the other languages that write the subject alike."""
    names: dict[str, dict[str, str]] = {}
    for code, split in measured.splits.items():
        for uuid, subject in zip_columns(split, "uuid", "subject"):
            names.setdefault(uuid, {})[code] = subject
    return {
        (uuid, code): [other for other in written if other != code and written[other] == written[code]]
        for uuid, written in names.items()
        for code in written
    }


def language_rows(measured: Measured) -> Iterator[list[str]]:
    """What was learnt and forgotten, and the transfer, by language."""
    for row in trace_knowledge("run", measured.languages).languages.to_pylist():
        yield [
            row["language"],
            f"{row['learnt']} of {row['facts']}",
            "-" if row["median_step"] is None else f"{row['median_step']:.0f}",
            f"{row['forgettings']} / {row['forgettings_shuffled']:.0f}",
            *(_interval(row, name, f"{name}_effect") for name in ("frequency", "elsewhere")),
            _interval(row, "transfer", "transfer", 0),
            f"{row['unsourced_learnt']} of {row['unsourced']}",
        ]


def _interval(row: Mapping[str, Any], name: str, value: str, digits: int = 2) -> str:
    if row[value] is None:
        return "-"
    return f"{row[value]:.{digits}f} [{row[f'{name}_low']:.{digits}f}, {row[f'{name}_high']:.{digits}f}]"


def _mean_and_range(values: np.ndarray) -> str:
    if len(values) == 1:  # not a number where a value is the same everywhere
        return "-" if np.isnan(values[0]) else f"{values[0]:.3f}"
    low, high = np.nanquantile(values, [0.025, 0.975])
    return f"{np.nanmean(values):.3f} [{low:.3f}, {high:.3f}]"


def _markdown(header: Sequence[str], rows: Iterator[list[str]]) -> Iterator[str]:
    yield from (f"| {' | '.join(header)} |", "|---" * len(header) + "|")
    yield from (f"| {' | '.join(row)} |" for row in rows)
    yield ""


@click.command(help=__doc__)
@click.option("--seed", default=3, show_default=True, help="Seed of worlds and trainings.")
@click.option("--every", default=100, show_default=True, help="Steps from checkpoint to checkpoint.")
@click.option("--output", default=RESULTS, type=click.Path(path_type=Path), show_default=True)
def main(seed: int, every: int, output: Path) -> None:
    lines = [
        f"Seed {seed}, a checkpoint every {every} steps. Of shuffles: the mean and the middle 95% of "
        f"{SHUFFLES} ({SHUFFLES // 10} for who was first).",
        "",
    ]
    for preset, dials in SETTINGS:
        measured = ask(preset, dials, seed, every)
        lines += [f"**Preset `{preset}`, `{dials}`**", ""]
        lines += _markdown(
            ("value", "rank correlation", "concordance", "concordance within a fact"), order_rows(measured)
        )
        lines += _markdown(
            ("languages said to be first", "cells", "read first", "chance", "more than chance"),
            first_language_rows(measured),
        )
        header = ["language", "learnt", "median step", "forgettings / shuffled", "frequency effect"]
        header += ["elsewhere effect", "transfer", "learnt without source"]
        lines += _markdown(header, language_rows(measured))
        output.write_text("\n".join(lines), "utf-8")
        click.echo(f"{preset}, {dials}: measured")


if __name__ == "__main__":
    main()
