"""Checkpoints that contain code or pickles, or are damaged."""

from __future__ import annotations

import json
import pickle
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import torch
import transformers
from safetensors.torch import load_file, save_file

from assets_tests.hostile.case import Case
from assets_tests.models import tiny
from factroots_dagster.models.checkpoint import describe, load
from factroots_dagster.models.files import resolve_checkpoint

WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
LAYER = "bert.encoder.layer.1.output.dense.weight"


@cache
def good() -> Path:
    """A small checkpoint in order, made once per process."""
    return tiny.save_checkpoint(Path(mkdtemp()) / "model", "bert")


def describe_spoiled(spoil: Callable[[Path], object]) -> Callable[[Path, Path], object]:
    """Describe the spoiled checkpoint, as the asset `checkpoint` does."""

    def run(source: Path, target: Path) -> object:
        folder = shutil.copytree(good(), source / "model")
        spoil(folder)
        return describe("key", resolve_checkpoint(str(folder)))

    return run


def load_spoiled(spoil: Callable[[Path], object]) -> Callable[[Path, Path], object]:
    """Load the spoiled checkpoint, as probing does."""

    def run(source: Path, target: Path) -> object:
        folder = shutil.copytree(good(), source / "model")
        spoil(folder)
        return load(str(folder), device="cpu")

    return run


def edit(name: str, **changed: object) -> Callable[[Path], object]:
    def spoil(folder: Path) -> None:
        path = folder / name
        path.write_text(json.dumps(json.loads(path.read_text()) | changed))

    return spoil


def write(name: str, content: bytes) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes(content)


def change_weights(change: Callable[[dict[str, torch.Tensor]], object]) -> Callable[[Path], object]:
    def spoil(folder: Path) -> None:
        tensors = load_file(folder / WEIGHTS)
        change(tensors)
        save_file(tensors, folder / WEIGHTS, metadata={"format": "pt"})

    return spoil


def with_index(content: object) -> Callable[[Path], object]:
    """Move the weights out of the folder and write an index that names other files."""

    def spoil(folder: Path) -> None:
        (folder / WEIGHTS).rename(folder.parent / "away.safetensors")
        text = content if isinstance(content, str) else json.dumps(content)
        (folder / INDEX).write_text(text)

    return spoil


