"""What is exported is what the store holds, and what other tools make of it is what we make of it."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from click.testing import CliRunner

from assets_tests.models import tiny
from assets_tests.orchestration.golden.world import KEY, LANGUAGES
from assets_tests.roots.tables import rows, split_row
from factroots_dagster.cli.main import main
from factroots_dagster.errors import InputError
from factroots_dagster.exports.hub import export_dataset
from factroots_dagster.exports.lm_eval import export_tasks
from factroots_dagster.exports.lm_eval_documents import documents, fill
from factroots_dagster.facts.cldr.release import LICENCE as CLDR_LICENCE
from factroots_dagster.facts.formats import FORMATS
from factroots_dagster.facts.imports.registry import FORMATS as IMPORT_FORMATS
from factroots_dagster.facts.mlama.release import describe_release
from factroots_dagster.facts.schema import MLAMA_RELEASE, MLAMA_SPLIT
from factroots_dagster.models.checkpoint import load
from factroots_dagster.models.schema import CHECKPOINT
from factroots_dagster.probing.causal import probe_causal
from factroots_dagster.probing.schema import PREDICTIONS
from factroots_dagster.probing.slots import fill_template
from factroots_dagster.settings import Settings
from factroots_dagster.store.store import Store

MLAMA_LICENCE = FORMATS[0].licence
World = tuple[Settings, Store]


@pytest.fixture(scope="module")
def decoder(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Store]:
    """The folder of a tiny decoder, and a store with facts and its answers to them."""
    folder = tiny.save_checkpoint(tmp_path_factory.mktemp("decoder") / "llama", "llama")
    store = Store(tmp_path_factory.mktemp("data"), "mlama")
    split = tiny.decoder_split(folder, subjects=6)
    with store.write_partition("mlama_split", "qaa", code_version="1") as work:
        work.write(split, MLAMA_SPLIT)
    activations = tmp_path_factory.mktemp("activations")
    with store.write_partition("predictions", "llama", "qaa", code_version="1") as work:
        work.write(probe_causal(load(str(folder), device="cpu"), split, activations), PREDICTIONS)
    with store.write_partition("checkpoint", "llama", code_version="1") as work:
        row = {"checkpoint": "llama", "source": "llama", "family": "causal"}
        work.write(pa.Table.from_pylist([row], CHECKPOINT), CHECKPOINT)
    return folder, store


def test_documents_are_the_sentences_that_are_ranked(decoder: tuple[Path, Store], tmp_path: Path) -> None:
    _, store = decoder
    assert export_tasks(store, tmp_path / "tasks", ["qaa"], "llama") == ["factroots_mlama_qaa"]
    facts = store.read("mlama_split", "qaa").to_pylist()
    listed = documents(tmp_path / "tasks", "qaa")
    assert [document["uuid"] for document in listed] == [fact["uuid"] for fact in facts]
    answers = (tmp_path / "tasks" / "qaa" / "answers.llama.jsonl").read_text().splitlines()
    ours = {row["uuid"]: row for row in store.read("predictions", "llama", "qaa").to_pylist()}
    for number, (document, fact, line) in enumerate(zip(listed, facts, answers, strict=True)):
        labels = sorted({row["object"] for row in facts if row["relation"] == fact["relation"]})
        assert document["choices"] == [
            fill_template(fact["template"], fact["subject"], label)[0] for label in labels
        ]
        assert labels[document["answer"]] == fact["object"]
        answer = json.loads(line)
        assert (answer["doc_id"], answer["uuid"]) == (number, fact["uuid"])
        assert answer["typed_rank"] == ours[fact["uuid"]]["typed_rank"]


def test_decoders_are_asked_the_questions_that_the_settings_choose(tmp_path: Path) -> None:
    store = Store(tmp_path, "mlama")
    with store.write_partition("mlama_split", "en", code_version="1") as work:
        work.write(rows(MLAMA_SPLIT, [split_row("u", "en")]), MLAMA_SPLIT)
    export_tasks(store, tmp_path / "tasks", ["en"], questions="shipped")
    (document,) = documents(tmp_path / "tasks", "en")
    assert document["choices"] == ["Question: Ada – what is the capital? Answer: Oslo"]


def test_a_label_that_looks_like_a_slot_stays_a_label() -> None:
    assert fill("[X] or [Y]", "[Y]", "[X]") == "[Y] or [X]"


def test_the_exported_task_run_in_the_harness_ranks_every_fact_as_we_do(
    decoder: tuple[Path, Store], tmp_path: Path
) -> None:
    lm_eval = pytest.importorskip(
        "lm_eval", reason="lm-evaluation-harness is not installed (pip install lm_eval, in a copy of .venv)"
    )
    folder, store = decoder
    (task,) = export_tasks(store, tmp_path / "tasks", ["qaa"], "llama")
    results = lm_eval.simple_evaluate(
        model="hf",
        model_args={"pretrained": str(folder), "dtype": "float32"},
        tasks=["factroots_mlama"],
        task_manager=lm_eval.tasks.TaskManager(include_path=str(tmp_path / "tasks"), include_defaults=False),
        device="cpu",
        batch_size=4,
        log_samples=True,
        bootstrap_iters=0,
    )
    answers = (tmp_path / "tasks" / "qaa" / "answers.llama.jsonl").read_text().splitlines()
    samples = sorted(results["samples"][task], key=lambda sample: sample["doc_id"])
    assert len(samples) == len(answers)
    for sample, answer in zip(samples, map(json.loads, answers), strict=True):
        scores = [float(score) for score, _ in sample["filtered_resps"]]
        gold = scores[sample["doc"]["answer"]]
        assert sample["doc"]["uuid"] == answer["uuid"]
        assert 1 + sum(score > gold + 1e-5 for score in scores) == answer["typed_rank"]
        assert sample["acc"] == answer["acc"]
    mean = sum(json.loads(answer)["acc"] for answer in answers) / len(answers)
    assert 0 < mean < 1 and results["results"][task]["acc,none"] == pytest.approx(mean)


def test_a_masked_model_is_refused_and_so_is_a_folder_that_holds_something(
    tiny_world: World, tmp_path: Path
) -> None:
    _, store = tiny_world
    with pytest.raises(InputError, match="is a masked language model"):
        export_tasks(store, tmp_path / "tasks", LANGUAGES, KEY)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    with pytest.raises(InputError, match="full is not empty"):
        export_tasks(store, tmp_path / "full", LANGUAGES)


def test_a_data_set_has_the_facts_and_what_is_known_of_them(tiny_world: World, tmp_path: Path) -> None:
    _, store = tiny_world
    folder = tmp_path / "hub"
    rows = export_dataset(store, folder, LANGUAGES, title="Tiny", licence="apache-2.0", checkpoint=KEY)
    tables = {language: pq.read_table(folder / "data" / f"{language}.parquet") for language in LANGUAGES}
    assert rows == sum(map(len, tables.values()))
    verdicts = {(row["language"], row["uuid"]): row for row in store.read("fact_verdicts", KEY).to_pylist()}
    types = {(row["language"], row["uuid"]): row for row in store.read("fact_types", KEY).to_pylist()}
    for language, table in tables.items():
        split = store.read("mlama_split", language)
        assert table["uuid"].to_pylist() == split["uuid"].to_pylist()
        for row in table.to_pylist():
            key = (language, row["uuid"])
            assert row["type"] == types[key]["type"]
            assert row["verdict"] == verdicts.get(key, {}).get("verdict")
    _, header, card = (folder / "README.md").read_text(encoding="utf-8").split("---\n", 2)
    described = yaml.safe_load(header)
    assert described["license"] == "apache-2.0"
    assert [one["config_name"] for one in described["configs"]] == list(LANGUAGES)
    for one in described["configs"]:
        assert (folder / one["data_files"]).is_file()
    assert all(f"| `{name}` | " in card for name in tables["qab"].column_names)


@pytest.mark.parametrize(
    ("recorded", "terms"),
    [
        (MLAMA_LICENCE, {"license": "cc-by-nc-sa-4.0"}),
        (IMPORT_FORMATS["bmlama"].licence, {"license": "cc-by-nc-sa-4.0"}),
        (IMPORT_FORMATS["lama"].licence, {"license": "cc-by-nc-4.0"}),
        (CLDR_LICENCE, {"license": "other", "license_name": "unicode-3.0"}),
        ("your own", {"license": "other"}),
        (None, {"license": "other"}),
    ],
)
def test_the_card_has_the_licence_that_is_recorded_with_the_facts(
    tmp_path: Path, recorded: str | None, terms: dict[str, str]
) -> None:
    store, facts = Store(tmp_path / "data", "mlama"), rows(MLAMA_SPLIT, [split_row("u", "cy")])
    release = MLAMA_RELEASE.empty_table()
    if recorded is not None:
        (tmp_path / "release").mkdir()
        release = describe_release(tmp_path / "release", "somewhere", recorded)
    with store.write_partition("mlama_release", code_version="1") as work:
        work.write(release, MLAMA_RELEASE.with_metadata(release.schema.metadata))
    with store.write_partition("mlama_split", "cy", code_version="1") as work:
        work.write(facts, MLAMA_SPLIT)
    export_dataset(store, tmp_path / "hub", ["cy"], title="Facts")
    _, header, card = (tmp_path / "hub" / "README.md").read_text(encoding="utf-8").split("---\n", 2)
    assert terms.items() <= yaml.safe_load(header).items()
    assert (f"Licence of the facts: {recorded}." in card) is (recorded is not None)


def test_the_data_set_is_read_by_its_library(tiny_world: World, tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets", reason="datasets is not installed (pip install datasets)")
    _, store = tiny_world
    export_dataset(store, tmp_path / "hub", LANGUAGES, title="Tiny", licence="other")
    loaded = datasets.load_dataset(str(tmp_path / "hub"), "qab", cache_dir=str(tmp_path / "cache"))["train"]
    assert loaded["uuid"][:] == store.read("mlama_split", "qab")["uuid"].to_pylist()


def test_both_are_commands(
    tiny_world: World, tiny_environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in tiny_environment.items():
        monkeypatch.setenv(name, value)
    tasks = CliRunner().invoke(main, ["facts", "export", "lm-eval", str(tmp_path / "tasks")])
    assert tasks.exit_code == 0 and f"--include_path {tmp_path / 'tasks'}" in tasks.output, tasks.output
    assert {path.name for path in (tmp_path / "tasks").glob("*.yaml")} == {
        "factroots_sandbox.yaml",
        *(f"factroots_sandbox_{language}.yaml" for language in LANGUAGES),
    }
    hub = CliRunner().invoke(main, ["facts", "export", "hub", str(tmp_path / "hub"), "--checkpoint", KEY])
    assert hub.exit_code == 0 and "1,416 rows of 3 languages" in hub.output, hub.output
