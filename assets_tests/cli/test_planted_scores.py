"""Scores over seeds: how they are pooled, and whether the shipped file holds together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from scipy import stats

from factroots_dagster.cli import planted_scores as module
from factroots_dagster.cli.main import main
from factroots_dagster.cli.planted_scores import DEVELOPMENT_SEEDS, pooled, seeds_of
from factroots_dagster.errors import InputError
from factroots_dagster.roots.evidence import ALPHA
from factroots_dagster.roots.planted import SCORED_KINDS, load_planted_scores
from factroots_dagster.roots.sensitivity import DEFAULT_SETTING


def run_of(seed: int, accuracy: float, cells: int = 100) -> dict[str, Any]:
    right = round(accuracy * cells)
    scores = {
        "cells": cells,
        "accuracy": accuracy,
        "balanced_accuracy": accuracy - 0.01,
        "recall": {"shared": accuracy, "independent": 1.0, "transferred": None},
        "confusion": {"shared": {"shared": right, "independent": cells - right}},
        "luck_rate": 0.05,
        "transferred_rate": {"share": 0.6},
        "shared_rate": {"share": accuracy},
    }
    return {"seed": seed, "methods": {"ours": scores}}


def test_pooling_is_a_mean_over_worlds_with_students_interval() -> None:
    values = [0.9, 0.92, 0.88, 0.91]
    found = pooled([run_of(seed, value) for seed, value in enumerate(values)])["ours"]
    low, high = stats.t.interval(0.95, 3, np.mean(values), stats.sem(values))
    assert found["accuracy"] == pytest.approx(np.mean(values))
    assert (found["accuracy_low"], found["accuracy_high"]) == pytest.approx((low, high))
    assert found["cells"] == 400 and found["seeds"] == [0, 1, 2, 3]
    assert found["confusion"] == {"shared": {"shared": 361, "independent": 39}}
    assert found["recall"]["transferred"] is None
    assert found["transferred_rate"] == pytest.approx(0.6)
    assert found["shared_rate"] == pytest.approx(np.mean(values))
    assert (found["shared_rate_low"], found["shared_rate_high"]) == pytest.approx((low, high))
    assert found["balanced_accuracy"] == pytest.approx(np.mean(values) - 0.01)


def test_one_world_has_no_interval_and_none_nothing() -> None:
    found = pooled([run_of(7, 0.9)])["ours"]
    assert found["accuracy"] == 0.9 and found["accuracy_low"] is None
    assert pooled([]) == {}


def test_seeds_are_read_and_checked() -> None:
    assert seeds_of("4, 5,6") == [4, 5, 6] and seeds_of("") == []
    for wrong in ("x", "1;2", "-1", "3,3"):
        with pytest.raises(InputError, match=r"seeds"):
            seeds_of(wrong)


def test_the_command_says_what_is_missing(tmp_path: Path) -> None:
    output = tmp_path / "scores.json"
    done = CliRunner().invoke(main, ["planted-scores", "--output", str(output)])
    assert done.exit_code == 1 and "no world to score" in done.output and not output.exists()
    done = CliRunner().invoke(main, ["planted-scores", "--seeds", "a", "--output", str(output)])
    assert done.exit_code == 1 and "not a list of seeds" in done.output


def test_the_shipped_scores_hold_together() -> None:
    """Every number follows from the runs' confusions, and the settings are those in use."""
    shipped = load_planted_scores()
    assert shipped is not None
    assert shipped["methods"]["ours"] == vars(DEFAULT_SETTING)
    assert shipped["command"].startswith("factroots planted-scores --seeds")
    for run in shipped["runs"]:
        unseen = "unseen" if run["world"] == "sandbox" else "control"
        assert run["role"] == ("development" if run["seed"] in DEVELOPMENT_SEEDS else unseen)
        for scores in run["methods"].values():
            three = {kind: row for kind, row in scores["confusion"].items() if kind in SCORED_KINDS}
            right = sum(row[kind] for kind, row in three.items())
            cells = sum(sum(row.values()) for row in three.values())
            assert scores["cells"] == cells and scores["accuracy"] == pytest.approx(right / cells)
    for world, methods in shipped["pooled"].items():
        runs = [run for run in shipped["runs"] if run["world"] == world and run["role"] != "development"]
        assert module.pooled(runs) == methods


def test_the_goal_is_met_on_unseen_seeds_and_the_control_transfers_nothing() -> None:
    shipped = load_planted_scores()
    assert shipped is not None
    unseen = shipped["pooled"]["sandbox"]
    assert len(unseen["ours"]["seeds"]) >= 3 and not set(unseen["ours"]["seeds"]) & set(DEVELOPMENT_SEEDS)
    assert unseen["ours"]["accuracy"] >= 0.90 > unseen["paper"]["accuracy"]
    for run in shipped["runs"]:
        if run["world"] == "disjoint":
            scores = run["methods"]["ours"]
            # as often as facts that nobody states are guessed, give or take the interval
            assert scores["transferred_rate"]["low"] <= scores["luck_rate"]


def test_no_more_is_called_shared_in_the_control_than_the_level_promises() -> None:
    shipped = load_planted_scores()
    assert shipped is not None
    control = shipped["pooled"]["disjoint"]["ours"]
    assert len(control["seeds"]) >= 3 and not set(control["seeds"]) & set(DEVELOPMENT_SEEDS)
    assert control["shared_rate"] <= 0.06 and control["shared_rate_low"] <= ALPHA
