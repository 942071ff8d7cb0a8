"""Two published directions of transfer between languages, looked for by turning a world's dials.

Run `python -m benchmarks.directions --help` from the project's folder. Each setting trains one model per seed
on the complete world and asks it every fact. *Recall* is the share right of the facts that a language states;
*transfer* that of the facts which other languages alone state, where one of them writes the subject alike,
and where none does. Facts that nobody states stand beside them: what is right there is guessed.

- Smaller vocabularies, with more names in pieces that languages have in common, transfer more (arXiv
  2605.26683).
- Taking out bilingual text hurts what is like translation, here transfer between names unlike one another,
  more than recall (arXiv 2601.00364).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple

import click
import numpy as np

from factroots_dagster.cli.yardstick import parse_seeds
from factroots_dagster.facts.mlama.split import read_split
from factroots_dagster.sandbox.blocks import COMPLETE
from factroots_dagster.sandbox.dials import parse_dials
from factroots_dagster.sandbox.release import write_release
from factroots_dagster.sandbox.world import generate
from factroots_dagster.tables import zip_columns
from factroots_dagster.yardstick.retraining import answer_without

if TYPE_CHECKING:
    import pandas as pd

RESULTS = Path(__file__).resolve().parent / "results" / "directions.md"
RESAMPLES = 1000
GROUPS = ("recall", "transfer, alike", "transfer, unlike", "stated nowhere")


class Direction(NamedTuple):
    """Two settings of the dials, and what is claimed of the second beside the first."""

    claim: str
    common: str
    settings: Mapping[str, str]


DIRECTIONS = (
    Direction(
        "smaller vocabularies transfer more (arXiv 2605.26683)",
        "alignment=0,cognates=0.6,exonyms=0,unrelated=0.1",
        {"large vocabulary": "vocabulary_share=1", "small vocabulary": "vocabulary_share=0.5"},
    ),
    Direction(
        "removing bilingual text hurts translation-like transfer more than recall (arXiv 2601.00364)",
        "alignment=0,exonyms=0.3",
        {
            "with bilingual text": "bilingual_leads=0.6,code_switching=0.2,parallel_articles=0.5",
            "without": "bilingual_leads=0,code_switching=0,parallel_articles=0",
        },
    ),
)


def answers(preset: str, dials: str, seed: int) -> pd.DataFrame:
    """Every fact and language of a world with its group and whether a model of that world knows it."""
    world = generate(seed, parse_dials(preset, dials))
    with TemporaryDirectory() as name:
        write_release(world, Path(name))
        splits = {code: read_split(Path(name), code) for code in world.languages}
    subjects = {
        (uuid, code): subject
        for code, split in splits.items()
        for uuid, subject in zip_columns(split, "uuid", "subject")
    }
    frame = answer_without(world, COMPLETE, splits, seed=seed).to_pandas()
    frame["group"] = [
        _group(uuid, language, stated_in, subjects)
        for uuid, language, stated_in in zip(frame.uuid, frame.language, frame.stated_in, strict=True)
    ]
    return frame.assign(fact=frame["uuid"] + f" {seed}")


def _group(uuid: str, language: str, stated_in: Any, subjects: Mapping[tuple[str, str], str]) -> str:
    if language in stated_in:
        return "recall"
    if not len(stated_in):
        return "stated nowhere"
    alike = any(subjects[uuid, other] == subjects[uuid, language] for other in stated_in)
    return "transfer, alike" if alike else "transfer, unlike"


def shares_with_intervals(frame: pd.DataFrame) -> Iterator[tuple[str, str]]:
    """(group, "share [low, high] of n") with 95% intervals over facts."""
    random = np.random.default_rng(0)
    for group in GROUPS:
        cells = frame[frame["group"] == group]
        by_fact = cells.groupby("fact")["full_match"].agg(["sum", "size"]).to_numpy(float)
        if not len(by_fact):
            yield group, "-"
            continue
        drawn = by_fact[random.integers(len(by_fact), size=(RESAMPLES, len(by_fact)))].sum(axis=1)
        low, high = np.quantile(drawn[:, 0] / drawn[:, 1], [0.025, 0.975])
        yield group, f"{cells['full_match'].mean():.3f} [{low:.3f}, {high:.3f}] of {len(cells):,}"


@click.command(help=__doc__)
@click.option("--preset", default="demo", show_default=True)
@click.option("--seeds", default="200,201", show_default=True, help="Seeds of worlds, comma-separated.")
@click.option("--dials", default="", help="Dials of every setting, as name=value,name=value.")
@click.option("--output", default=RESULTS, type=click.Path(path_type=Path), show_default=True)
def main(preset: str, seeds: str, dials: str, output: Path) -> None:
    import pandas as pd

    chosen_seeds = parse_seeds(seeds)
    lines = [
        f"Preset `{preset}`, seeds {seeds}; share right of the cells, with 95% intervals over facts.",
        "",
    ]
    for direction in DIRECTIONS:
        lines += [
            f"**{direction.claim}**",
            "",
            f"| | {' | '.join(GROUPS)} |",
            "|---" * (1 + len(GROUPS)) + "|",
        ]
        for name, setting in direction.settings.items():
            chosen = ",".join(filter(None, (direction.common, setting, dials)))
            # A training uses one core.
            with ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) as pool:
                frame = pd.concat(pool.map(partial(answers, preset, chosen), chosen_seeds))
            cells = dict(shares_with_intervals(frame))
            lines.append(f"| {name}: `{chosen}` | {' | '.join(cells[group] for group in GROUPS)} |")
            click.echo(lines[-1])
        lines.append("")
    output.write_text("\n".join(lines), "utf-8")


if __name__ == "__main__":
    main()
