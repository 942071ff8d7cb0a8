"""Which checkpoints are one run, told from their names."""

from __future__ import annotations

import pytest

from factroots_dagster.errors import InputError
from factroots_dagster.models.registry import CheckpointSource, checkpoint_key
from factroots_dagster.models.runs import find_runs


def entry(source: str, revision: str | None = None) -> CheckpointSource:
    return CheckpointSource(checkpoint_key(source, revision), source, revision)


@pytest.mark.parametrize(
    ("sources", "steps"),
    [
        ([("/data/training/step-1200", None), ("/data/training/step-0600", None)], [600, 1200]),
        ([("/out/checkpoint-500", None), ("/out/checkpoint-1500", None)], [500, 1500]),
        ([("/out/gpt-ckpt_2", None), ("/out/gpt-ckpt_10", None)], [2, 10]),
        ([("/out/iter_0010000", None), ("/out/iter_0020000", None)], [10_000, 20_000]),
        (
            [("google/multiberts-seed_0-step_2000k", None), ("google/multiberts-seed_0-step_20k", None)],
            [20_000, 2_000_000],
        ),
        ([("EleutherAI/pythia-70m", "step512"), ("EleutherAI/pythia-70m", "step143000")], [512, 143_000]),
        ([("bigscience/bloom-560m", "global_step1000")], [1000]),
        (
            [("allenai/OLMo-7B", "step1000-tokens4B"), ("allenai/OLMo-7B", "step10000-tokens44B")],
            [1000, 10_000],
        ),
    ],
)
def test_names_that_differ_in_the_step_are_one_run_in_its_order(
    sources: list[tuple[str, str | None]], steps: list[int]
) -> None:
    entries = [entry(*source) for source in sources]
    (run,) = find_runs(entries)
    assert list(run.checkpoints) == steps
    assert sorted(run.checkpoints.values()) == sorted(each.key for each in entries)
    assert run.name == run.checkpoints[steps[-1]]


def test_other_folders_models_seeds_and_stages_are_other_runs() -> None:
    entries = [
        entry("/one/a-step-100"),
        entry("/one/b-step-200"),
        entry("/two/a-step-300"),
        entry("google/multiberts-seed_0-step_20k"),
        entry("google/multiberts-seed_1-step_40k"),
        entry("allenai/OLMo-2-7B", "stage1-step1000-tokens5B"),
        entry("allenai/OLMo-2-7B", "stage2-step2000-tokens9B"),
    ]
    assert [list(run.checkpoints.values()) for run in find_runs(entries)] == [[each.key] for each in entries]


def test_a_name_without_a_step_belongs_to_no_run() -> None:
    entries = [
        entry("google-bert/bert-base-multilingual-cased"),
        entry("EleutherAI/pythia-70m", "main"),
        entry("/checkpoints/two-steps-to-glory"),
        entry("/checkpoints/misstep7"),
        entry("/step-100/final"),
    ]
    assert find_runs(entries) == []


def test_two_checkpoints_of_one_step_are_refused() -> None:
    with pytest.raises(InputError, match=r"step-600 and step-0600 are both step 600"):
        find_runs([entry("/out/step-600"), entry("/out/step-0600")])
