"""`factroots doctor`: checks this machine, the settings and the sources, and says how to fix what is wrong.

Each check is one function that changes nothing and returns its result. `run_checks` runs them in order and
skips those that need valid settings when the settings are invalid. To add a check, add its function here and
call it there.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import urllib.error
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Literal

from factroots_dagster.cli.instance import written_folder
from factroots_dagster.errors import InputError
from factroots_dagster.facts.worlds import list_imported, read_import
from factroots_dagster.models import registry
from factroots_dagster.models.completeness import find_defect
from factroots_dagster.models.devices import devices_of
from factroots_dagster.settings import OWN_WORLDS, Settings, load_settings
from factroots_dagster.store.store import Store
from factroots_dagster.store.web import open_address, without_credentials

Status = Literal["ok", "warning", "problem"]
MIN_PYTHON = (3, 11)
GIGABYTE = 10**9
MIN_FREE_BYTES = GIGABYTE
WORLD_BYTES = {"generated": 2 * GIGABYTE, "mlama": 100 * GIGABYTE}
"""Roughly what a whole world takes on disk."""
REGISTER = "run: factroots checkpoints add <hub id or folder>"
HTTP_SECONDS = 10
SPARK_SECONDS = 180

MAX_SHOWN = 3

SPARK_TASK = """
import sys
from factroots_dagster.spark.session import spark_session
spark = spark_session(*sys.argv[1:])
rows = spark.range(8, numPartitions=2).mapInArrow(lambda batches: batches, "id long").count()
print("rows", rows, "Spark", spark.version)
spark.stop()
"""


@dataclass(frozen=True)
class CheckResult:
    """The result of one check.

    message: what the check saw, without a full stop at its end. remedy: what to do about it, an imperative
    that begins with a small letter; empty when there is nothing to do.
    """

    check: str
    status: Status
    message: str
    remedy: str = ""

    @classmethod
    def from_error(cls, check: str, error: InputError) -> CheckResult:
        """A problem with the text of an error."""
        return cls(check, "problem", error.problem, error.remedy)

    def as_line(self) -> str:
        """The result as one line of text."""
        remedy = f". To fix it, {self.remedy}" if self.remedy else ""
        return f"{self.status:8}{self.check:12} {self.message}{remedy}"

    def as_json(self) -> dict[str, str]:
        """The result as an object of `factroots doctor --json`."""
        return {"check": self.check, "status": self.status, "found": self.message, "remedy": self.remedy}


def run_checks() -> Iterator[CheckResult]:
    """The results of all checks, each as soon as it is known; the settings come from the environment."""
    yield check_python()
    yield check_java()
    try:
        settings = load_settings()
    except InputError as error:
        yield CheckResult.from_error("settings", error)
        yield check_dagster_home()
        return
    languages = f"{len(settings.active_languages)} languages"
    yield CheckResult("settings", "ok", f"world {settings.world}, {languages}, {settings.data_place}")
    for check in (check_spark, check_gpu, check_disk, check_store, check_mlama, check_wikipedia):
        yield check(settings)
    yield from check_corpora(settings)
    yield from check_checkpoints(settings)
    yield check_dagster_home()
    yield check_worlds(settings)


def check_python() -> CheckResult:
    """Python is new enough."""
    version = ".".join(map(str, sys.version_info[:3]))
    if tuple(sys.version_info[:2]) < MIN_PYTHON:
        return CheckResult("Python", "problem", version, "install Python 3.11 or newer")
    return CheckResult("Python", "ok", version)


def check_java() -> CheckResult:
    """There is a Java that Spark runs on, installed or from PyPI."""
    from factroots_dagster.spark.java import java_home, java_version

    try:
        home = java_home()
    except InputError as error:
        return CheckResult.from_error("Java", error)
    return CheckResult("Java", "ok", f"Java {java_version(home / 'bin' / 'java')} in {home}")


def check_spark(settings: Settings, timeout: float = SPARK_SECONDS) -> CheckResult:
    """A session on the configured master runs a task in two Python workers within `timeout` seconds."""
    master = settings.spark_master
    remedy = (
        "check FACTROOTS_SPARK_MASTER, and that this Python, with factroots installed, is on Spark's workers"
    )
    command = [sys.executable, "-c", SPARK_TASK, master, settings.spark_memory]
    try:
        process = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)
    except subprocess.TimeoutExpired:
        return CheckResult("Spark", "problem", f"{master} ran no task in {timeout:g} s", remedy)
    output = process.stdout.split()
    if process.returncode or output[:2] != ["rows", "8"]:
        last_line = (process.stderr.strip().splitlines() or ["no output"])[-1]
        return CheckResult("Spark", "problem", f"{master} ran no task: {last_line[:200]}", remedy)
    return CheckResult("Spark", "ok", f"{output[3]} on {master} ran a task")


def check_gpu(settings: Settings) -> CheckResult:
    """The configured device is available; mLAMA is probed on a GPU."""
    from factroots_dagster.models.checkpoint import pick_device

    try:
        devices = [pick_device(name) for name in devices_of(settings.device)]
    except InputError as error:
        return CheckResult("GPU", "problem", error.problem, "set FACTROOTS_DEVICE to auto or cpu")
    if gpus := [device for device in devices if device.type != "cpu"]:
        import torch

        names = [torch.cuda.get_device_name(one) if one.type == "cuda" else one.type for one in gpus]
        return CheckResult("GPU", "ok", ", ".join(names))
    message = "none; models run on the CPU"
    if settings.generated or "cpu" in devices_of(settings.device):
        return CheckResult("GPU", "ok", message)
    return CheckResult("GPU", "warning", message, "use a GPU, which probes mLAMA in hours instead of days")


def check_disk(settings: Settings, min_free: int = MIN_FREE_BYTES) -> CheckResult:
    """The data root can be written and has at least `min_free` bytes, better the size of the world."""
    folder = settings.data_root.absolute()
    while not folder.exists():
        folder = folder.parent
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
        free = shutil.disk_usage(folder).free
    except OSError as error:
        message = f"{folder} cannot be written ({error})"
        return CheckResult("disk", "problem", message, "set FACTROOTS_DATA_ROOT to another folder")
    message = f"{free / GIGABYTE:.0f} GB free under {settings.data_root}"
    remedy = "free space, or set FACTROOTS_DATA_ROOT to a folder on another disk"
    if free < min_free:
        return CheckResult("disk", "problem", message, remedy)
    needed = WORLD_BYTES["generated" if settings.generated else "mlama"]
    if free < needed:
        message += f", and the whole world takes about {needed / GIGABYTE:.0f} GB"
        return CheckResult("disk", "warning", message, remedy)
    return CheckResult("disk", "ok", message)


def check_store(settings: Settings) -> CheckResult:
    """Every manifest can be read; says how to verify the files, and what replaced versions take on disk."""
    store = Store(settings.data_root, settings.world)
    try:
        partitions = list(store.verify(files=False))
        replaced = sum(swept.bytes for swept in store.sweep(dry_run=True))
    except InputError as error:  # an object store that refuses the request, or does not answer
        return CheckResult.from_error("store", error)
    if errors := [each.error for each in partitions if each.error is not None]:
        problem = "; ".join(error.problem for error in errors[:MAX_SHOWN])
        problem += f" and {len(errors) - MAX_SHOWN} more" if len(errors) > MAX_SHOWN else ""
        return CheckResult("store", "problem", problem, errors[0].remedy)
    message = f"{len(partitions):,} partitions; factroots verify reads all their files"
    if replaced > MIN_FREE_BYTES:
        message = f"{replaced / GIGABYTE:.0f} GB are versions that were replaced"
        return CheckResult("store", "warning", message, "run: factroots gc")
    return CheckResult("store", "ok", message)


def check_mlama(settings: Settings) -> CheckResult:
    """The facts are generated, imported, of CLDR, materialized, in a local copy, or offered by a server."""
    from factroots_dagster.facts.mlama.release import MIRRORS

    if settings.generated:
        return CheckResult("facts", "ok", f"generated from seed {settings.sandbox_seed}")
    if settings.imported:
        record = read_import(settings.data_root, settings.world)
        return CheckResult("facts", "ok", f"{record.facts:,} facts imported from {record.source}")
    if settings.world == "cldr":
        return CheckResult("facts", "ok", f"facts of CLDR, from {settings.fact_set}")
    if Store(settings.data_root, settings.world).exists("mlama_release"):
        return CheckResult("facts", "ok", "the release is in the data root")
    source = settings.mlama_source
    if source and not _is_web_address(source):
        if Path(source).expanduser().exists():
            return CheckResult("facts", "ok", source)
        return CheckResult("facts", "problem", f"{source} does not exist", "correct FACTROOTS_MLAMA_SOURCE")
    errors = []
    for url in [source] if source else MIRRORS:
        shown = without_credentials(url)
        if (error := _connection_error(url)) is None:
            return CheckResult("facts", "ok", f"{shown} answers")
        errors.append(f"{shown}: {error}")
    remedy = "set FACTROOTS_MLAMA_SOURCE to a local copy"
    return CheckResult("facts", "problem", "; ".join(errors), remedy)


def check_wikipedia(settings: Settings) -> CheckResult:
    """The dump of every language is generated, materialized, or in the folder, or the server answers."""
    from factroots_dagster.corpora.registry import WIKIPEDIA, corpus_at
    from factroots_dagster.corpora.wikipedia.dump import find_dump_files
    from factroots_dagster.corpora.wikipedia.dump_names import database_prefix

    if settings.generated:
        return CheckResult("Wikipedia", "ok", f"generated from seed {settings.sandbox_seed}")
    if all(choice.location for choice in settings.corpus_choices):
        return CheckResult("Wikipedia", "ok", "not among the corpora")
    store, source = Store(settings.data_root, settings.world), settings.wikipedia_source
    languages = [code for code in settings.active_languages if not store.exists("wikipedia_dump", code)]
    if not languages:
        return CheckResult("Wikipedia", "ok", "the dump of every language is in the data root")
    if _is_web_address(source):
        url = f"{source.rstrip('/')}/{database_prefix(languages[0])}wiki/"
        shown = without_credentials(url)
        if (reason := _connection_error(url)) is None:
            return CheckResult("Wikipedia", "ok", f"{shown} answers")
        remedy = "set FACTROOTS_WIKIPEDIA_SOURCE to a folder of dumps"
        return CheckResult("Wikipedia", "problem", f"{shown}: {reason}", remedy)
    errors: dict[str, InputError] = {}
    for language in languages:
        try:
            if corpus_at(source, language) is WIKIPEDIA:
                find_dump_files(language, Path(source).expanduser(), settings.wikipedia_snapshot)
        except InputError as error:
            errors[language] = error
    if not errors:
        return CheckResult("Wikipedia", "ok", f"{source} has a dump of every language")
    remedy = next(iter(errors.values())).remedy
    return CheckResult("Wikipedia", "problem", f"no dump of {', '.join(errors)} in {source}", remedy)


def check_corpora(settings: Settings) -> Iterator[CheckResult]:
    """Every other corpus in a folder has files of some language, and a warning where it lacks languages."""
    from factroots_dagster.corpora.collection.files import expand_location, find_local_files, is_uri

    for choice in settings.corpus_choices:
        name = f"corpus {choice.name}"
        if not choice.location or is_uri(choice.location):
            continue
        try:
            lacking = [
                language
                for language in settings.active_languages
                if not any(map(find_local_files, expand_location(choice.location, language)))
            ]
        except InputError as error:
            yield CheckResult.from_error(name, error)
            continue
        remedy = "correct its location in FACTROOTS_CORPORA"
        if len(lacking) == len(settings.active_languages):
            yield CheckResult(name, "problem", f"no file at {choice.location}", remedy)
        elif lacking:
            message = f"no file of {', '.join(lacking)} at {choice.location}"
            yield CheckResult(name, "warning", message, f"{remedy}, if it has them")
        else:
            yield CheckResult(name, "ok", f"files of every language at {choice.location}")


def check_checkpoints(settings: Settings) -> Iterator[CheckResult]:
    """Each registered folder is a complete checkpoint; yields a warning for each incomplete one."""
    name = "checkpoints"
    try:
        registered = registry.registered(settings)
    except InputError as error:
        yield CheckResult.from_error(name, error)
        return
    defects = registry.find_unusable(settings)
    for key, entry in registered.items():
        folder = Path(entry.source)
        if folder.is_absolute():
            defect = find_defect(folder) if folder.is_dir() else "its folder does not exist"
            defects |= {key: defect} if defect else {}
    for key, defect in defects.items():
        yield CheckResult(name, "warning", f"{key}: {defect}", "complete or mend it")
    wanted = settings.wordpiece_checkpoint
    if wanted and wanted not in registered:
        message = f"FACTROOTS_WORDPIECE_CHECKPOINT={wanted} is not registered"
        yield CheckResult(name, "problem", message, REGISTER)
    complete = len(set(registered) - set(defects))
    if complete or settings.generated:
        message = f"{complete} registered" + ("" if complete else "; sandbox_training writes them")
        yield CheckResult(name, "ok", message)
    else:
        yield CheckResult(name, "warning", "none registered", REGISTER)


def check_dagster_home() -> CheckResult:
    """DAGSTER_HOME is a folder that can be written, and its dagster.yaml turns telemetry off."""
    import yaml

    name = "DAGSTER_HOME"
    home = Path(os.environ.get(name) or Path.cwd() / ".dagster")
    if not home.is_dir() and name not in os.environ:
        return CheckResult(name, "ok", f"{home} will be made by factroots run")
    if not home.is_dir():
        remedy = 'run: export DAGSTER_HOME="$PWD/.dagster"'
        return CheckResult(name, "problem", f"{home} is not a folder", remedy)
    if not os.access(written_folder(home), os.W_OK):
        return CheckResult(name, "problem", f"{home} cannot be written", "choose another folder")
    if name not in os.environ:
        message = f"is not set; factroots uses {home}, other Dagster commands a temporary folder"
        return CheckResult(name, "warning", message, f'run: export {name}="{home}"')
    try:
        config = yaml.safe_load((home / "dagster.yaml").read_text(encoding="utf-8")) or {}
        sends_telemetry = config.get("telemetry", {}).get("enabled", True)
    except (OSError, AttributeError, yaml.YAMLError) as error:
        message = f"{home}/dagster.yaml: {error}"
        return CheckResult(
            name, "warning", message, "correct it, or remove it and run factroots status, which writes one"
        )
    if sends_telemetry:
        remedy = "add to dagster.yaml: telemetry: {enabled: false}"
        return CheckResult(name, "warning", f"{home}: Dagster sends telemetry", remedy)
    return CheckResult(name, "ok", f"{home}, telemetry off")


def check_worlds(settings: Settings) -> CheckResult:
    """The data root holds one world: several would share Dagster's history."""
    worlds = (*OWN_WORLDS, *list_imported(settings.data_root))
    others = [name for name in worlds if name != settings.world and (settings.data_root / name).is_dir()]
    if not others:
        return CheckResult("worlds", "ok", f"only {settings.world} in the data root")
    return CheckResult(
        "worlds",
        "warning",
        f"{', '.join(others)} beside {settings.world}: in one DAGSTER_HOME they share the history of assets "
        "without partitions, and what another world wrote is shown as out of date",
        "use a separate DAGSTER_HOME for each world",
    )


def _is_web_address(source: str) -> bool:
    return source.startswith(("http://", "https://"))


def _connection_error(url: str) -> str | None:
    """Why a server does not answer; None when it does."""
    try:
        with open_address(url, patience=HTTP_SECONDS, method="HEAD"):
            return None
    except urllib.error.HTTPError as error:
        return None if error.code in (403, 405) else f"{error.code} {error.reason}"
    except (OSError, HTTPException, InputError) as error:
        return without_credentials(str(error))
