"""GGUF files become checkpoints: real weights, dequantized once, with the answers that transformers gives."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch
import transformers
from click.testing import CliRunner

from assets_tests.models.folders import checkpoint_folder
from assets_tests.models.real import smollm_file
from assets_tests.project import make_home
from factroots_dagster.cli.main import main
from factroots_dagster.errors import InputError
from factroots_dagster.models.checkpoint import load
from factroots_dagster.models.completeness import find_defect
from factroots_dagster.models.files import find_gguf
from factroots_dagster.models.gguf import dequantize
from factroots_dagster.models.registry import registered
from factroots_dagster.settings import load_settings
from factroots_dagster.store.store import Store


@pytest.mark.slow
def test_a_gguf_file_is_registered_and_answers_as_the_model_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = smollm_file()
    monkeypatch.setenv("DAGSTER_HOME", str(make_home(tmp_path / "home")))
    monkeypatch.setenv("FACTROOTS_WORLD", "mlama")
    monkeypatch.setenv("FACTROOTS_DATA_ROOT", str(tmp_path / "data"))
    result = CliRunner().invoke(main, ["checkpoints", "add", str(file)])
    assert result.exit_code == 0, result.output
    assert result.stdout == "SmolLM2-135M-Instruct.Q4_1\n"
    result = CliRunner().invoke(main, ["run", "--checkpoint", str(file), "--until", "checkpoint"])
    assert result.exit_code == 0, result.output
    (entry,) = registered(load_settings()).values()
    (described,) = Store(tmp_path / "data", "mlama").read("checkpoint", entry.key).to_pylist()
    assert (described["layers"], described["neurons"], described["family"]) == (30, 1536, "causal")
    model = load(entry.source, device="cpu")
    original = transformers.AutoModelForCausalLM.from_pretrained(
        file.parent, gguf_file=file.name, dtype=torch.float32
    )
    ids = model.tokenizer("The capital of France is", return_tensors="pt").input_ids
    with torch.inference_mode():
        logits = model.model(ids).logits
        assert torch.equal(logits, original(ids).logits)
    assert model.tokenizer.decode(logits[0, -1].argmax()) == " Paris"


def test_a_folder_may_hold_one_gguf_file(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    assert find_gguf(str(tmp_path / "a")) is None and find_gguf("owner/model") is None
    (tmp_path / "a" / "one.gguf").write_bytes(b"GGUF")
    assert find_gguf(str(tmp_path / "a")) == find_gguf(str(tmp_path / "a" / "one.gguf"))
    assert find_defect(tmp_path / "a") == "it is GGUF, which `factroots checkpoints add` registers"
    (tmp_path / "a" / "two.GGUF").write_bytes(b"GGUF")
    with pytest.raises(InputError, match=r"holds several models: one\.gguf, two\.GGUF"):
        find_gguf(str(tmp_path / "a"))
    (checkpoint_folder(tmp_path / "b") / "also.gguf").write_bytes(b"GGUF")
    assert find_gguf(str(tmp_path / "b")) is None


@pytest.mark.parametrize("absent", [("gguf",), ("accelerate",), ("gguf", "accelerate")])
def test_what_is_not_installed_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, absent: tuple[str, ...]
) -> None:
    for name in absent:
        monkeypatch.setitem(sys.modules, name, None)  # it cannot be imported
    with pytest.raises(InputError, match=f"reading GGUF needs {' and '.join(absent)}\\.") as error:
        dequantize(tmp_path / "model.gguf", tmp_path / "out")
    assert "factroots-dagster[gguf]" in error.value.remedy


@pytest.mark.parametrize("content", [b"", b"GGUF", b"not a model" * 100])
def test_a_damaged_file_is_refused_and_leaves_nothing(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "model.gguf"
    file.write_bytes(content)
    with pytest.raises(InputError, match="cannot read it as GGUF"):
        dequantize(file, tmp_path / "out")
    assert not list(tmp_path.glob("out/**/*.safetensors"))


def test_a_cut_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "model.gguf"
    whole = smollm_file()
    with whole.open("rb") as content:
        file.write_bytes(content.read(whole.stat().st_size // 3))
    with pytest.raises(InputError, match="cannot read it as GGUF"):
        dequantize(file, tmp_path / "out")
