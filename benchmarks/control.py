"""How many facts are called shared in worlds in which nothing can be shared?

Run `python -m benchmarks.control --help` from the project's folder. In the control (preset `disjoint`) no two
languages have a letter in common, no word vector is aligned and no text is bilingual: whatever is known was
read in its own language, and every fact with a source that is called shared is called so by mistake. No model
is trained again, since nothing has to be found out.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

import click
import dagster as dg
import numpy as np
import pandas as pd

from factroots_dagster.cli.run import stage_runner
from factroots_dagster.cli.yardstick import materialize_types, parse_seeds
from factroots_dagster.models.checkpoint import load
from factroots_dagster.models.registry import registered
from factroots_dagster.orchestration.assets.step import generated_world
from factroots_dagster.settings import Settings
from factroots_dagster.stats.intervals import wilson
from factroots_dagster.store.store import Store
from factroots_dagster.yardstick.methods import METHODS
from factroots_dagster.yardstick.study import Study, read_study

RESULTS = Path(__file__).resolve().parent / "results" / "control.md"
PRESET = "disjoint"
COMPARED = ("ours", "random_weights", "fitted_strings", "evidence", "evidence_random_weights", "paper")
SMALLEST = 30
"""Facts with a source below which a language is not reported alone."""
HEADINGS = ("method", "called shared", "mean probability", "highest language", "undetermined")


def make_study(root: Path, seed: int, say: Callable[[str], None]) -> Study:
    """The last checkpoint of a control world, made in `root`."""
    settings = Settings(world="sandbox", sandbox_preset=PRESET, sandbox_seed=seed, data_root=root)
    with dg.DagsterInstance.ephemeral() as instance:
        key = materialize_types(stage_runner(settings, instance, say))
    store = Store(settings.data_root, settings.world)
    model = load(registered(settings)[key].source, device="cpu")
    return read_study(store, generated_world(settings), model, key, settings.active_languages)


def measure_method(study: Study, method: str) -> list[str]:
    """What a method calls shared of the predicted facts with a source: the mean where it is repeated."""
    frames = [study.cells()[["source"]].join(judge(study)) for judge in METHODS[method]]
    frames = [cells[cells["source"]] for cells in frames]
    called, probability, tested = (
        float(np.mean([cells[column].mean() for cells in frames]))
        for column in ("alike", "probability", "tested")
    )
    facts = len(frames[0])
    low, high = wilson(round(called * facts), facts)
    return [
        method,
        f"{100 * called:.1f}% [{100 * low:.1f}, {100 * high:.1f}] of {facts:,}",
        "–" if np.isnan(probability) else f"{probability:.3f}",
        _highest_language(frames),
        f"{100 * (1 - tested):.1f}%",
    ]


def _highest_language(frames: list[pd.DataFrame]) -> str:
    """The language with the largest share that is called shared, and its share."""
    languages = pd.concat(frames).groupby("language")["alike"].agg(["mean", "size"])
    languages = languages[languages["size"] >= SMALLEST * len(frames)]
    return f"{languages['mean'].idxmax()} {100 * languages['mean'].max():.1f}%"


def _lines(seed: int, study: Study) -> Iterator[str]:
    yield f"**Seed {seed}**: {len(study.cells()):,} predicted facts."
    yield ""
    yield "| " + " | ".join(HEADINGS) + " |"
    yield "|" + "---|" * len(HEADINGS)
    for method in COMPARED:
        yield "| " + " | ".join(measure_method(study, method)) + " |"
    yield ""


@click.command(help=__doc__)
@click.option("--seeds", default="300,301", show_default=True, help="Seeds of worlds, comma-separated.")
@click.option("--folder", type=click.Path(path_type=Path), help="Where worlds are kept.  [default: nowhere]")
@click.option("--output", default=RESULTS, type=click.Path(path_type=Path), show_default=True)
def main(seeds: str, folder: Path | None, output: Path) -> None:
    packages = ("factroots_dagster", "numpy", "torch", "transformers")
    versions = [f"python {platform.python_version()}", *(f"{name} {version(name)}" for name in packages)]
    lines = [
        "# What is called shared where nothing is",
        "",
        f"`python -m benchmarks.control --seeds {seeds}`; {', '.join(versions)}.",
        "",
        f"Preset `{PRESET}`: of the facts that are predicted and have a source, those that a method calls "
        "shared, with 95% Wilson intervals. Random weights are drawn twice.",
        "",
    ]
    with TemporaryDirectory(prefix="factroots-") as temporary:
        for seed in parse_seeds(seeds):
            root = (folder or Path(temporary)) / f"{PRESET}-{seed}"
            lines += _lines(seed, make_study(root, seed, click.echo))
    output.write_text("\n".join(lines), "utf-8")


if __name__ == "__main__":
    main()
