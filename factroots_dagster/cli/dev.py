"""`factroots dev`: what those who work on the methods need."""

from __future__ import annotations

from pathlib import Path

import click


@click.group()
def dev() -> None:
    """Measure how good the methods are."""


@dev.command()
@click.option("--preset", default="easy", show_default=True, metavar="NAME", help="Kind of world.")
@click.option("--dials", default="", metavar="NAME=VALUE,...", help="Dials that differ from the preset's.")
@click.option("--seeds", required=True, metavar="N,N,...", help="Seeds of the worlds.")
@click.option(
    "--blocks",
    type=click.IntRange(1, 53),
    default=8,
    show_default=True,
    help="Retrainings among which the languages that state a fact are divided.",
)
@click.option(
    "--trainings",
    type=click.IntRange(1, 10),
    default=1,
    show_default=True,
    help="Find the truth this often, and score against what the trainings agree on.",
)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="Write the scores to this CSV file.",
)
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Keep the worlds in this folder and reuse what it holds.  [default: a temporary folder]",
)
def yardstick(
    preset: str, dials: str, seeds: str, blocks: int, trainings: int, output: Path, folder: Path | None
) -> None:
    """Score all methods against what models really knew facts from.

    In each world the model is trained again without chosen statements, a dozen times: half an hour a world.
    """
    from factroots_dagster.cli.yardstick import measure_worlds, parse_seeds
    from factroots_dagster.sandbox.dials import parse_dials

    parse_dials(preset, dials)
    measure_worlds(
        preset,
        parse_seeds(seeds),
        output,
        dials=dials,
        blocks=blocks,
        trainings=trainings,
        folder=folder,
        say=click.echo,
    )