class Evil:
    """A pickle that would create a file when it is loaded."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return Path.touch, (Path("evil-was-here"),)  # type: ignore[return-value]


def only_pickle(folder: Path) -> None:
    (folder / WEIGHTS).unlink()
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(Evil()))


def pickle_by_index(folder: Path) -> None:
    (folder / WEIGHTS).unlink()
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(Evil()))
    (folder / INDEX).write_text(json.dumps({"weight_map": {LAYER: "pytorch_model.bin"}}))


def pickle_under_another_name(folder: Path) -> None:
    (folder / WEIGHTS).write_bytes(pickle.dumps(Evil()))


def cut_weights(folder: Path) -> None:
    content = (folder / WEIGHTS).read_bytes()
    (folder / WEIGHTS).write_bytes(content[: len(content) // 2])


def slow_tokenizer(folder: Path) -> None:
    for file in folder.glob("tokenizer*"):
        file.unlink()
    transformers.ByT5Tokenizer().save_pretrained(folder)


def without_tokenizer(folder: Path) -> None:
    for file in folder.glob("tokenizer*"):
        file.unlink()


def narrow_layer(tensors: dict[str, torch.Tensor]) -> None:
    tensors[LAYER] = tensors[LAYER][:, :-1].contiguous()


def set_weight(value: float) -> Callable[[Path], object]:
    return change_weights(lambda tensors: tensors[LAYER].view(-1).__setitem__(0, value))


def drop_head(tensors: dict[str, torch.Tensor]) -> None:
    for name in [name for name in tensors if name.startswith("cls.predictions.transform")]:
        del tensors[name]


def too_few_embeddings(folder: Path) -> None:
    """Save a model with fewer embeddings than its tokenizer has tokens."""
    tiny.random_model("bert", 20).save_pretrained(folder)


SPOILED: list[tuple[str, Callable[[Path], object], tuple[str, ...]]] = [
    ("pickle", only_pickle, ("pickled",)),
    ("pickle by index", pickle_by_index, (INDEX, "safetensors")),
    ("pickle under another name", pickle_under_another_name, (WEIGHTS, "damaged")),
    ("model code", edit("config.json", auto_map={"AutoModel": "evil.Evil"}), ("auto_map",)),
    (
        "model code of another repository",
        edit("config.json", auto_map={"AutoModelForMaskedLM": "evil/repo--modeling.Evil"}),
        ("auto_map",),
    ),
    (
        "tokenizer code",
        edit("tokenizer_config.json", auto_map={"AutoTokenizer": ["evil.Evil", None]}),
        ("auto_map",),
    ),
    (
        "attention code from the hub",
        edit("config.json", attn_implementation="evil/kernel:attention"),
        ("attention code", "evil/kernel"),
    ),
    ("config missing", lambda folder: (folder / "config.json").unlink(), ("config.json",)),
    ("config not JSON", write("config.json", b"{"), ("config.json", "JSON")),
    ("config not UTF-8", write("config.json", b'{"a": "\xff"}'), ("config.json", "JSON")),
    ("config nested 100,000 deep", write("config.json", b"[" * 100_000), ("config.json", "JSON")),
    ("config of a list", write("config.json", b'["auto_map"]'), ("config.json", "JSON object")),
    ("tokenizer config not JSON", write("tokenizer_config.json", b"}"), ("tokenizer_config.json", "JSON")),
    ("tokenizer not JSON", write("tokenizer.json", b"{"), ("tokenizer",)),
    ("tokenizer missing", without_tokenizer, ("tokenizer",)),
    ("tokenizer slow", slow_tokenizer, ("slow tokenizer",)),
    ("no mask token", lambda folder: tiny.wordpiece(folder, mask_token=""), ("mask token",)),
    ("fewer embeddings than tokens", too_few_embeddings, ("ids up to", "20")),
    ("weights missing", lambda folder: (folder / WEIGHTS).unlink(), (WEIGHTS, "missing")),
    ("weights cut", cut_weights, (WEIGHTS, "damaged")),
    ("weights empty", write(WEIGHTS, b""), (WEIGHTS, "damaged")),
    ("weights with a false head", write(WEIGHTS, b"\xff" * 64), (WEIGHTS, "damaged")),
    ("weights NaN", set_weight(float("nan")), (WEIGHTS, LAYER, "NaN")),
    ("weights infinite", set_weight(float("inf")), (WEIGHTS, LAYER, "infinit")),
    ("weights of a wrong shape", change_weights(narrow_layer), (WEIGHTS, LAYER, "[16, 39]", "[16, 40]")),
    ("index not JSON", with_index("{"), (INDEX, "JSON")),
    ("index without a map", with_index({"metadata": {}}), (INDEX, "weight_map")),
    ("index with a map of numbers", with_index({"weight_map": {"a": 7}}), (INDEX, "weight_map")),
    (
        "index that names a missing shard",
        with_index({"weight_map": {"a": "model-00001-of-00002.safetensors"}}),
        ("model-00001-of-00002.safetensors", "missing"),
    ),
    (
        "index that climbs out",
        with_index({"weight_map": {"a": "../away.safetensors"}}),
        (INDEX, "outside the folder"),
    ),
    (
        "index with an absolute path",
        with_index({"weight_map": {"a": "/etc/passwd"}}),
        (INDEX, "outside the folder"),
    ),
    (
        "index that names the parent folder",
        with_index({"weight_map": {"a": ".."}}),
        (INDEX, "outside the folder"),
    ),
    ("model type unknown", edit("config.json", model_type="nosuch"), ("config",)),
    (
        "no language model",
        edit("config.json", architectures=["BertForSequenceClassification"]),
        ("BertForSequenceClassification",),
    ),
    ("architecture of a wrong type", edit("config.json", architectures=[7]), ()),
    ("a billion layers", edit("config.json", num_hidden_layers=10**9), ("layers",)),
    ("heads that do not divide", edit("config.json", num_attention_heads=3), ("config",)),
    ("size of a wrong type", edit("config.json", hidden_size="wide"), ("config",)),
    (
        "an unavailable quantization",
        edit("config.json", quantization_config={"quant_method": "bitsandbytes", "load_in_8bit": True}),
        (),
    ),
]

CASES = [
    Case(f"checkpoint: {what}, {use.__name__}", use(spoil), ("model", *names))
    for use in (describe_spoiled, load_spoiled)
    for what, spoil, names in SPOILED
    if (what, use) != ("an unavailable quantization", describe_spoiled)
] + [
    Case(
        "checkpoint: weights without their head, load_spoiled",
        load_spoiled(change_weights(drop_head)),
        ("BertForMaskedLM", "cls.predictions.transform"),
    ),
    *(
        Case(
            f"checkpoint: source {source!r}",
            lambda _, target, source=source: resolve_checkpoint(source),  # type: ignore[misc]
            (source,),
        )
        for source in ("../../etc", "/nosuch", "a/b/c", "~nobody/x")
    ),
]
