"""Kills runs of the sandbox's graph at random moments, resumes them, and tells what came of it.

    python -m assets_tests.hostile.kill_run --data data --kills 100 --seed 0

Works on a copy of a materialized data root (`--data`); without one, `--assets` must hold all that they need.
Each step is run once undisturbed, which gives its duration and its bytes. Then the process group of a run is
sent SIGKILL at a random moment, in every second case with the old partition deleted before; the partition
must be absent, as before or complete; the run is begun again and must give the same bytes and leave no
temporary.

Runs are children forked from a process that has imported everything, so that nearly all moments fall into
work and not into imports.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from assets_tests.conftest import make_home
from factroots_dagster.settings import Settings
from factroots_dagster.store.store import MANIFEST

LANGUAGE, CHECKPOINT, CELL = "language", "checkpoint", "cell"
STEPS: tuple[tuple[str, tuple[str, ...], str | None], ...] = (
    ("sources", ("mlama_release",), None),
    ("sandbox", ("planted_truth",), None),
    ("sources", ("wikipedia_dump",), LANGUAGE),
    ("mlama", ("mlama_split",), LANGUAGE),
    ("mlama", ("fact_coverage",), None),
    ("wikipedia", ("wikipedia_articles",), LANGUAGE),
    ("wikipedia", ("entity_mentions",), LANGUAGE),
    ("wikipedia", ("wikipedia_volume",), LANGUAGE),
    ("tracing", ("fact_sources",), LANGUAGE),
    ("sandbox", ("sandbox_training",), None),
    ("sources", ("checkpoint",), CHECKPOINT),
    ("probing", ("predictions", "neuron_activations"), CELL),
    ("probing", ("probing_scores",), CHECKPOINT),
    ("neurons", ("active_neurons",), CELL),
    ("neurons", ("neuron_similarity",), CHECKPOINT),
    ("neurons", ("neuron_interventions",), CHECKPOINT),
    ("analysis", ("language_clusters",), CHECKPOINT),
    ("report", ("fact_types",), CHECKPOINT),
    ("report", ("categorization_report",), CHECKPOINT),
    ("report", ("checkpoint_comparison",), None),
)
"""Kind (Dagster's group), assets that one run makes, and what their partitions are, in the graph's order."""

LEAST_OF_EACH = 5
HEAVY = ("torch", "transformers", "great_expectations", "pyspark.sql", "scipy.stats", "matplotlib.pyplot")


@dataclass
class Step:
    """What one run makes, and what has been seen of it."""

    kind: str
    assets: tuple[str, ...]
    partition: str | None
    seconds: float = 0.0
    trees: Mapping[str, str] = field(default_factory=dict)
    killed_at: list[float] = field(default_factory=list)
    mixed: int = 0
    resumed: int = 0
    temporaries: int = 0

    def folders(self, world: Path) -> list[Path]:
        parts = self.partition.split("|") if self.partition else []
        return [world.joinpath(asset, *parts) for asset in self.assets]


def tree(folder: Path) -> dict[str, str]:
    """Every file under a folder, with its digest."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def trees(folders: list[Path]) -> dict[str, str]:
    return {f"{folder}/{name}": digest for folder in folders for name, digest in tree(folder).items()}


def is_whole(folder: Path) -> bool:
    """Whether a partition holds exactly the files that its manifest lists."""
    files = tree(folder)
    files.pop(MANIFEST, None)
    return bool(json.loads((folder / MANIFEST).read_text())["files"] == files)


def temporaries(world: Path) -> list[Path]:
    """Files and folders that only a running writer may have."""
    return [*world.rglob(".*"), *world.rglob("*.writing"), *world.rglob("_task-*.json")]


def forked(settings: Settings, home: Path, log: Path, step: Step) -> int:
    """The id of a new process, first of its group, that materializes a step with its checks."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        os.setsid()
        os.environ["DAGSTER_HOME"] = str(home)
        out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(out, 1)
        os.dup2(out, 2)
        import dagster as dg

        from factroots_dagster.cli.run import StageRunner
        from factroots_dagster.models.registry import registered
        from factroots_dagster.orchestration.partitions import checkpoint_set

        with dg.DagsterInstance.get() as instance:
            if known := list(registered(settings)):
                instance.add_dynamic_partitions(checkpoint_set(settings), known)
            StageRunner(settings, instance, print)(" ".join(step.assets), step.assets, step.partition)
        code = 0
    finally:
        sys.stdout.flush()
        os._exit(code)


def finished(child: int, log: Path) -> None:
    """Wait for a run that must end well."""
    _, status = os.waitpid(child, 0)
    if status:
        raise SystemExit(f"a run that nobody disturbed failed:\n{log.read_text()[-4000:]}")


def killed(child: int, seconds: float) -> bool:
    """Kill a run and all its children after some seconds; False when it had ended before."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if os.waitpid(child, os.WNOHANG)[0]:
            return False
        time.sleep(0.005)
    os.killpg(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def next_steps(steps: list[Step], kills: int) -> Iterator[Step]:
    """Whom to kill: every step once, then to LEAST_OF_EACH, then those that cost the least."""
    for _ in range(kills):

        def order(step: Step) -> tuple[bool, bool, float]:
            times = len(step.killed_at)
            return times >= LEAST_OF_EACH, times > 0, times * step.seconds

        yield min(steps, key=order)


def disturb(step: Step, number: int, settings: Settings, home: Path, chance: random.Random) -> None:
    """One kill of a step and the run after it."""
    world, log = settings.data_root / settings.world, home / "runs.log"
    folders = step.folders(world)
    while True:
        if number % 2:
            for folder in folders:
                shutil.rmtree(folder)
        moment = chance.uniform(0, step.seconds)
        if killed(forked(settings, home, log, step), moment):
            break
    step.killed_at.append(moment)
    step.mixed += sum(not is_whole(folder) for folder in folders if folder.exists())
    finished(forked(settings, home, log, step), log)
    step.resumed += trees(folders) == step.trees
    step.temporaries += len(temporaries(world))


def report(steps: list[Step], before: Mapping[str, str], world: Path) -> bool:
    """Print the table; True when everything is as it must be."""
    print(
        f"{'kind':<10} {'asset':<34} {'kills':>5} {'at (s)':>13} {'of (s)':>7} {'mixed':>5} "
        f"{'resumed identical':>17} {'temporaries left':>16}"
    )
    for step in steps:
        at = f"{min(step.killed_at):.1f}-{max(step.killed_at):.1f}" if step.killed_at else ""
        print(
            f"{step.kind:<10} {' + '.join(step.assets):<34} {len(step.killed_at):>5} {at:>13} "
            f"{step.seconds:>7.1f} {step.mixed:>5} {step.resumed:>17} {step.temporaries:>16}"
        )
    kills = sum(len(step.killed_at) for step in steps)
    after = tree(world)
    lost = sum(after.get(name) != digest for name, digest in before.items())
    print(
        f"{kills} kills, {sum(step.resumed for step in steps)} resumed to the same bytes, "
        f"{sum(step.mixed for step in steps)} mixed partitions seen, "
        f"{sum(step.temporaries for step in steps)} temporaries left, "
        f"{lost} of {len(before)} files of the world lost or changed"
    )
    good = sum(step.resumed for step in steps) == kills
    return good and not lost and not any(step.mixed or step.temporaries for step in steps)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="materialized data root to copy")
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--assets", default="", help="comma-separated; all by default")
    parser.add_argument("--languages", default="", help="comma-separated; all by default")
    parser.add_argument(
        "--trust",
        action="append",
        default=[],
        metavar="ASSET=SECONDS",
        help="take the given bytes of an asset as undisturbed, and kill it within so many seconds",
    )
    given = parser.parse_args()
    trusted = dict(item.split("=") for item in given.trust)
    chance = random.Random(given.seed)
    with tempfile.TemporaryDirectory(prefix="factroots-kills-") as folder:
        home = make_home(Path(folder) / "home")
        # what killed Java processes leave is then gone at the end
        tempfile.tempdir = os.environ["TMPDIR"] = str(home)
        os.chdir(home)
        settings = Settings(
            world="sandbox",
            data_root=Path(folder) / "data",
            languages=tuple(code for code in given.languages.split(",") if code),
        )
        if given.data:
            shutil.copytree(given.data, settings.data_root)
        for module in (*HEAVY, "factroots_dagster.cli.run", "factroots_dagster.models.registry"):
            importlib.import_module(module)
        from factroots_dagster.models.registry import registered
        from factroots_dagster.orchestration.build import build_defs

        build_defs(settings)  # imports what definitions need, once for all runs
        steps = []
        for kind, assets, by in STEPS:
            if given.assets and assets[0] not in given.assets.split(","):
                continue
            language = chance.choice(settings.active_languages)
            checkpoint = "" if by in (None, LANGUAGE) else chance.choice(list(registered(settings)))
            keys = {None: None, LANGUAGE: language, CHECKPOINT: checkpoint, CELL: f"{checkpoint}|{language}"}
            step = Step(kind, assets, keys[by])
            if assets[0] in trusted:
                step.seconds = float(trusted[assets[0]])
            else:
                began = time.monotonic()
                finished(forked(settings, home, home / "runs.log", step), home / "runs.log")
                step.seconds = time.monotonic() - began
            step.trees = trees(step.folders(settings.data_root / settings.world))
            print(f"undisturbed: {' '.join(assets)} {step.partition or ''} {step.seconds:.1f} s", flush=True)
            steps.append(step)
        before = tree(settings.data_root / settings.world)
        for number, step in enumerate(next_steps(steps, given.kills)):
            disturb(step, number, settings, home, chance)
            print(f"kill {number + 1}: {' '.join(step.assets)} after {step.killed_at[-1]:.2f} s", flush=True)
        sys.exit(0 if report(steps, before, settings.data_root / settings.world) else 1)


if __name__ == "__main__":
    main()
