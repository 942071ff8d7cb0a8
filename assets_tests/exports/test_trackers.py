"""What trackers hold, read back with their own means, is what the tables say; no network is used."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pyarrow as pa
import pytest

from assets_tests.roots.tables import rows
from factroots_dagster.exports.trackers import collect_metrics, find_step, log_checkpoint
from factroots_dagster.models.registry import CheckpointSource
from factroots_dagster.probing.schema import PROBING_SCORES
from factroots_dagster.roots.schema import FACT_VERDICTS, VERDICT_SHARES
from factroots_dagster.store.store import Store

REGISTERED = [CheckpointSource(key, f"/models/{key}") for key in ("run-step-100", "other", "run-step-200")]
EXPECTED = {
    "all/p_at_1": 0.25,
    "cy/p_at_1": 0.25,
    "cy/p_at_1_low": 0.2,
    "cy/placebo_commonest_object": 0.1,
    "all/shared": 0.5,
    "all/shared_low": 0.4,
    "all/shared_high": 0.6,
    "all/placebo_shared_untrained": 0.05,
    "all/undetermined": 0.125,
}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store with the scores and shares of two checkpoints."""
    store = Store(tmp_path / "data", "mlama")
    scores = [
        {"language": "cy", "relation": "*", "n": 4, "full_match": 0.25, "full_match_low": 0.2}
        | {"majority": 0.1},
        {"language": "cy", "relation": "P36", "n": 10, "full_match": 0.3},
    ]
    shares = [
        {"language": "*", "verdict": "shared", "facts": 7, "share": 0.4, "expected": 0.5}
        | {"low": 0.4, "high": 0.6, "expected_untrained": 0.05},
        {"language": "*", "verdict": "undetermined", "facts": 1, "share": 0.125},
    ]
    for source in REGISTERED:
        with store.write_partition("probing_scores", source.key, code_version="1") as work:
            work.write(rows(PROBING_SCORES, scores), PROBING_SCORES)
        with store.write_partition("fact_verdicts", source.key, code_version="1") as work:
            work.write(FACT_VERDICTS.empty_table(), FACT_VERDICTS)
            work.write(pa.Table.from_pylist(shares, VERDICT_SHARES), VERDICT_SHARES, side="shares")
    return store


def test_metrics_are_scores_and_shares_with_their_intervals_and_placebos(store: Store) -> None:
    assert collect_metrics(store, "other") == pytest.approx(EXPECTED)


def test_checkpoints_of_a_training_are_its_steps() -> None:
    assert find_step(REGISTERED, "run-step-200") == ("run-step-100", 200)
    assert find_step(REGISTERED, "run-step-100") == ("run-step-100", 100)
    assert find_step(REGISTERED, "other") == ("other", 0)


def test_trackio_has_a_run_with_its_steps(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TRACKIO_DIR", str(tmp_path / "trackio"))
    pytest.importorskip("trackio", reason="needs trackio (the extra `trackio`)")
    for key in ("run-step-200", "run-step-100", "other"):
        log_checkpoint("trackio", "facts", store, key, REGISTERED, tmp_path / "unused")
    logged: dict[str, list[tuple[int, dict[str, float]]]] = {}
    (database,) = (tmp_path / "trackio").glob("*.db")
    with sqlite3.connect(database) as connection:
        for run, step, metrics in connection.execute("SELECT run_name, step, metrics FROM metrics"):
            logged.setdefault(run, []).append((step, json.loads(metrics)))
    assert logged.keys() == {"mlama/run-step-100", "mlama/other"}
    assert {step for step, _ in logged["mlama/run-step-100"]} == {100, 200}
    assert dict(logged["mlama/other"])[0] == pytest.approx(EXPECTED)
    assert not (tmp_path / "unused").exists() and capfd.readouterr().out == ""


def test_wandb_has_a_run_with_its_step_as_a_metric(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("wandb", reason="needs wandb (the extra `wandb`)")
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.delenv("WANDB_DIR", raising=False)
    log_checkpoint("wandb", "facts", store, "run-step-200", REGISTERED, tmp_path / "tracking")
    (written,) = (tmp_path / "tracking").glob("wandb/offline-run-*/run-*.wandb")
    content = written.read_bytes()
    for name in (*EXPECTED, "step", "mlama/run-step-100", "facts"):
        assert name.encode() in content, name


def test_a_tracker_of_no_name_logs_nothing(store: Store, tmp_path: Path) -> None:
    log_checkpoint("none", "facts", store, "other", REGISTERED, tmp_path / "unused")
    assert not (tmp_path / "unused").exists()
