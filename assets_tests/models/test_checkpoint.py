"""Checkpoints: how they are described and loaded, what is rejected, and with which message."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path

import pyarrow as pa
import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file

from assets_tests.models import tiny
from factroots_dagster.errors import InputError, UnavailableError
from factroots_dagster.models import files
from factroots_dagster.models.checkpoint import SPLIT, describe, load, pick_device, pick_dtype
from factroots_dagster.models.files import digest_files, resolve_checkpoint
from factroots_dagster.models.hub import find_model
from factroots_dagster.models.schema import CHECKPOINT
from factroots_dagster.models.untrained import with_random_weights
from factroots_dagster.probing.probe import probe


@pytest.fixture
def folder(checkpoint_of: Callable[[str], Path], tmp_path: Path) -> Path:
    return Path(shutil.copytree(checkpoint_of("bert"), tmp_path / "bert"))


def edit_json(path: Path, **changed: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changed))


@pytest.mark.parametrize("family", [*tiny.MASKED, *tiny.CAUSAL])
def test_a_checkpoint_is_described_as_transformers_loads_it(
    family: str, checkpoint_of: Callable[[str], Path]
) -> None:
    path = checkpoint_of(family)
    table = describe("key", resolve_checkpoint(str(path)))
    assert table.schema.equals(CHECKPOINT)
    (row,) = table.to_pylist()
    auto = transformers.AutoModelForMaskedLM if family in tiny.MASKED else transformers.AutoModelForCausalLM
    model = auto.from_pretrained(path)
    assert row["checkpoint"] == "key"
    assert row["source"] == path.name
    assert row["architecture"] == type(model).__name__
    assert row["family"] == ("masked" if family in tiny.MASKED else "causal")
    assert row["layers"] == (3 if family == "distilbert" else 2)
    assert row["hidden_size"] == 16
    assert row["neurons"] == (64 if family in ("gpt2", "bloom") else 40)
    assert row["parameters"] == model.num_parameters()
    assert row["vocabulary"] == model.config.vocab_size
    assert row["max_length"] == 64


def test_one_damaged_byte_of_any_file_changes_the_revision(folder: Path) -> None:
    before = resolve_checkpoint(str(folder))
    assert resolve_checkpoint(str(folder), before.revision).revision == before.revision
    described = describe("a", before).to_pylist()[0]
    tensors = load_file(folder / "model.safetensors")
    tensors["cls.predictions.bias"][3] += 1e-3
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    after = resolve_checkpoint(str(folder))
    assert after.revision != before.revision
    changed = describe("a", after).to_pylist()[0]
    assert changed["weights_sha256"] != described["weights_sha256"]
    assert changed["tokenizer_sha256"] == described["tokenizer_sha256"]
    with pytest.raises(InputError, match="register the folder again"):
        resolve_checkpoint(str(folder), before.revision)


def test_a_folder_is_read_again_only_after_it_has_changed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digests: list[str] = []

    def counting(paths: Iterable[Path]) -> str:
        digests.append(digest_files(paths))
        return digests[-1]

    monkeypatch.setattr(files, "digest_files", counting)
    first = resolve_checkpoint(str(folder)).revision
    for _ in range(53):
        assert resolve_checkpoint(str(folder), first).revision == first
    assert len(digests) == 1
    weights = folder / "model.safetensors"
    content = weights.read_bytes()
    before = weights.stat()
    weights.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    os.utime(weights, ns=(before.st_atime_ns, before.st_mtime_ns))  # like a copy that preserves times
    assert resolve_checkpoint(str(folder)).revision != first


def test_the_corpus_is_declared_or_inferred_from_the_name(folder: Path, tmp_path: Path) -> None:
    resolved = resolve_checkpoint(str(folder))
    assert describe("a", resolved)["corpus"].to_pylist() == ["unknown"]
    assert describe("a", resolved, corpus="sandbox")["corpus"].to_pylist() == ["sandbox"]
    edit_json(folder / "config.json", factroots_corpus="sandbox")
    assert describe("a", resolve_checkpoint(str(folder)))["corpus"].to_pylist() == ["sandbox"]
    named = Path(shutil.copytree(folder, tmp_path / "bert-base-multilingual-cased"))
    edit_json(named / "config.json", factroots_corpus=None)
    assert describe("a", resolve_checkpoint(str(named)))["corpus"].to_pylist() == ["wikipedia"]


def test_only_the_last_model_is_kept(folder: Path, checkpoint_of: Callable[[str], Path]) -> None:
    first = load(str(folder), device="cpu")
    assert load(str(folder), device="cpu") is first
    assert load(str(checkpoint_of("distilbert")), device="cpu") is not first
    assert load(str(folder), device="cpu") is not first, "two models were kept"
    edit_json(folder / "config.json", layer_norm_eps=1e-6)
    assert load(str(folder), device="cpu").model.config.layer_norm_eps == 1e-6


def test_a_loaded_model_is_ready_for_inference(checkpoint_of: Callable[[str], Path]) -> None:
    model = load(str(checkpoint_of("xlm-roberta")), device="cpu", dtype="bfloat16")
    assert model.model.dtype == torch.bfloat16
    twin = with_random_weights(model, 0).model
    assert twin.dtype == torch.bfloat16 and not any(weight.requires_grad for weight in twin.parameters())
    assert not model.model.training
    assert not any(parameter.requires_grad for parameter in model.model.parameters())
    assert model.mask_id == model.tokenizer.convert_tokens_to_ids("<mask>")
    assert model.space_id == model.tokenizer.convert_tokens_to_ids("▁")
    assert model.max_length == 64  # 66 positions, of which RoBERTa never uses the first two
    assert load(str(checkpoint_of("bert")), device="cpu").space_id is None


def pickled(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def remote_code(folder: Path) -> None:
    edit_json(folder / "config.json", auto_map={"AutoModel": "modeling_evil.Evil"})


def remote_tokenizer(folder: Path) -> None:
    edit_json(folder / "tokenizer_config.json", auto_map={"AutoTokenizer": ["evil.Evil", None]})


def no_config(folder: Path) -> None:
    (folder / "config.json").unlink()


def broken_config(folder: Path) -> None:
    (folder / "config.json").write_text("{")


def unknown_type(folder: Path) -> None:
    edit_json(folder / "config.json", model_type="nosuchmodel")


def no_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()


def no_tokenizer(folder: Path) -> None:
    for file in folder.glob("tokenizer*"):
        file.unlink()


def no_language_model(folder: Path) -> None:
    edit_json(folder / "config.json", architectures=["BertForSequenceClassification"])


def missing_shard(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    index = {"weight_map": {"a": "model-00001-of-00002.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


def shard_outside(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder.parent / "away.safetensors")
    (folder / "model.safetensors.index.json").write_text(
        json.dumps({"weight_map": {"a": "../away.safetensors"}})
    )


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (pickled, "pickled.*To fix it, convert"),
        (remote_code, "auto_map"),
        (remote_tokenizer, "auto_map"),
        (no_config, "config.json is missing"),
        (broken_config, "not valid JSON"),
        (no_weights, "model.safetensors is missing"),
        (no_tokenizer, "no tokenizer"),
        (missing_shard, "model-00001-of-00002.safetensors is missing"),
        (shard_outside, "outside the folder"),
    ],
)
def test_unsafe_or_incomplete_folders_are_rejected(
    damage: Callable[[Path], None], message: str, folder: Path
) -> None:
    damage(folder)
    with pytest.raises(InputError, match=message):
        resolve_checkpoint(str(folder))


def nan_weights(folder: Path) -> None:
    tensors = load_file(folder / "model.safetensors")
    tensors["bert.encoder.layer.1.output.dense.weight"][0, 0] = float("nan")
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


def cut_weights(folder: Path) -> None:
    content = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(content[: len(content) // 2])


def no_mask_token(folder: Path) -> None:
    tiny.wordpiece(folder, mask_token="")


def slow_tokenizer(folder: Path) -> None:
    for file in folder.glob("tokenizer*"):
        file.unlink()
    transformers.ByT5Tokenizer().save_pretrained(folder)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (nan_weights, "bert.encoder.layer.1.output.dense.weight.*NaN"),
        (cut_weights, "damaged"),
        (no_mask_token, "no mask token"),
        (slow_tokenizer, "slow tokenizer"),
        (unknown_type, "not known"),
        (no_language_model, "not a language model"),
    ],
)
def test_broken_checkpoints_are_rejected_before_anything_is_run(
    damage: Callable[[Path], None], message: str, folder: Path
) -> None:
    damage(folder)
    with pytest.raises(InputError, match=message):
        describe("a", resolve_checkpoint(str(folder)))
    with pytest.raises(InputError, match=message):
        load(str(folder), device="cpu")


def test_weights_without_a_head_are_rejected(folder: Path) -> None:
    tensors = load_file(folder / "model.safetensors")
    kept = {
        name: tensor for name, tensor in tensors.items() if not name.startswith("cls.predictions.transform")
    }
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(InputError, match="language-modelling head"):
        load(str(folder), device="cpu")


def test_a_pickle_beside_safetensors_is_never_opened(folder: Path) -> None:
    (folder / "pytorch_model.bin").write_bytes(b"\x80\x04not a pickle that could be loaded")
    assert load(str(folder), device="cpu").ffn.layers == 2


@pytest.mark.parametrize("source", ["/nosuch/folder", "./nosuch", "a/b/c"])
def test_a_path_that_does_not_exist_is_not_looked_up_on_the_hub(source: str) -> None:
    with pytest.raises(InputError, match="no such folder"):
        resolve_checkpoint(source)


@pytest.mark.parametrize(("setting", "value"), [("HF_HUB_OFFLINE", True), ("ENDPOINT", "http://127.0.0.1:9")])
def test_an_unreachable_hub_is_reported(
    setting: str, value: object, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, setting, value)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(InputError, match=r"hub id factroots-test/no-such-model: .*check the network"):
        resolve_checkpoint("factroots-test/no-such-model")


def test_a_password_in_the_address_of_the_hub_is_neither_in_errors_nor_in_its_client_s_log(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import huggingface_hub.utils  # its handler of log lines

    assert huggingface_hub.utils.logging.get_logger("huggingface_hub").handlers
    monkeypatch.setenv("HF_ENDPOINT", "http://ada:secret@127.0.0.1:9")
    with pytest.raises(UnavailableError) as unreachable:
        find_model("factroots-test/no-such-model")
    assert "secret" not in "".join(traceback.format_exception(unreachable.value))
    for handler in logging.getLogger("huggingface_hub").handlers:
        address = "http://ada:secret@127.0.0.1:9/x?token=secret"
        record = logging.LogRecord("", logging.WARNING, "", 0, "while requesting %s", (address,), None)
        assert handler.filter(record)
        assert record.getMessage() == "while requesting http://127.0.0.1:9/x?…"


@pytest.mark.parametrize(
    ("name", "step", "tokens"),
    [("step-0600", 600, None), ("step1000-tokens5B", 1000, 5 * 10**9), ("x", None, None)],
)
def test_step_and_tokens_of_training_are_told_by_the_name(
    tmp_path: Path, name: str, step: int | None, tokens: int | None
) -> None:
    folder = tiny.save_checkpoint(tmp_path / name, "bert")
    (row,) = describe("key", resolve_checkpoint(str(folder))).to_pylist()
    assert (row["step"], row["tokens"]) == (step, tokens)


def test_unknown_devices_and_dtypes_are_rejected() -> None:
    assert pick_device("cpu") == torch.device("cpu")
    assert pick_device("auto").type in ("cpu", "cuda", "mps")
    for name in ("warp", "cuda:99", *([] if torch.cuda.is_available() else ["cuda"])):
        with pytest.raises(InputError, match="device"):
            pick_device(name)
    with pytest.raises(InputError, match="dtype"):
        load("unused", device="cpu", dtype="int8")


def test_the_digest_is_sha256_of_names_and_contents(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"1")
    expected = hashlib.sha256(f"a {hashlib.sha256(b'1').hexdigest()}\n".encode()).hexdigest()
    assert digest_files([tmp_path / "a"]) == expected


def test_a_model_that_is_divided_among_devices_answers_the_same(
    checkpoint_of: Callable[[str], Path], split_of: Callable[..., pa.Table], tmp_path: Path
) -> None:
    """Here among one; what is tested is that the model arrives by way of accelerate."""
    pytest.importorskip("accelerate", reason="accelerate is not installed (the extra `test`)")
    tables = []
    for device in ("cpu", SPLIT):
        model = load(str(checkpoint_of("bert")), device=device)
        (tmp_path / device).mkdir()
        tables.append(probe(model, split_of("bert"), tmp_path / device))
    assert tables[0].equals(tables[1])


def test_without_a_gpu_models_stay_in_32_bits(checkpoint_of: Callable[[str], Path]) -> None:
    assert pick_dtype(torch.device("cpu")) == "float32"
    assert load(str(checkpoint_of("bert")), device="cpu", dtype="auto").model.dtype == torch.float32
