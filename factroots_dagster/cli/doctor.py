"""`factroots doctor`: whether this machine, these settings and these sources will do, and what to do if not.

Every check looks and changes nothing, and tells in one line what it found. The checks stand in the order
of `diagnose`; one that needs what another found missing is left out.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from factroots_dagster.errors import InputError
from factroots_dagster.models import registry
from factroots_dagster.models.completeness import find_defect
from factroots_dagster.settings import GENERATED_WORLDS, Settings, load_settings
from factroots_dagster.store.store import Store

Status = Literal["ok", "warning", "problem"]
OLDEST_PYTHON = (3, 11)
GIGABYTE = 10**9
LEAST_FREE, WANTED_FREE = 1 * GIGABYTE, {True: 2 * GIGABYTE, False: 100 * GIGABYTE}  # by: generated
ANSWER_SECONDS = 10
SPARK_SECONDS = 180

SPARK_TASK = """
import sys
from factroots_dagster.spark.session import spark_session
spark = spark_session(sys.argv[1])
rows = spark.range(8, numPartitions=2).mapInArrow(lambda batches: batches, "id long").count()
print("rows", rows, "Spark", spark.version)
spark.stop()
"""


@dataclass(frozen=True)
class Finding:
    """What one check found, and what to do about it (empty when nothing)."""

    check: str
    status: Status
    found: str
    remedy: str = ""

    def line(self) -> str:
        return f"{self.status:8}{self.check:13}{self.found}" + (f". {self.remedy}" if self.remedy else "")


def diagnose() -> Iterator[Finding]:
    """All findings, each as soon as it is known; the settings come from the environment."""
    yield python()
    yield java()
    try:
        settings = load_settings()
    except InputError as error:
        yield Finding("settings", "problem", str(error), "Correct them; the other checks need them")
        yield dagster_home()
        return
    languages = len(settings.active_languages)
    yield Finding("settings", "ok", f"world {settings.world}, {languages} languages, {settings.data_root}")
    yield spark(settings)
    yield gpu(settings)
    yield disk(settings)
    yield mlama(settings)
    yield wikipedia(settings)
    yield from checkpoints(settings)
    yield dagster_home()
    yield worlds(settings)


def python() -> Finding:
    """Python 3.11 or newer."""
    version = ".".join(map(str, sys.version_info[:3]))
    if tuple(sys.version_info[:2]) < OLDEST_PYTHON:
        return Finding("Python", "problem", version, "Install Python 3.11 or newer")
    return Finding("Python", "ok", version)


def java() -> Finding:
    """A Java that Spark runs on: the machine's own, else the one from PyPI."""
    from factroots_dagster.spark.java import java_home, java_version

    try:
        home = java_home()
    except InputError as error:
        return Finding("Java", "problem", str(error))
    return Finding("Java", "ok", f"Java {java_version(home / 'bin' / 'java')} in {home}")


def spark(settings: Settings) -> Finding:
    """A session on the configured master runs a task in two Python workers."""
    command = [sys.executable, "-c", SPARK_TASK, settings.spark_master]
    remedy = "See FACTROOTS_SPARK_MASTER, and that its workers have this Python with factroots installed"
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SPARK_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        words = f"{settings.spark_master} ran no task in {SPARK_SECONDS} s"
        return Finding("Spark", "problem", words, remedy)
    told = done.stdout.split()
    if done.returncode or told[:2] != ["rows", "8"]:
        last = (done.stderr.strip().splitlines() or ["no output"])[-1]
        return Finding("Spark", "problem", f"{settings.spark_master} ran no task: {last[:200]}", remedy)
    return Finding("Spark", "ok", f"{told[3]} on {settings.spark_master} ran a task")


