"""Several devices: processes that each make some of a checkpoint's languages, and the leases on devices."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

from assets_tests.orchestration.golden.world import KEY
from factroots_dagster.cli.run import stage_runner
from factroots_dagster.errors import UnavailableError
from factroots_dagster.models import devices
from factroots_dagster.orchestration.build import build_defs
from factroots_dagster.orchestration.catalog import MODEL_POOL
from factroots_dagster.orchestration.parallel import run_ranges
from factroots_dagster.orchestration.partitions import CELL, checkpoint_set
from factroots_dagster.orchestration.process import PROCESS_TAG
from factroots_dagster.orchestration.progress import Reporter
from factroots_dagster.orchestration.slots import set_device_slots
from factroots_dagster.orchestration.stages import Stage, StageFailedError, divide_languages
from factroots_dagster.settings import Settings
from factroots_dagster.store.store import Store

ASSETS = ("predictions", "neuron_activations", "active_neurons")


class Heard(Reporter):
    def __init__(self) -> None:
        super().__init__()
        self.finished: list[str] = []

    def finish_partition(self, name: str) -> None:
        self.finished.append(name)


@pytest.fixture
def two_devices(tiny_world: tuple[Settings, Store], tmp_path: Path) -> Settings:
    """A copy of the tiny world, with two devices."""
    settings, _ = tiny_world
    shutil.copytree(settings.data_root, tmp_path / "data", symlinks=True)
    return settings.model_copy(update={"data_root": tmp_path / "data", "device": "cpu,cpu"})


def test_two_processes_make_the_same_tables_as_one(two_devices: Settings) -> None:
    store = Store(two_devices.data_root, two_devices.world)
    languages = two_devices.active_languages
    before = {(name, code): store.version(name, KEY, code) for name in ASSETS for code in languages}
    heard = Heard()
    with dg.instance_for_test() as instance:
        instance.add_dynamic_partitions(checkpoint_set(two_devices.world), [KEY])
        stage_runner(two_devices, instance, heard).run_stage(Stage(CELL, ASSETS), KEY)
        runs = instance.get_runs()
        assert all(run.status is dg.DagsterRunStatus.SUCCESS for run in runs)
        assert len({run.tags[PROCESS_TAG] for run in runs}) == len(runs) == 2
        for name in ASSETS:
            made = instance.get_materialized_partitions(dg.AssetKey(name))
            assert made == {f"{KEY}|{code}" for code in languages}
    assert sorted(heard.finished) == sorted(f"{name}/{KEY}/{code}" for name, code in before)
    run_ids = set()
    for (name, code), version in before.items():
        now = store.version(name, KEY, code)
        assert now.digest == version.digest and now.run_id != version.run_id
        run_ids.add(now.run_id)
    assert len(run_ids) == 2


def test_a_process_that_ends_without_a_word_is_a_failure(two_devices: Settings) -> None:
    """Not only one that says why: here there is no such asset."""
    with dg.instance_for_test() as instance:
        instance.add_dynamic_partitions(checkpoint_set(two_devices.world), [KEY])
        languages = two_devices.active_languages
        ranges = [(f"{KEY}|{code}", f"{KEY}|{code}") for code in (languages[0], languages[-1])]
        failures = run_ranges(two_devices, instance, "probing", ["no_such_asset"], ranges, Reporter())
    assert len(failures) == 2 and all("probing: " in failure for failure in failures)


def test_a_process_that_fails_leaves_the_others_their_work(two_devices: Settings) -> None:
    store = Store(two_devices.data_root, two_devices.world)
    last = two_devices.active_languages[-1]
    shutil.rmtree(store.path("mlama_split", last))
    with dg.instance_for_test() as instance:
        instance.add_dynamic_partitions(checkpoint_set(two_devices.world), [KEY])
        with pytest.raises(StageFailedError, match=f"mlama_split/{last} has not been materialized"):
            stage_runner(two_devices, instance, Reporter()).run_stage(Stage(CELL, ("predictions",)), KEY)
        made = instance.get_materialized_partitions(dg.AssetKey("predictions"))
    assert f"{KEY}|{two_devices.active_languages[0]}" in made and f"{KEY}|{last}" not in made


@pytest.mark.parametrize(
    ("languages", "processes", "shares"),
    [
        ("abc", 1, ["ac"]),
        ("abc", 2, ["ab", "cc"]),
        ("abcd", 2, ["ab", "cd"]),
        ("ab", 5, ["aa", "bb"]),
        ("abcdefg", 3, ["ab", "ce", "fg"]),
    ],
)
def test_languages_are_divided_evenly(languages: str, processes: int, shares: list[str]) -> None:
    assert ["".join(share) for share in divide_languages(languages, processes)] == shares


@pytest.fixture
def own_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(devices.tempfile, "gettempdir", lambda: str(tmp_path))
    return tmp_path


def lease_in_process(folder: Path, setting: str) -> subprocess.Popen[str]:
    """A process that leases a device, says which, and ends when its input does."""
    code = (
        "import sys, tempfile; tempfile.tempdir = sys.argv[1]\n"
        "from factroots_dagster.models.devices import lease_device\n"
        "print(lease_device(sys.argv[2]), flush=True); sys.stdin.read()"
    )
    return subprocess.Popen(
        [sys.executable, "-c", code, str(folder), setting],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_every_process_gets_a_device_of_its_own_and_waits_where_there_is_none(own_locks: Path) -> None:
    setting = "cuda:0,cuda:1,cuda:1"
    processes = [lease_in_process(own_locks, setting) for _ in range(3)]
    try:
        got = [process.stdout.readline().strip() for process in processes]  # type: ignore[union-attr]
        assert sorted(got) == ["cuda:0", "cuda:1", "cuda:1"]
        with pytest.raises(UnavailableError, match="FACTROOTS_DEVICE=cuda:0,cuda:1,cuda:1 for 0 s"):
            devices.lease_device(setting, wait_seconds=0)
        processes[got.index("cuda:0")].kill()
        assert devices.lease_device(setting, wait_seconds=20) == "cuda:0"
        assert devices.lease_device(setting) == "cuda:0"
    finally:
        devices.release_device()
        for process in processes:
            process.kill()
            process.wait()


@pytest.mark.parametrize("setting", ["auto", "cpu", "cuda", "cuda:3", "split"])
def test_a_single_device_is_not_leased(own_locks: Path, setting: str) -> None:
    assert devices.lease_device(setting) == setting
    assert list(own_locks.iterdir()) == []


def test_runs_of_the_queue_use_all_devices(two_devices: Settings) -> None:
    """Slots of the pool, and how many cells a run of a backfill has."""
    with dg.instance_for_test() as instance:
        set_device_slots(instance, two_devices)
        limits = {limit.name: limit.limit for limit in instance.event_log_storage.get_pool_limits()}
        assert limits == {MODEL_POOL: 2}
        set_device_slots(instance, two_devices.model_copy(update={"device": "cpu"}))  # leaves others' limits
        assert [limit.limit for limit in instance.event_log_storage.get_pool_limits()] == [2]
    graph = build_defs(two_devices).resolve_asset_graph()
    assert graph.get(dg.AssetKey("predictions")).backfill_policy == dg.BackfillPolicy.multi_run(2)
    assert graph.get(dg.AssetKey("mlama_split")).backfill_policy == dg.BackfillPolicy.single_run()
