"""Kills runs of the sandbox's graph at random moments, resumes them, and reports the outcome.

    python -m assets_tests.hostile.kill_run --data data --kills 100 --seed 0

Works on a copy of a materialized data root (`--data`); without one, `--assets` has to contain everything that
they read. Each step first runs undisturbed, which gives its duration and its files. Then the process group of
a run is sent SIGKILL at a random moment, in every second case after its old partition was deleted. The
partition must be absent, as before, or complete; the next run must give the same content and leave no
temporary files.

Runs are children forked from a process that has imported everything, so that nearly all kills hit work and
not imports.
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

from assets_tests.files import file_digests, table_digests
from assets_tests.project import make_home
from factroots_dagster.orchestration.catalog import passes, rows_in
from factroots_dagster.orchestration.partitions import CHECKPOINT, LANGUAGE, key_of
from factroots_dagster.settings import Settings
from factroots_dagster.store.versions import MANIFEST

MIN_KILLS_PER_STEP = 5
HEAVY_MODULES = (
    *("torch", "transformers", "great_expectations", "pyspark.sql", "scipy.stats", "matplotlib.pyplot"),
    *("factroots_dagster.cli.run", "factroots_dagster.models.registry"),
)


@dataclass
class Step:
    """What one run makes, how it runs undisturbed, and the outcome of its kills."""

    assets: tuple[str, ...]
    partition: str | None
    seconds: float = 0.0
    digests: Mapping[str, str] = field(default_factory=dict)
    killed_at: list[float] = field(default_factory=list)
    mixed: int = 0
    resumed: int = 0
    temporaries: int = 0

    def folders(self, world: Path) -> list[Path]:
        parts = self.partition.split("|") if self.partition else []
        return [world.joinpath(asset, *parts) for asset in self.assets]


def stored_digests(folder: Path) -> dict[str, str]:
    """Path to digest of every file of the versions that count, of tables that of their rows.
    Manifests without the run that wrote them, and without the digests of files."""
    digests = {}
    for path in folder.rglob(MANIFEST):
        manifest = json.loads(path.read_text(encoding="utf-8"))
        partition = path.parent.relative_to(folder)
        for name, digest in table_digests(path.parent / "v" / manifest["version"]).items():
            digests[str(partition / name)] = digest
        for name in ("run_id", "files", "version", "checksum"):
            manifest.pop(name)
        digests[str(partition / MANIFEST)] = hashlib.sha256(json.dumps(manifest).encode()).hexdigest()
    return digests


def digests_of(folders: list[Path]) -> dict[str, str]:
    """Path to digest of every file below the folders."""
    return {
        f"{folder}/{name}": digest for folder in folders for name, digest in stored_digests(folder).items()
    }


def is_complete(folder: Path) -> bool:
    """Whether there is no partition, or it holds exactly the files that its manifest lists."""
    if not (folder / MANIFEST).exists():
        return True
    manifest = json.loads((folder / MANIFEST).read_text())
    return bool(manifest["files"] == file_digests(folder / "v" / manifest["version"]))


def find_temporaries(world: Path) -> list[Path]:
    """Files and folders that only a running writer may have."""
    return [
        *world.rglob(".*"),
        *(draft for folder in world.rglob("w") for draft in folder.iterdir()),
        *world.rglob("_finished-*"),
        *world.rglob("_job-*"),
        *world.rglob("_anchors-*"),
    ]


def start_run(settings: Settings, home: Path, log: Path, step: Step) -> int:
    """Materialize a step with its checks in a new process, the first of its group; returns its id."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        os.setsid()
        os.environ["DAGSTER_HOME"] = str(home)
        output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(output, 1)
        os.dup2(output, 2)
        import dagster as dg

        from factroots_dagster.cli.run import stage_runner
        from factroots_dagster.models.registry import registered
        from factroots_dagster.orchestration.partitions import checkpoint_set

        with dg.DagsterInstance.get() as instance:
            if checkpoints := list(registered(settings)):
                instance.add_dynamic_partitions(checkpoint_set(settings.world), checkpoints)
            stage_runner(settings, instance, print).run(" ".join(step.assets), step.assets, step.partition)
        code = 0
    finally:
        sys.stdout.flush()
        os._exit(code)


def wait_for_success(child: int, log: Path) -> None:
    """Wait for a run that must succeed."""
    _, status = os.waitpid(child, 0)
    if status:
        raise SystemExit(f"an undisturbed run failed:\n{log.read_text()[-4000:]}")


