"""A model beside its untrained twins: planted values by hand, and a small trained model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from assets_tests.models import tiny
from assets_tests.neurons.activations import write_activations
from assets_tests.neurons.planted import World
from assets_tests.orchestration.golden.world import CHECKPOINTS, KEY, LANGUAGES, SEED
from factroots_dagster.facts.mlama.split import read_split
from factroots_dagster.models.checkpoint import LoadedModel, load
from factroots_dagster.models.untrained import with_random_weights
from factroots_dagster.neurons.probeless import active_neurons
from factroots_dagster.neurons.schema import FIGURES, UNTRAINED_SAMPLE, UNTRAINED_TWINS
from factroots_dagster.neurons.similarity import compare_languages
from factroots_dagster.neurons.twin_values import (
    FACT_VALUES,
    layer_values,
    similarity_values,
    stability_values,
)
from factroots_dagster.neurons.untrained_twins import (
    Twins,
    compare_values,
    compare_with_untrained,
    draw_facts,
    sample_size,
)
from factroots_dagster.probing.causal import RankedBy
from factroots_dagster.probing.probe import probe
from factroots_dagster.probing.schema import PREDICTIONS
from factroots_dagster.sandbox.dials import PRESETS
from factroots_dagster.sandbox.release import write_release
from factroots_dagster.sandbox.world import generate

NAMES = {  # by fact, subject and object in qaa and in qab
    "u": (("Ana", "Rome"), ("Ana", "Rome")),
    "v": (("Ben", "Oslo"), ("Ben", "Osló")),
    "w": (("Cem", "Riga"), ("Džem", "Rīga")),
    "x": (("Dan", "Lima"), ("Dan", "Lima")),
}
SPLITS = {
    language: pa.table(
        {
            "uuid": list(NAMES),
            "subject": [names[number][0] for names in NAMES.values()],
            "object": [names[number][1] for names in NAMES.values()],
        }
    )
    for number, language in enumerate(("qaa", "qab"))
}


def values(rows: list[tuple[str, str, str, str, str, float]]) -> pa.Table:
    return pa.Table.from_pylist([dict(zip(FACT_VALUES.names, row, strict=True)) for row in rows], FACT_VALUES)


def of_pair(by_fact: dict[str, float], measure: str = "jaccard") -> pa.Table:
    return values([("similarity", measure, "qaa", "qab", uuid, value) for uuid, value in by_fact.items()])


def rows_of(table: pa.Table, **wanted: object) -> list[dict[str, Any]]:
    return [row for row in table.to_pylist() if all(row[name] == value for name, value in wanted.items())]


def test_means_and_intervals_by_hand() -> None:
    trained = {"u": 0.9, "v": 0.5, "w": 0.2, "x": 0.8}
    twins = [{"u": 0.8, "v": 0.3, "w": 0.1, "x": 0.4}, {"u": 0.6, "v": 0.3, "w": 0.0, "x": 0.2}]
    table = compare_values(of_pair(trained), [of_pair(twin) for twin in twins], SPLITS)
    assert table.schema.equals(UNTRAINED_TWINS)
    (row,) = rows_of(table, names="all", language_a="*")
    assert (row["n"], row["facts"], row["twins"]) == (4, 4, 2)
    # The twins' means are .4 and .275.
    means = ("trained", "untrained", "untrained_least", "untrained_most", "difference")
    assert [row[name] for name in means] == pytest.approx([0.6, 0.3375, 0.275, 0.4, 0.2625])
    of_facts = stats.sem([0.2, 0.2, 0.15, 0.5]) ** 2
    of_twins = np.var([0.4, 0.275], ddof=1) * 1.5
    freedom = (of_facts + of_twins) ** 2 / (of_facts**2 / 3 + of_twins**2)
    low, high = stats.t.interval(0.95, freedom, 0.2625, np.sqrt(of_facts + of_twins))
    assert (row["difference_low"], row["difference_high"]) == pytest.approx((low, high))
    by_names = {row["names"]: row for row in rows_of(table, language_a="*")}
    assert by_names.keys() == {"all", "alike", "partly", "different"}
    assert by_names["alike"]["facts"] == 2 and by_names["alike"]["difference"] == pytest.approx(0.35)
    assert by_names["partly"]["untrained"] == 0.3 and by_names["partly"]["difference_low"] is None
    assert by_names["different"]["trained"] == 0.2
    (pair,) = rows_of(table, language_a="qaa")
    assert {**pair, "language_a": "*", "language_b": "*"} == row and pair["language_b"] == "qab"


def test_a_fact_in_several_languages_counts_once_in_the_interval() -> None:
    trained = [("layers", "0", code, code, uuid, 0.5) for code in ("qaa", "qab") for uuid in "uv"]
    untrained = values([(*row[:5], 0.1 if row[4] == "u" else 0.3) for row in trained])
    (row,) = rows_of(compare_values(values(trained), [untrained] * 3, SPLITS), language_a="*")
    assert (row["n"], row["facts"], row["names"]) == (4, 2, "all")  # one language has no names to compare
    low, high = stats.t.interval(0.95, 1, 0.3, stats.sem([0.4, 0.2]))  # equal twins add nothing
    assert (row["difference_low"], row["difference_high"]) == pytest.approx((low, high))


def test_only_what_all_models_have_is_compared() -> None:
    trained, untrained = of_pair({"u": 0.5, "v": float("nan"), "w": 1.0}), of_pair({"u": 0.5, "v": 0.1})
    (row,) = rows_of(compare_values(trained, [untrained] * 2, SPLITS), names="all", language_a="*")
    assert (row["n"], row["trained"], row["difference"], row["difference_low"]) == (1, 0.5, 0.0, None)
    assert compare_values(FACT_VALUES.empty_table(), [trained] * 2, SPLITS).num_rows == 0


def measured(world: World) -> pa.Table:
    """The figures of planted activations."""
    active = {language: active_neurons(folder, k=6) for language, folder in world.folders.items()}
    compared = compare_languages(active, world.folders, world.splits, seed=0).language_pairs
    parts = [
        *similarity_values(compared),
        *stability_values(world.folders, k=6, seed=0),
        *layer_values(active, layers=3, neurons=20),
    ]
    return pa.concat_tables(parts)


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> tuple[World, pa.Table]:
    world = World(tmp_path_factory.mktemp("planted"))
    return world, measured(world)


def named(world: World) -> dict[str, pa.Table]:
    return {
        language: table.append_column("object", table["object_uri"])
        for language, table in world.splits.items()
    }


def test_equal_activations_give_no_difference(planted: tuple[World, pa.Table]) -> None:
    world, found = planted
    for row in compare_values(found, [found] * 2, named(world)).to_pylist():
        assert row["trained"] == row["untrained"] and row["difference"] == 0
        assert row["facts"] < 2 or row["difference_low"] == row["difference_high"] == 0


def test_activations_that_share_facts_differ_from_those_that_share_nothing(
    planted: tuple[World, pa.Table], tmp_path: Path
) -> None:
    world, found = planted
    # Of a fact of theirs nothing is planted but its object.
    strangers = [measured(World(tmp_path / f"{n}", seed=n, strength=0.0)) for n in range(3)]
    table = compare_values(found, strangers, named(world))
    for measure in ("jaccard_beyond_same_object", "cosine_beyond_same_object"):
        (row,) = rows_of(table, figure="similarity", measure=measure, names="all", language_a="*")
        assert row["difference_low"] > 0.05 and abs(row["untrained"]) < 0.03
    layers = rows_of(table, figure="layers", language_a="*")
    assert sum(row["trained"] for row in layers) == pytest.approx(1) and len(layers) == 3


def overlaps_of_halves(folder: Path, relations: dict[str, np.ndarray]) -> dict[str, list[float]]:
    """By statistic, the overlap of every fact's neurons from two halves, with sets of four."""
    found = pa.concat_tables(stability_values({"qaa": write_activations(folder, relations)}, k=4, seed=0))
    assert {*found["language_a"].to_pylist(), *found["language_b"].to_pylist()} == {"qaa"}
    by_statistic: dict[str, list[float]] = {}
    for row in found.to_pylist():
        by_statistic.setdefault(row["measure"], []).append(row["value"])
    return by_statistic


