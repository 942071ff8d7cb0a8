"""Scores over seeds: how they are pooled, and whether the shipped file is consistent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from scipy import stats

from factroots_dagster.cli.main import main
from factroots_dagster.cli.planted_scores import DEVELOPMENT_SEEDS, parse_seeds, pool_runs
from factroots_dagster.errors import InputError
from factroots_dagster.roots.evidence import ALPHA
from factroots_dagster.roots.planted import SCORED_KINDS, load_planted_scores
from factroots_dagster.roots.sensitivity import DEFAULT_SETTING


def run_with_scores(seed: int, accuracy: float, cells: int = 100) -> dict[str, Any]:
    agreeing = round(accuracy * cells)
    scores = {
        "cells": cells,
        "accuracy": accuracy,
        "balanced_accuracy": accuracy - 0.01,
        "recall": {"shared": accuracy, "independent": 1.0, "transferred": None},
        "confusion": {"shared": {"shared": agreeing, "independent": cells - agreeing}},
        "luck_rate": 0.05,
        "transferred_rate": {"share": 0.6},
        "shared_rate": {"share": accuracy},
    }
    return {"seed": seed, "methods": {"ours": scores}}


def test_pooling_is_a_mean_over_worlds_with_students_interval() -> None:
    values = [0.9, 0.92, 0.88, 0.91]
    scores = pool_runs([run_with_scores(seed, value) for seed, value in enumerate(values)])["ours"]
    low, high = stats.t.interval(0.95, 3, np.mean(values), stats.sem(values))
    assert scores["accuracy"] == pytest.approx(np.mean(values))
    assert (scores["accuracy_low"], scores["accuracy_high"]) == pytest.approx((low, high))
    assert scores["cells"] == 400 and scores["seeds"] == [0, 1, 2, 3]
    assert scores["confusion"] == {"shared": {"shared": 361, "independent": 39}}
    assert scores["recall"]["transferred"] is None
    assert scores["transferred_rate"] == pytest.approx(0.6)
    assert scores["shared_rate"] == pytest.approx(np.mean(values))
    assert (scores["shared_rate_low"], scores["shared_rate_high"]) == pytest.approx((low, high))
    assert scores["balanced_accuracy"] == pytest.approx(np.mean(values) - 0.01)


def test_one_world_has_no_interval_and_no_world_has_no_scores() -> None:
    scores = pool_runs([run_with_scores(7, 0.9)])["ours"]
    assert scores["accuracy"] == 0.9 and scores["accuracy_low"] is None
    assert pool_runs([]) == {}


def test_seeds_are_parsed_and_checked() -> None:
    assert parse_seeds("4, 5,6") == [4, 5, 6] and parse_seeds("") == []
    for wrong in ("x", "1;2", "-1", "3,3"):
        with pytest.raises(InputError, match=r"seeds"):
            parse_seeds(wrong)


def test_the_command_reports_missing_and_invalid_seeds(tmp_path: Path) -> None:
    output = tmp_path / "scores.json"
    result = CliRunner().invoke(main, ["planted-scores", "--output", str(output)])
    assert result.exit_code == 1 and "no world to score" in result.output and not output.exists()
    result = CliRunner().invoke(main, ["planted-scores", "--seeds", "a", "--output", str(output)])
    assert result.exit_code == 1 and "not a list of seeds" in result.output


def test_the_shipped_scores_are_consistent() -> None:
    """Every number follows from the confusion matrices of the runs, and the settings are the current ones."""
    shipped = load_planted_scores()
    assert shipped is not None
    assert shipped["methods"]["ours"] == vars(DEFAULT_SETTING)
    assert shipped["command"].startswith("factroots planted-scores --seeds")
    for run in shipped["runs"]:
        unseen = "unseen" if run["world"] == "sandbox" else "control"
        assert run["role"] == ("development" if run["seed"] in DEVELOPMENT_SEEDS else unseen)
        for scores in run["methods"].values():
            confusion = {kind: row for kind, row in scores["confusion"].items() if kind in SCORED_KINDS}
            agreeing = sum(row[kind] for kind, row in confusion.items())
            cells = sum(sum(row.values()) for row in confusion.values())
            assert scores["cells"] == cells and scores["accuracy"] == pytest.approx(agreeing / cells)
    for world, methods in shipped["pooled"].items():
        runs = [run for run in shipped["runs"] if run["world"] == world and run["role"] != "development"]
        assert pool_runs(runs) == methods


def test_types_agree_with_the_truth_on_unseen_seeds_and_nothing_is_transferred_in_the_control() -> None:
    shipped = load_planted_scores()
    assert shipped is not None
    unseen = shipped["pooled"]["sandbox"]
    assert len(unseen["ours"]["seeds"]) >= 3 and not set(unseen["ours"]["seeds"]) & set(DEVELOPMENT_SEEDS)
    assert unseen["ours"]["accuracy"] >= 0.90 > unseen["paper"]["accuracy"]
    for run in shipped["runs"]:
        if run["world"] == "disjoint":
            scores = run["methods"]["ours"]
            # No more often than lucky guesses of unstated facts, within the interval.
            assert scores["transferred_rate"]["low"] <= scores["luck_rate"]


def test_facts_of_the_control_are_called_shared_no_more_often_than_the_level_allows() -> None:
    shipped = load_planted_scores()
    assert shipped is not None
    control = shipped["pooled"]["disjoint"]["ours"]
    assert len(control["seeds"]) >= 3 and not set(control["seeds"]) & set(DEVELOPMENT_SEEDS)
    assert control["shared_rate"] <= 0.06 and control["shared_rate_low"] <= ALPHA
