"""What the checkpoint sensor does: every new version once, nothing half-copied, nothing forgotten."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import numpy as np
import pyarrow as pa
import pytest
from safetensors.numpy import save_file

from assets_tests.models.folders import checkpoint_folder
from assets_tests.models.hub import Hub, serving
from factroots_dagster.models import registry
from factroots_dagster.models.completeness import find_defect
from factroots_dagster.models.files import folder_revision
from factroots_dagster.orchestration.automation.checkpoint_scan import (
    FIRST_WAIT,
    HUB_INTERVAL,
    ScanState,
    scan_checkpoints,
)
from factroots_dagster.orchestration.automation.schedules import newer_snapshots
from factroots_dagster.orchestration.automation.sensors import REQUEST_TAG
from factroots_dagster.orchestration.build import build_defs
from factroots_dagster.orchestration.versions import code_version
from factroots_dagster.settings import Settings
from factroots_dagster.store.store import Store

DESCRIBED = pa.schema([("revision", pa.string()), ("corpora", pa.list_(pa.string()))])
LATER = 4e9  # long after any file was written
C1, C2 = "1" * 40, "2" * 40


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with serving() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        yield hub


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "checkpoints").mkdir()
    return Settings(world="mlama", data_root=tmp_path / "data", checkpoints=tmp_path / "checkpoints")


def describe(settings: Settings, key: str, revision: str) -> None:
    """Publish what the asset `checkpoint` publishes, as far as the sensor looks at it."""
    store = Store(settings.data_root, settings.world)
    with store.write_partition("checkpoint", key, code_version=code_version("checkpoint", settings)) as work:
        row = {"revision": revision, "corpora": registry.lookup(settings, key).corpora}
        work.write(pa.Table.from_pylist([row], DESCRIBED), DESCRIBED)


class Daemon:
    """What Dagster's daemon does with a sensor: keeps its cursor, adds partitions, drops known run keys."""

    def __init__(self, settings: Settings, instance: dg.DagsterInstance) -> None:
        self.settings, self.instance, self.cursor = settings, instance, None
        self.definitions = build_defs(settings)
        self.runs: list[str] = []

    def tick(self) -> list[str]:
        """The keys of the runs that this tick starts; each is left queued in the instance."""
        with dg.build_sensor_context(
            instance=self.instance, definitions=self.definitions, cursor=self.cursor
        ) as context:
            result = self.definitions.get_sensor_def("checkpoint_sensor")(context)
        self.message = result.skip_reason.skip_message if result.skip_reason else ""
        self.cursor = result.cursor
        for request in result.dynamic_partitions_requests or []:
            self.instance.add_dynamic_partitions("mlama_checkpoint", request.partition_keys)
        started = []
        for request in result.run_requests or []:
            if request.run_key not in self.runs:
                self.runs.append(request.run_key)
                started.append(request.partition_key)
                job = self.definitions.resolve_job_def("describe_checkpoint")
                self.instance.create_run_for_job(job, tags=dict(request.tags))
        return started


@pytest.fixture
def daemon(settings: Settings) -> Iterator[Daemon]:
    with dg.instance_for_test() as instance:
        yield Daemon(settings, instance)


def age(folder: Path, seconds: float = 60) -> None:
    """Make a folder look as if its files had been written a while ago."""
    for file in folder.iterdir():
        stat = file.stat()
        os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns - int(seconds * 1e9)))


def test_a_new_folder_is_asked_for_once(settings: Settings, daemon: Daemon) -> None:
    folder = checkpoint_folder(settings.checkpoints / "step-1")
    assert daemon.tick() == [] and "it is being written" in daemon.message
    age(folder)
    assert daemon.tick() == ["step-1"]
    assert daemon.instance.get_dynamic_partitions("mlama_checkpoint") == ["step-1"]
    assert daemon.tick() == []
    daemon.cursor, daemon.runs = None, []  # all that the daemon knew is lost
    assert daemon.tick() == []
    describe(settings, "step-1", folder_revision(folder))
    assert daemon.tick() == []