def gpu(settings: Settings) -> Finding:
    """The device that models will run on."""
    from factroots_dagster.models.checkpoint import pick_device

    try:
        place = pick_device(settings.device)
    except InputError as error:
        return Finding("GPU", "problem", str(error), "Set FACTROOTS_DEVICE=auto or cpu")
    if place.type != "cpu":
        import torch

        name = torch.cuda.get_device_name(place) if place.type == "cuda" else place.type
        return Finding("GPU", "ok", name)
    if settings.generated or settings.device == "cpu":
        return Finding("GPU", "ok", "none; models run on the CPU")
    return Finding("GPU", "warning", "none; models run on the CPU", "A GPU probes mLAMA in hours, not days")


def disk(settings: Settings) -> Finding:
    """The data root can be written and has room."""
    place = settings.data_root.absolute()
    while not place.exists():
        place = place.parent
    try:
        with tempfile.TemporaryFile(dir=place):
            pass
        free = shutil.disk_usage(place).free
    except OSError as error:
        return Finding("disk", "problem", f"{place} cannot be written ({error})", "Set FACTROOTS_DATA_ROOT")
    words = f"{free / GIGABYTE:.0f} GB free under {settings.data_root}"
    if free < LEAST_FREE:
        return Finding("disk", "problem", words, "Make room, or set FACTROOTS_DATA_ROOT to another disk")
    if free < (wanted := WANTED_FREE[settings.generated]):
        return Finding("disk", "warning", words, f"The whole world takes some {wanted / GIGABYTE:.0f} GB")
    return Finding("disk", "ok", words)


def mlama(settings: Settings) -> Finding:
    """The mLAMA release is made, published, there, or can be fetched."""
    from factroots_dagster.facts.mlama.release import MIRRORS

    if settings.generated:
        return Finding("mLAMA", "ok", f"generated from seed {settings.sandbox_seed}")
    if Store(settings.data_root, settings.world).exists("mlama_release"):
        return Finding("mLAMA", "ok", "the release is published in the data root")
    source = settings.mlama_source
    if source and not source.startswith(("http://", "https://")):
        if Path(source).expanduser().exists():
            return Finding("mLAMA", "ok", source)
        return Finding("mLAMA", "problem", f"{source} is not there", "Correct FACTROOTS_MLAMA_SOURCE")
    tried = [(url, _unreachable(url)) for url in ([source] if source else MIRRORS)]
    if reached := [url for url, error in tried if error is None]:
        return Finding("mLAMA", "ok", f"{reached[0]} answers")
    words = "; ".join(f"{url}: {error}" for url, error in tried)
    return Finding("mLAMA", "problem", words, "Give a local copy with FACTROOTS_MLAMA_SOURCE")


def wikipedia(settings: Settings) -> Finding:
    """Every language's dump is made, published, in the folder, or its server answers."""
    from factroots_dagster.corpora.wikipedia.dump import find_dump_files
    from factroots_dagster.corpora.wikipedia.dump_names import database_prefix

    if settings.generated:
        return Finding("Wikipedia", "ok", f"generated from seed {settings.sandbox_seed}")
    store, source = Store(settings.data_root, settings.world), settings.wikipedia_source
    absent = [code for code in settings.active_languages if not store.exists("wikipedia_dump", code)]
    if not absent:
        return Finding("Wikipedia", "ok", "every language's dump is published in the data root")
    if source.startswith(("http://", "https://")):
        url = f"{source.rstrip('/')}/{database_prefix(absent[0])}wiki/"
        if (error := _unreachable(url)) is None:
            return Finding("Wikipedia", "ok", f"{url} answers")
        return Finding(
            "Wikipedia", "problem", f"{url}: {error}", "Set FACTROOTS_WIKIPEDIA_SOURCE to a folder of dumps"
        )
    missing = []
    for language in absent:
        try:
            find_dump_files(language, Path(source).expanduser(), settings.wikipedia_snapshot)
        except InputError as error:
            missing.append((language, str(error)))
    if not missing:
        return Finding("Wikipedia", "ok", f"a dump of every language in {source}")
    codes = ", ".join(language for language, _ in missing)
    return Finding("Wikipedia", "problem", f"no dump of {codes}", missing[0][1])