def test_neurons_that_stand_out_are_stable_and_those_of_noise_less_so(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    noise = random.normal(size=(12, 2, 40)).astype(np.float32)
    spiked = 0.01 * noise.reshape(12, 80)
    for fact in range(12):
        spiked[fact, fact * 4 : fact * 4 + 4] += 100  # four neurons of its own
    relations = {"P1": spiked.reshape(12, 2, 40), "P2": noise[:5]}  # P2 is too small to be halved
    stable = overlaps_of_halves(tmp_path / "spiked", relations)
    assert {name: len(values) for name, values in stable.items()} == dict.fromkeys(stable, 12)
    assert stable["jaccard"] == stable["signed_jaccard"] == [1.0] * 12
    noisy = overlaps_of_halves(tmp_path / "noise", {"P1": noise})
    assert 0.1 < np.mean(noisy["jaccard"]) < 0.9
    assert {*noisy["jaccard"]} <= {0.0, 1 / 7, 2 / 6, 3 / 5, 1.0}


def test_the_values_of_facts_are_those_of_the_tables(planted: tuple[World, pa.Table]) -> None:
    world, found = planted
    active = {language: active_neurons(folder, k=6) for language, folder in world.folders.items()}
    compared = compare_languages(active, world.folders, world.splits, seed=0)
    expected = {
        (row["statistic"], row["language_a"], row["language_b"], row["uuid"]): row
        for row in compared.facts().to_pylist()
        if not row["identical_input"]
    }
    similarity = rows_of(found, figure="similarity")
    alone = [row for row in similarity if "beyond" not in row["measure"]]
    assert len(alone) == len(expected) and len(similarity) == 2 * len(alone)
    for row in similarity:
        statistic, beyond, _ = row["measure"].partition("_beyond_same_object")
        fact = expected[statistic, row["language_a"], row["language_b"], row["uuid"]]
        if None in (fact["value"], fact["same_object_mean"]):
            continue
        assert row["value"] == pytest.approx(fact["value"] - bool(beyond) * fact["same_object_mean"])
    for row in active["qaa"].slice(0, 5).to_pylist():
        shares = Counter(neuron // 20 for neuron in row["neurons"])
        layers = rows_of(found, figure="layers", uuid=row["uuid"], language_a="qaa")
        assert {int(of["measure"]): of["value"] * 6 for of in layers} == pytest.approx(
            {layer: shares[layer] for layer in range(3)}
        )


@given(
    st.dictionaries(st.uuids().map(str), st.sampled_from(["P1", "P2", "P3"]), max_size=40),
    st.integers(0, 20),
    st.integers(1, 9),
    st.randoms(),
)
def test_a_sample_is_the_same_whatever_the_order_and_grows_by_adding(
    relations: dict[str, str], most: int, of_relation: int, random: Any
) -> None:
    drawn = draw_facts(relations, most, 3, most_of_relation=of_relation)
    shuffled = dict(random.sample([*relations.items()], len(relations)))
    assert draw_facts(shuffled, most, 3, most_of_relation=of_relation) == drawn
    counts = Counter(relations.values())
    assert len(drawn) == min(most, sum(min(count, of_relation) for count in counts.values()))
    assert {*drawn} <= {*relations} and len({*drawn}) == len(drawn)
    assert draw_facts(relations, most + 1, 3, most_of_relation=of_relation)[: len(drawn)] == drawn
    # Only the last relation that is begun may have fewer facts than there are to take.
    complete = Counter(relations[uuid] for uuid in drawn)
    short = [name for name, count in complete.items() if count < min(counts[name], of_relation)]
    assert len(short) <= 1


@pytest.mark.parametrize(("languages", "size"), [(0, 300), (1, 300), (20, 300), (21, 286), (53, 114)])
def test_of_many_languages_the_samples_are_smaller(languages: int, size: int) -> None:
    assert sample_size(300, languages) == size
    assert languages * size < 20 * 300 + max(languages, 1)


def test_two_languages_sample_the_facts_that_they_share() -> None:
    """Of 200 and 150 facts of which 150 are common, the samples of 50 have far more than chance in common."""
    uuids = {f"fact-{number}": f"P{number % 4}" for number in range(200)}
    one, other = draw_facts(uuids, 50, 0), draw_facts(dict([*uuids.items()][50:]), 50, 0)
    assert len({*one} & {*other}) >= 30  # of independent samples some 12
    assert draw_facts(uuids, 50, 1) != one


@pytest.fixture(scope="module")
def trained() -> LoadedModel:
    return load(str(CHECKPOINTS / KEY), device="cpu")


@pytest.fixture(scope="module")
def asked(
    trained: LoadedModel, tmp_path_factory: pytest.TempPathFactory
) -> tuple[dict[str, pa.Table], dict[str, pa.Table]]:
    """Splits and predictions of a small generated world."""
    folder = tmp_path_factory.mktemp("asked")
    (folder / "release").mkdir()
    write_release(generate(SEED, PRESETS["easy"]), folder / "release")
    splits = {language: read_split(folder / "release", language) for language in LANGUAGES}
    predictions = {}
    for language, split in splits.items():
        (folder / language).mkdir()
        predictions[language] = probe(trained, split, folder / language)
    return splits, predictions


@pytest.fixture(scope="module")
def twins(trained: LoadedModel, asked: tuple, tmp_path_factory: pytest.TempPathFactory) -> Twins:
    folder = tmp_path_factory.mktemp("scratch")
    before = torch.random.get_rng_state()
    found = compare_with_untrained(trained, *asked, folder, seed=SEED, most_facts=60, most_asked=30)
    assert not any(folder.iterdir())
    assert torch.equal(torch.random.get_rng_state(), before)
    return found


def test_a_small_trained_model_differs_from_its_twins(twins: Twins) -> None:
    """In where its neurons are, in how alike they are beyond other facts, and in what they cause."""
    overall = {
        (row["figure"], row["measure"], row["names"]): row for row in rows_of(twins.figures, language_a="*")
    }
    assert {figure for figure, _, _ in overall} == {*FIGURES}
    assert overall["layers", "1", "all"]["difference_low"] > 0.1
    assert overall["similarity", "cosine_z", "all"]["difference_low"] > 0.3
    own = overall["interventions", "ablate_own", "all"]
    assert own["difference_high"] < 0 and abs(own["untrained"]) < 0.02
    # Untrained models answer alike, and have like neurons, where names are alike.
    for key in (("consistency", "rankc"), ("similarity", "cosine")):
        assert overall[*key, "alike"]["untrained_least"] > overall[*key, "different"]["untrained_most"]


def test_a_model_that_learnt_nothing_is_not_told_from_its_twins(
    trained: LoadedModel, asked: tuple, tmp_path: Path
) -> None:
    """With other random weights, at the places where the trained model is right."""
    unlearnt = with_random_weights(trained, seed=77)
    found = compare_with_untrained(
        unlearnt, *asked, tmp_path, seed=SEED, most_facts=40, most_asked=40, twins=4
    )
    rows = [row for row in found.figures.to_pylist() if row["difference_low"] is not None]
    called = [row for row in rows if not row["difference_low"] <= 0 <= row["difference_high"]]
    assert len(rows) > 60 and len(called) < 0.1 * len(rows)


def test_the_same_facts_are_read_in_both_models_and_counted(twins: Twins, asked: tuple) -> None:
    splits, predictions = asked
    assert twins.sample.schema.equals(UNTRAINED_SAMPLE)
    for row in twins.sample.to_pylist():
        known = pc.sum(predictions[row["language"]]["full_match"]).as_py()
        assert row["predicted"] == known and row["sampled"] == min(60, known)
        assert row["asked"] == min(30, splits[row["language"]].num_rows)
    for row in rows_of(twins.figures, figure="layers", measure="0"):
        if row["language_a"] != "*":
            sampled = rows_of(twins.sample, language=row["language_a"])[0]["sampled"]
            assert row["n"] == row["facts"] and sampled - 8 <= row["n"] <= sampled  # 8 relations, of one fact
    for row in twins.figures.to_pylist():
        assert row["difference"] == pytest.approx(row["trained"] - row["untrained"])


def test_the_comparison_is_repeatable(trained: LoadedModel, asked: tuple, tmp_path: Path) -> None:
    few = {"most_facts": 12, "most_asked": 12, "twins": 1}
    one, again = (compare_with_untrained(trained, *asked, tmp_path, seed=4, **few) for _ in range(2))
    assert one.figures.equals(again.figures) and one.sample.equals(again.sample)
    other = compare_with_untrained(trained, *asked, tmp_path, seed=5, **few)
    assert not other.figures.equals(one.figures)


def test_a_model_that_predicts_nothing_is_compared_in_its_rankings_alone(
    trained: LoadedModel, asked: tuple, tmp_path: Path
) -> None:
    splits, predictions = asked
    nothing = {
        code: table.set_column(
            table.schema.get_field_index("matched_mask_count"),
            table.schema.field("matched_mask_count"),
            pa.array([0] * len(table), pa.int32()),
        )
        for code, table in predictions.items()
    }
    found = compare_with_untrained(trained, splits, nothing, tmp_path, seed=0, most_asked=20, twins=1)
    assert {*found.figures["figure"].to_pylist()} == {"consistency"}
    assert found.sample["sampled"].to_pylist() == [0, 0, 0]


def test_a_decoder_is_compared_in_the_same_figures(
    checkpoint_of: Callable[[str], Path], tmp_path: Path
) -> None:
    model = load(str(checkpoint_of("gpt2")), device="cpu")
    split = tiny.decoder_split(checkpoint_of("gpt2"), subjects=8)
    language = split.schema.get_field_index("language")
    splits = {
        code: split.set_column(language, "language", pa.repeat(code, len(split))) for code in ("qaa", "qab")
    }
    predictions = {}
    for code, split in splits.items():
        (tmp_path / code).mkdir()
        predictions[code] = probe(model, split, tmp_path / code)
    (tmp_path / "scratch").mkdir()
    found = compare_with_untrained(model, splits, predictions, tmp_path / "scratch", seed=0, twins=2)
    overall = rows_of(found.figures, language_a="*", names="all")
    # The questions are the same under both codes: no fact's neurons are compared, and in any model the
    # rankings are equal.
    assert {row["figure"] for row in overall} == {*FIGURES} - {"similarity"}
    (rankings,) = [row for row in overall if row["measure"] == "rankc"]
    assert rankings["trained"] == rankings["untrained_least"] == pytest.approx(1)


def test_a_decoders_candidates_are_ranked_as_they_are_for_the_model(
    checkpoint_of: Callable[[str], Path], tmp_path: Path
) -> None:
    """Up to the object: as by sentences that end there."""
    folder = checkpoint_of("gpt2")
    model = load(str(folder), device="cpu")
    splits = {code: tiny.decoder_split(folder, code, 6, seed) for seed, code in enumerate(("qaa", "qab"))}
    column = splits["qaa"].schema.get_field_index("template")
    cut = {
        code: split.set_column(column, "template", pc.replace_substring(split["template"], "[Y] .", "[Y]"))
        for code, split in splits.items()
    }
    nothing = {code: PREDICTIONS.empty_table() for code in splits}

    def consistency(asked: dict[str, pa.Table], ranked_by: RankedBy) -> list[dict[str, Any]]:
        found = compare_with_untrained(model, asked, nothing, tmp_path, seed=0, twins=2, ranked_by=ranked_by)
        return rows_of(found.figures, figure="consistency")

    assert cut["qaa"] != splits["qaa"]
    assert consistency(splits, "object") == consistency(cut, "sentence") != consistency(splits, "sentence")
