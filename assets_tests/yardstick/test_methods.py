"""Placebo and rivals on a real, tiny model: each is what it says it is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from factroots_dagster.models.activations import read_relations
from factroots_dagster.models.untrained import with_random_weights
from factroots_dagster.neurons.statistics import EVIDENCE
from factroots_dagster.probing.answer_neurons import write_answer_neurons
from factroots_dagster.roots.verdicts import LEVEL
from factroots_dagster.yardstick.attribution import influence_of_others
from factroots_dagster.yardstick.methods import METHODS, judge_evidence, judge_ours
from factroots_dagster.yardstick.neurons import compare_with_random_weights
from factroots_dagster.yardstick.schema import LUCK, TRANSFERRED
from factroots_dagster.yardstick.study import Study, keep_fewer_facts
from factroots_dagster.yardstick.transfer import transfer_by_model, transfer_by_strings

pytestmark = pytest.mark.slow


def by_relation(folder: Path) -> Iterator[tuple[str, list[str], np.ndarray]]:
    for relation, index, values in read_relations(folder):
        yield relation, index["uuid"].to_pylist(), values


def test_a_models_own_neurons_at_its_answers_are_those_that_probing_wrote(
    study: Study, tmp_path: Path
) -> None:
    predictions = study.predictions["qab"]
    answered = study.splits["qab"].filter(predictions["full_match"])
    write_answer_neurons(study.model, answered, predictions, tmp_path)
    probed = list(by_relation(study.activations["qab"]))
    again = list(by_relation(tmp_path))
    assert len(again) == len(probed) > 3
    for (relation, uuids, values), (other, others, written) in zip(probed, again, strict=True):
        assert (relation, uuids) == (other, others)
        np.testing.assert_allclose(values, written, atol=1e-5)


def test_random_weights_have_the_shapes_and_none_of_the_values(study: Study) -> None:
    drawn, again, other = (with_random_weights(study.model, seed) for seed in (1, 1, 2))
    trained = study.model.model.state_dict()
    for name, value in drawn.model.state_dict().items():
        assert value.shape == trained[name].shape
        assert value.equal(again.model.state_dict()[name])
        if value.ndim > 1:
            assert not value.equal(trained[name]) and not value.equal(other.model.state_dict()[name])
    assert drawn.head is not None


def evidence(nearest: pa.Table) -> dict[tuple[str, str], float]:
    columns = (nearest[name].to_pylist() for name in ("uuid", "language", "statistic", "similarity"))
    return {
        (uuid, language): value
        for uuid, language, name, value in zip(*columns, strict=True)
        if name == EVIDENCE
    }


def test_random_weights_compare_the_same_facts(study: Study) -> None:
    nearest = compare_with_random_weights(
        study.model, study.splits, study.predictions, weights_seed=1, seed=0
    )
    ours, placebo = evidence(study.nearest), evidence(nearest)
    assert ours.keys() == placebo.keys() and len(ours) > 50
    assert ours != placebo


def test_as_many_facts_as_there_are_give_the_same_result(study: Study) -> None:
    kept = keep_fewer_facts(study, 1000)
    assert kept.cells().equals(study.cells())
    assert judge_ours(kept).equals(judge_ours(study))


def test_fewer_facts_leave_at_most_so_many_per_relation_and_language(study: Study) -> None:
    kept = keep_fewer_facts(study, 4)
    counts = kept.cells().groupby(["language", "relation"]).size()
    everything = study.cells().groupby(["language", "relation"]).size()
    assert counts.equals(everything.clip(upper=4))
    # the same facts are kept in all languages, so that they still have partners
    uuids = kept.cells().index.get_level_values("uuid")
    assert len(set(uuids)) < 0.75 * len(uuids)
    # what is not predicted stays: the regression learns from it
    for language, table in kept.predictions.items():
        unknown = set(study.predictions[language].filter(~pc_full(study, language))["uuid"].to_pylist())
        assert unknown <= set(table["uuid"].to_pylist())
        assert set(table["uuid"].to_pylist()) == set(kept.splits[language]["uuid"].to_pylist())


def pc_full(study: Study, language: str) -> np.ndarray:
    return study.predictions[language]["full_match"].to_numpy(zero_copy_only=False)


def test_every_method_judges_every_predicted_cell(study: Study) -> None:
    cells = study.cells()
    for name, repetitions in METHODS.items():
        for judge in repetitions:
            judgement = judge(study)
            assert judgement.index.equals(cells.index), name
            assert judgement["score"].notna().mean() > 0.5, name
            assert judgement["score"].nunique() > 1, name


def test_evidence_calls_shared_what_the_product_calls_shared(study: Study) -> None:
    types = study.types.to_pandas().set_index(["uuid", "language"])["type"]
    judgement = judge_evidence(study)
    sourced = study.cells()["source"]
    called = judgement["alike"][sourced].astype(bool)
    assert (called == (types.reindex(called.index) == "shared")).all() and called.any()


def test_ours_calls_shared_what_would_probably_be_known_without_its_source(study: Study) -> None:
    judgement, cells = judge_ours(study), study.cells()
    expected = transfer_by_model(study, study.model)["expected"].reindex(cells.index)
    assert judgement["probability"].equals(expected.rename("probability"))
    assert (judgement["alike"].fillna(False) == (expected >= LEVEL)).all()
    lucky = judgement["unsourced_type"] == LUCK
    assert lucky.any() and (expected[lucky] < LEVEL).all()
    assert (cells["unsourced_type"][lucky] == TRANSFERRED).all()


def test_an_untrained_model_gives_hardly_any_reason_to_share(study: Study) -> None:
    twin = with_random_weights(study.model, 1)
    sourced = study.cells()["source"]
    index = sourced[sourced].index
    ours, placebo = (
        transfer_by_model(study, each)["expected"].reindex(index) for each in (study.model, twin)
    )
    assert placebo.mean() < ours.mean() / 2 and placebo.std() < ours.std() / 2
    assert (placebo >= LEVEL).sum() == 0 < (ours >= LEVEL).sum()


def test_strings_are_fitted_to_the_names_of_partners_alone(study: Study) -> None:
    transfer, labels = transfer_by_strings(study), study.labels()
    cells = study.cells()
    partners = cells[cells["source"]].index
    groups: dict[tuple[int, int, int], set[float]] = {}
    unsourced = cells[~cells["source"]].index
    for uuid, language in unsourced:
        own = labels.loc[(uuid, language)]
        others = [labels.loc[key] for key in partners if key[0] == uuid]
        if others:
            alike = [sum(own[name] == other[name] for other in others) for name in ("subject", "object")]
            groups.setdefault((len(others), *alike), set()).add(transfer.loc[(uuid, language), "from_others"])
    assert len(groups) > 1 and all(max(values) - min(values) < 1e-9 for values in groups.values())


@pytest.mark.parametrize(
    ("method", "columns"),
    [("strings", ["subject"]), ("object_strings", ["object"]), ("string_pairs", ["subject", "object"])],
)
def test_strings_read_names_and_no_model(study: Study, method: str, columns: list[str]) -> None:
    (judge,) = METHODS[method]
    judgement, labels = judge(study), study.labels()[columns]
    for uuid in labels.index.get_level_values("uuid").unique()[:40]:
        names = labels.loc[uuid]
        for language in names.index:
            expected = (names.drop(language) == names.loc[language]).all(axis=1).any()
            assert judgement.loc[(uuid, language), "alike"] == expected
    assert judgement["alike"].nunique() == 2


def test_the_influence_of_others_is_none_where_no_other_states_the_fact(study: Study) -> None:
    shares = influence_of_others(study)
    assert set(shares) == set(study.cells().index)
    stated = {
        (sentence.fact, language)
        for language in study.splits
        for article in study.world.articles[language]
        for sentence in article.sentences
        if sentence.fact
    }
    for (uuid, language), share in shares.items():
        stating = [code for code in study.splits if (uuid, code) in stated]
        assert 0 <= share <= 1
        if stating == [language]:
            assert share in (0, 0.5)  # half where not even these have a positive influence
        elif stating and language not in stating:
            assert share in (1, 0.5)
        elif not stating:
            assert share == 0.5
    both = [s for (u, code), s in shares.items() if sum((u, c) in stated for c in study.splits) > 1]
    assert np.std(both) > 0.05
    assert np.mean(list(shares.values())) == pytest.approx(0.5, abs=0.3)