def test_odd_folders_and_entries_stop_no_tick_and_are_logged_once(
    settings: Settings, daemon: Daemon, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("step-1", "linked", "a b"):
        age(checkpoint_folder(settings.checkpoints / name))
    age(checkpoint_folder(settings.checkpoints / "a-b"))
    (settings.checkpoints / "linked" / "notes.json").symlink_to("notes.json")
    registry.registry_file(settings).write_text('{"odd": {"source": 7}}')
    assert sorted(daemon.tick()) == ["a-b", "step-1"]
    logged = capsys.readouterr().err
    for named in ("a-b (its checkpoint key would be a-b", "linked (it cannot be read", "its entry names no"):
        assert logged.count(named) == 1
    assert daemon.tick() == [] and "its entry names no" in daemon.message
    assert capsys.readouterr().err == ""


def test_two_ticks_at_once_name_the_same_run(settings: Settings) -> None:
    age(checkpoint_folder(settings.checkpoints / "step-1"))
    first, second = (scan_checkpoints(settings, ScanState(), [], LATER).requests for _ in range(2))
    assert first == second and list(first) == ["step-1"]


def test_a_folder_changed_in_place_is_asked_for_again_and_again_when_it_goes_back(
    settings: Settings, daemon: Daemon
) -> None:
    folder = settings.checkpoints / "step-1"
    for value in (1.0, 2.0, 1.0, 2.0):
        age(checkpoint_folder(folder, value))
        assert daemon.tick() == ["step-1"], value
        assert daemon.tick() == []
        describe(settings, "step-1", folder_revision(folder))
        assert daemon.tick() == []
    age(folder)  # touched, and the same as before
    assert daemon.tick() == []


def test_a_checkpoint_with_other_corpora_is_described_again(settings: Settings, daemon: Daemon) -> None:
    folder = checkpoint_folder(settings.checkpoints / "step-1")
    age(folder)
    assert daemon.tick() == ["step-1"]
    describe(settings, "step-1", folder_revision(folder))
    assert daemon.tick() == []
    for corpora in (["web"], ["web", "wikipedia"]):
        registry.add(settings, str(folder), corpora=corpora)
        assert daemon.tick() == ["step-1"]
        describe(settings, "step-1", folder_revision(folder))
        assert daemon.tick() == []


def test_a_deleted_checkpoint_is_reported_and_kept(settings: Settings, daemon: Daemon) -> None:
    age(checkpoint_folder(settings.checkpoints / "step-1"))
    daemon.tick()
    shutil.rmtree(settings.checkpoints / "step-1")
    assert daemon.tick() == []
    assert "no longer registered, results kept: step-1" in daemon.message
    assert daemon.instance.get_dynamic_partitions("mlama_checkpoint") == ["step-1"]


def shards(folder: Path) -> Path:
    """A checkpoint in two files with an index."""
    checkpoint_folder(folder)
    (folder / "model.safetensors").unlink()
    save_file({"embeddings": np.ones((4, 2), np.float32)}, folder / "model-1.safetensors")
    save_file({"head": np.ones((2, 2), np.float32)}, folder / "model-2.safetensors")
    index = {"weight_map": {"embeddings": "model-1.safetensors", "head": "model-2.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    return folder


def test_a_whole_checkpoint_is_whole(tmp_path: Path) -> None:
    assert find_defect(checkpoint_folder(tmp_path / "a")) is None
    assert find_defect(shards(tmp_path / "b")) is None


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.999])
@pytest.mark.parametrize("name", ["config.json", "model-2.safetensors", "model.safetensors.index.json"])
def test_a_checkpoint_cut_off_anywhere_is_left(tmp_path: Path, name: str, share: float) -> None:
    folder = shards(tmp_path / "a")
    whole = (folder / name).read_bytes()
    (folder / name).write_bytes(whole[: int(len(whole) * share)])
    assert find_defect(folder) is not None
    (folder / name).write_bytes(whole)
    assert find_defect(folder) is None


@pytest.mark.parametrize(
    ("removed", "words"),
    [
        ("config.json", "config.json is missing"),
        ("model-2.safetensors", "model-2.safetensors is missing"),
        ("model.safetensors.index.json", "model.safetensors is missing"),
        ("tokenizer.json", "tokenizer is missing"),
    ],
)
def test_a_missing_file_is_named(tmp_path: Path, removed: str, words: str) -> None:
    folder = shards(tmp_path / "a")
    (folder / removed).unlink()
    assert words in str(find_defect(folder))


def test_weights_of_another_checkpoint_are_not_these(tmp_path: Path) -> None:
    folder = shards(tmp_path / "a")
    shutil.copy(folder / "model-1.safetensors", folder / "model-2.safetensors")
    assert "model-2.safetensors lacks head" in str(find_defect(folder))
    whole = checkpoint_folder(tmp_path / "b")
    (whole / "config.json").write_text('{"vocab_size": 5}')
    assert "vocab_size" in str(find_defect(whole))


def test_a_new_commit_of_a_hub_id_becomes_a_checkpoint_of_its_own(
    settings: Settings, daemon: Daemon, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.add(settings, "owner/model")
    registry.add(settings, "owner/pinned", "v1.0")
    hub.commits = {"owner/model": C1, "owner/pinned": C1}
    assert daemon.tick() == ["owner--model", "owner--pinned-v1.0"]
    assert hub.asked == ["owner/model"]  # what is pinned does not change
    describe(settings, "owner--model", C1)
    describe(settings, "owner--pinned-v1.0", C1)
    hub.commits["owner/model"] = C2
    assert daemon.tick() == []  # not asked again before a day has passed
    state = json.loads(daemon.cursor)
    state["hub"]["owner--model"][1] -= HUB_INTERVAL
    daemon.cursor = json.dumps(state)
    new = "owner--model-222222222222"
    assert daemon.tick() == [new] and daemon.tick() == []
    assert registry.registered(settings)[new].revision == C2
    assert new in daemon.instance.get_dynamic_partitions("mlama_checkpoint")


def test_the_weekly_schedule_and_the_sensor_do_not_ask_twice(
    settings: Settings, daemon: Daemon, hub: Hub
) -> None:
    registry.add(settings, "owner/model")
    hub.commits = {"owner/model": C1}
    schedule = next(s for s in daemon.definitions.schedules if s.name == "hub_schedule")

    def weekly() -> list[str]:
        with dg.build_schedule_context(
            instance=daemon.instance, repository_def=daemon.definitions.get_repository_def()
        ) as context:
            data = schedule.evaluate_tick(context)
        for request in data.run_requests or []:
            job = daemon.definitions.resolve_job_def("describe_checkpoint")
            daemon.instance.create_run_for_job(job, tags={REQUEST_TAG: request.tags[REQUEST_TAG]})
        return [request.partition_key for request in data.run_requests or []]

    assert weekly() == ["owner--model"] and weekly() == []
    assert daemon.tick() == []
    describe(settings, "owner--model", C1)
    hub.commits["owner/model"] = C2
    assert weekly() == ["owner--model-222222222222"] and weekly() == [] and daemon.tick() == []


def test_a_hub_that_does_not_answer_is_asked_less_and_less_often(settings: Settings, hub: Hub) -> None:
    for name in ("a", "b"):
        registry.add(settings, f"owner/{name}")
        hub.commits[f"owner/{name}"] = C1
    hub.status = 503
    state, now, waits = ScanState(), LATER, []
    for _ in range(4):
        before = len(hub.asked)
        seen = scan_checkpoints(settings, state, [], now)
        assert (
            seen.requests == {} and f"next attempt in {state.hub_paused_until - now:.0f} s" in seen.summary()
        )
        assert len(set(hub.asked[before:])) == 1  # the second id is not tried against a broken hub
        waits.append(state.hub_paused_until - now)
        before = len(hub.asked)
        assert "does not answer" in scan_checkpoints(settings, state, [], now + 1).summary()
        assert len(hub.asked) == before
        state = ScanState.from_cursor(state.cursor())
        now = state.hub_paused_until
    assert waits == [FIRST_WAIT * 2**n for n in range(4)]
    hub.status = 200
    assert list(scan_checkpoints(settings, state, [], now).requests) == ["owner--a", "owner--b"]
    assert state.failures == 0


@pytest.mark.parametrize("status", [200, 503])
def test_the_hub_is_asked_again_once_a_clock_that_was_ahead_is_set_right(
    settings: Settings, hub: Hub, status: int
) -> None:
    registry.add(settings, "owner/model")
    hub.commits["owner/model"] = C1
    state, year = ScanState(), 365 * 24 * 3600.0
    hub.status = status
    scan_checkpoints(settings, state, [], LATER + year)
    hub.status, before = 200, len(hub.asked)
    assert list(scan_checkpoints(settings, state, [], LATER).requests) == ["owner--model"]
    assert len(hub.asked) == before + 1


def test_an_unknown_hub_id_is_named_and_does_not_stop_the_others(settings: Settings, hub: Hub) -> None:
    registry.add(settings, "owner/nothing")
    registry.add(settings, "owner/model")
    hub.commits["owner/model"] = C1
    seen = scan_checkpoints(settings, ScanState(), [], LATER)
    assert list(seen.requests) == ["owner--model"] and "owner/nothing" in seen.summary()


def test_a_newer_dump_in_the_folder_is_seen(tmp_path: Path) -> None:
    dumps = tmp_path / "dumps"
    dumps.mkdir()
    settings = Settings(
        world="mlama", data_root=tmp_path / "data", languages=("el", "uk"), wikipedia_source=str(dumps)
    )
    store = Store(settings.data_root, settings.world)
    for language in settings.active_languages:
        (dumps / f"{language}wiki-20260101-pages-articles.xml.bz2").touch()
        with store.write_partition("wikipedia_dump", language, code_version="1") as work:
            work.write(pa.table({"snapshot": ["20260101"]}), pa.schema([("snapshot", pa.string())]))
    assert newer_snapshots(settings, store) == ({}, {})
    (dumps / "elwiki-20260201-pages-articles.xml.bz2").touch()
    assert newer_snapshots(settings, store) == ({"el": "20260201"}, {})