def checkpoints(settings: Settings) -> Iterator[Finding]:
    """Each registered folder is a whole checkpoint; what is half-copied is named."""
    try:
        known = registry.registered(settings)
    except InputError as error:
        yield Finding("checkpoints", "problem", str(error))
        return
    bad = {key: why for key, why in registry.incomplete_folders(settings).items() if key not in known}
    for key, entry in known.items():
        folder = Path(entry.source)
        if folder.is_absolute():
            why = find_defect(folder) if folder.is_dir() else "its folder is not there"
            bad |= {key: why} if why else {}
    for key, why in bad.items():
        yield Finding("checkpoints", "warning", f"{key}: {why}", "It is left alone until it is complete")
    whole = len(set(known) - set(bad))
    wanted = settings.wordpiece_checkpoint
    if wanted and wanted not in known:
        yield Finding(
            "checkpoints",
            "problem",
            f"FACTROOTS_WORDPIECE_CHECKPOINT={wanted} is not registered",
            "Register it with: factroots checkpoints add",
        )
    if whole or settings.generated:
        words = f"{whole} registered" + ("; training makes them" if not whole else "")
        yield Finding("checkpoints", "ok", words)
    else:
        yield Finding("checkpoints", "warning", "none registered", "Register one: factroots checkpoints add")


def dagster_home() -> Finding:
    """DAGSTER_HOME is a folder that can be written, and its dagster.yaml turns telemetry off."""
    import yaml

    name = "DAGSTER_HOME"
    home = Path(os.environ.get(name) or Path.cwd() / ".dagster")
    if not home.is_dir():
        return Finding(name, "problem", f"{home} is not a folder", 'export DAGSTER_HOME="$PWD/.dagster"')
    if not os.access(home, os.W_OK):
        return Finding(name, "problem", f"{home} cannot be written", "Choose another folder")
    if name not in os.environ:
        return Finding(
            name,
            "warning",
            f"is not set; factroots uses {home}, other Dagster commands a temporary one",
            f'export {name}="{home}"',
        )
    try:
        chosen = yaml.safe_load((home / "dagster.yaml").read_text(encoding="utf-8")) or {}
        telemetry = chosen.get("telemetry", {}).get("enabled", True)
    except (OSError, AttributeError, yaml.YAMLError) as error:
        return Finding(
            name, "warning", f"{home}/dagster.yaml: {error}", "Copy the project's .dagster/dagster.yaml"
        )
    if telemetry:
        return Finding(name, "warning", f"{home}: Dagster sends telemetry", "telemetry: {enabled: false}")
    return Finding(name, "ok", f"{home}, telemetry off")


def worlds(settings: Settings) -> Finding:
    """Worlds beside this one share Dagster's history where they share DAGSTER_HOME."""
    names = (*GENERATED_WORLDS, "mlama")
    others = [name for name in names if name != settings.world and (settings.data_root / name).is_dir()]
    if not others:
        return Finding("worlds", "ok", f"only {settings.world} in the data root")
    return Finding(
        "worlds",
        "warning",
        f"{', '.join(others)} beside {settings.world}: in one DAGSTER_HOME the history of assets without "
        "partitions is shared, and what another world left shows as out of date",
        "Give each world a DAGSTER_HOME of its own",
    )


def _unreachable(url: str) -> str | None:
    """Why an address does not answer, None when it does."""
    request = urllib.request.Request(url, method="HEAD", headers={"User-Agent": "factroots"})
    try:
        with urllib.request.urlopen(request, timeout=ANSWER_SECONDS):
            return None
    except urllib.error.HTTPError as error:
        return None if error.code in (403, 405) else f"{error.code} {error.reason}"
    except (OSError, ValueError) as error:
        return str(error)