def kill_after(child: int, seconds: float) -> bool:
    """Kill a run and all its children after some seconds; False if it had ended before."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if os.waitpid(child, os.WNOHANG)[0]:
            return False
        time.sleep(0.005)
    os.killpg(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def next_steps(steps: list[Step], kills: int) -> Iterator[Step]:
    """The steps to kill: each once, then each MIN_KILLS_PER_STEP times, then those that cost the least."""
    for _ in range(kills):

        def order(step: Step) -> tuple[bool, bool, float]:
            times = len(step.killed_at)
            return times >= MIN_KILLS_PER_STEP, times > 0, times * step.seconds

        yield min(steps, key=order)


def kill_and_resume(step: Step, number: int, settings: Settings, home: Path, rng: random.Random) -> None:
    """Kill one run of a step and run it again."""
    world, log = settings.data_root / settings.world, home / "runs.log"
    folders = step.folders(world)
    while True:
        if number % 2:
            for folder in folders:
                shutil.rmtree(folder)
        moment = rng.uniform(0, step.seconds)
        if kill_after(start_run(settings, home, log, step), moment):
            break
    step.killed_at.append(moment)
    step.mixed += sum(not is_complete(folder) for folder in folders)
    wait_for_success(start_run(settings, home, log, step), log)
    step.resumed += digests_of(folders) == step.digests
    step.temporaries += len(find_temporaries(world))


def report(steps: list[Step], before: Mapping[str, str], world: Path) -> bool:
    """Print the table; True if every kill left the world as it must be."""
    print(
        f"{'asset':<34} {'kills':>5} {'at (s)':>13} {'of (s)':>7} {'mixed':>5} "
        f"{'resumed identical':>17} {'temporaries left':>16}"
    )
    for step in steps:
        moments = f"{min(step.killed_at):.1f}-{max(step.killed_at):.1f}" if step.killed_at else ""
        print(
            f"{' + '.join(step.assets):<34} {len(step.killed_at):>5} {moments:>13} "
            f"{step.seconds:>7.1f} {step.mixed:>5} {step.resumed:>17} {step.temporaries:>16}"
        )
    kills, resumed = sum(len(step.killed_at) for step in steps), sum(step.resumed for step in steps)
    after = stored_digests(world)
    lost = sum(after.get(name) != digest for name, digest in before.items())
    print(
        f"{kills} kills, {resumed} resumed to the same content, "
        f"{sum(step.mixed for step in steps)} mixed partitions seen, "
        f"{sum(step.temporaries for step in steps)} temporaries left, "
        f"{lost} of {len(before)} files of the world lost or changed"
    )
    return resumed == kills and not lost and not any(step.mixed or step.temporaries for step in steps)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
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
        help="take an asset's files as they are for undisturbed ones, and kill it within so many seconds",
    )
    return parser.parse_args()


def run_undisturbed(
    settings: Settings, home: Path, assets: list[str], trusted: Mapping[str, str], rng: random.Random
) -> list[Step]:
    """Run every step, or those of `assets`, once; `trusted` ones are not run (asset to seconds)."""
    from factroots_dagster.models.registry import registered

    steps = []
    for rows in passes(rows_in(settings)):
        step_assets = tuple(row.name for row in rows)
        if assets and step_assets[0] not in assets:
            continue
        keys = {LANGUAGE: settings.active_languages, CHECKPOINT: list(registered(settings))}
        parts = tuple(rng.choice(keys[dimension]) for dimension in rows[0].partitioned_by)
        step = Step(step_assets, key_of(parts))
        if step_assets[0] in trusted:
            step.seconds = float(trusted[step_assets[0]])
        else:
            started = time.monotonic()
            wait_for_success(start_run(settings, home, home / "runs.log", step), home / "runs.log")
            step.seconds = time.monotonic() - started
        step.digests = digests_of(step.folders(settings.data_root / settings.world))
        print(f"undisturbed: {' '.join(step_assets)} {step.partition or ''} {step.seconds:.1f} s", flush=True)
        steps.append(step)
    return steps


def main() -> None:
    arguments = parse_arguments()
    rng = random.Random(arguments.seed)
    with tempfile.TemporaryDirectory(prefix="factroots-kills-") as folder:
        home = make_home(Path(folder) / "home")
        # so that what killed Java processes leave is deleted at the end
        tempfile.tempdir = os.environ["TMPDIR"] = str(home)
        os.chdir(home)
        settings = Settings(
            world="sandbox",
            data_root=Path(folder) / "data",
            languages=tuple(code for code in arguments.languages.split(",") if code),
        )
        if arguments.data:
            shutil.copytree(arguments.data, settings.data_root)
        for module in HEAVY_MODULES:
            importlib.import_module(module)
        from factroots_dagster.orchestration.build import build_defs

        build_defs(settings)  # imports what definitions need, once for all runs
        assets = [asset for asset in arguments.assets.split(",") if asset]
        trusted = dict(item.split("=") for item in arguments.trust)
        steps = run_undisturbed(settings, home, assets, trusted, rng)
        world = settings.data_root / settings.world
        before = stored_digests(world)
        for number, step in enumerate(next_steps(steps, arguments.kills)):
            kill_and_resume(step, number, settings, home, rng)
            print(f"kill {number + 1}: {' '.join(step.assets)} after {step.killed_at[-1]:.2f} s", flush=True)
        sys.exit(0 if report(steps, before, world) else 1)


if __name__ == "__main__":
    main()
