"""Checkpoints with code, pickles or damage in them."""

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
from factroots_dagster.models.checkpoint import describe, load, resolve_checkpoint

WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
LAYER = "bert.encoder.layer.1.output.dense.weight"
AGAIN = "download (it|the checkpoint) again"


@cache
def good() -> Path:
    """A small checkpoint without fault, made once a process."""
    return tiny.save_checkpoint(Path(mkdtemp()) / "model", "bert")


def described(spoil: Callable[[Path], object]) -> Callable[[Path, Path], object]:
    """The spoilt checkpoint as the asset `checkpoint` describes it."""

    def ask(source: Path, target: Path) -> object:
        folder = shutil.copytree(good(), source / "model")
        spoil(folder)
        return describe("key", resolve_checkpoint(str(folder)))

    return ask


def loaded(spoil: Callable[[Path], object]) -> Callable[[Path, Path], object]:
    """The spoilt checkpoint as the prober loads it."""

    def ask(source: Path, target: Path) -> object:
        folder = shutil.copytree(good(), source / "model")
        spoil(folder)
        return load(str(folder), device="cpu")

    return ask


def edit(name: str, **changed: object) -> Callable[[Path], object]:
    def spoil(folder: Path) -> None:
        path = folder / name
        path.write_text(json.dumps(json.loads(path.read_text()) | changed))

    return spoil


def written(name: str, content: bytes) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes(content)


def weights(change: Callable[[dict[str, torch.Tensor]], object]) -> Callable[[Path], object]:
    def spoil(folder: Path) -> None:
        tensors = load_file(folder / WEIGHTS)
        change(tensors)
        save_file(tensors, folder / WEIGHTS, metadata={"format": "pt"})

    return spoil


def index(content: object) -> Callable[[Path], object]:
    """The weights moved away, and an index that names others."""

    def spoil(folder: Path) -> None:
        (folder / WEIGHTS).rename(folder.parent / "away.safetensors")
        text = content if isinstance(content, str) else json.dumps(content)
        (folder / INDEX).write_text(text)

    return spoil


class Evil:
    """What a pickle can do: it would make a file when it is opened."""

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


def cut(folder: Path) -> None:
    content = (folder / WEIGHTS).read_bytes()
    (folder / WEIGHTS).write_bytes(content[: len(content) // 2])


def slow_tokenizer(folder: Path) -> None:
    for file in folder.glob("tokenizer*"):
        file.unlink()
    transformers.ByT5Tokenizer().save_pretrained(folder)


def without_tokenizer(folder: Path) -> None:
    for file in folder.glob("tokenizer*"):
        file.unlink()


def narrower(tensors: dict[str, torch.Tensor]) -> None:
    tensors[LAYER] = tensors[LAYER][:, :-1].contiguous()


def not_finite(value: float) -> Callable[[Path], object]:
    return weights(lambda tensors: tensors[LAYER].view(-1).__setitem__(0, value))


def without_head(tensors: dict[str, torch.Tensor]) -> None:
    for name in [name for name in tensors if name.startswith("cls.predictions.transform")]:
        del tensors[name]


def fewer_words(folder: Path) -> None:
    """A model with fewer embeddings than its tokenizer has tokens."""
    tiny.random_model("bert", 20).save_pretrained(folder)


REFUSED: list[tuple[str, Callable[[Path], object], str, str]] = [
    ("pickle", only_pickle, "its weights are pickled", "convert them to model.safetensors"),
    ("pickle by index", pickle_by_index, "a shard is no .safetensors file", "convert the checkpoint"),
    ("pickle under another name", pickle_under_another_name, "model.safetensors is damaged", AGAIN),
    (
        "model code",
        edit("config.json", auto_map={"AutoModel": "evil.Evil"}),
        r"run its own code \(auto_map\)",
        "drop auto_map",
    ),
    (
        "model code of another repository",
        edit("config.json", auto_map={"AutoModelForMaskedLM": "evil/repo--modeling.Evil"}),
        r"run its own code \(auto_map\)",
        "drop auto_map",
    ),
    (
        "tokenizer code",
        edit("tokenizer_config.json", auto_map={"AutoTokenizer": ["evil.Evil", None]}),
        r"run its own code \(auto_map\)",
        "drop auto_map",
    ),
    (
        "attention code from the hub",
        edit("config.json", attn_implementation="evil/kernel:attention"),
        "asks for attention code of somebody else's",
        "drop attn_implementation",
    ),
    ("config missing", lambda f: (f / "config.json").unlink(), "config.json is missing", "give a folder"),
    ("config not JSON", written("config.json", b"{"), "config.json: is not valid JSON", AGAIN),
    ("config not UTF-8", written("config.json", b'{"a": "\xff"}'), "config.json: is not valid JSON", AGAIN),
    ("config nested 100,000 deep", written("config.json", b"[" * 100_000), "is not valid JSON", AGAIN),
    ("config of a list", written("config.json", b'["auto_map"]'), "config.json: holds no JSON object", AGAIN),
    (
        "tokenizer config not JSON",
        written("tokenizer_config.json", b"}"),
        "tokenizer_config.json: is not valid JSON",
        AGAIN,
    ),
    (
        "tokenizer not JSON",
        written("tokenizer.json", b"{"),
        "its tokenizer cannot be read",
        "save the tokenizer",
    ),
    ("tokenizer missing", without_tokenizer, "it has no tokenizer", "save the tokenizer"),
    ("tokenizer slow", slow_tokenizer, "it has only a slow tokenizer", "save a fast one"),
    ("no mask token", lambda f: tiny.wordpiece(f, mask_token=""), "has no mask token", "set mask_token"),
    ("fewer embeddings than tokens", fewer_words, r"ids up to \d+, its model has 20", "save the tokenizer"),
    ("weights missing", lambda f: (f / WEIGHTS).unlink(), "model.safetensors is missing", "export it again"),
    ("weights cut", cut, "model.safetensors is damaged", AGAIN),
    ("weights empty", written(WEIGHTS, b""), "model.safetensors is damaged", AGAIN),
    ("weights of a false head", written(WEIGHTS, b"\xff" * 64), "model.safetensors is damaged", AGAIN),
    (
        "weights NaN",
        not_finite(float("nan")),
        f"{LAYER} in model.safetensors holds NaN",
        "another checkpoint",
    ),
    ("weights infinite", not_finite(float("inf")), f"{LAYER} .* infinities", "another checkpoint"),
    (
        "weights of a wrong shape",
        weights(narrower),
        rf"{LAYER} .* has shape \[16, 39\], its config.json asks for \[16, 40\]",
        AGAIN,
    ),
    ("index not JSON", index("{"), "index.json: is not valid JSON", AGAIN),
    ("index without a map", index({"metadata": {}}), "it has no weight_map", AGAIN),
    ("index with a map of numbers", index({"weight_map": {"a": 7}}), "it has no weight_map", AGAIN),
    (
        "index that names a missing shard",
        index({"weight_map": {"a": "model-00001-of-00002.safetensors"}}),
        "model-00001-of-00002.safetensors is missing",
        "download it again",
    ),
    (
        "index that climbs out",
        index({"weight_map": {"a": "../away.safetensors"}}),
        "a shard lies outside the folder",
        AGAIN,
    ),
    (
        "index of an absolute path",
        index({"weight_map": {"a": "/etc/passwd"}}),
        "a shard lies outside the folder",
        AGAIN,
    ),
    ("index of the parent", index({"weight_map": {"a": ".."}}), "a shard lies outside the folder", AGAIN),
    ("model type unknown", edit("config.json", model_type="nosuch"), "config is not known", "use another"),
    (
        "no language model",
        edit("config.json", architectures=["BertForSequenceClassification"]),
        "BertForSequenceClassification is no language model",
        "is needed",
    ),
    (
        "architecture of a wrong type",
        edit("config.json", architectures=[7]),
        "config|architecture 7",
        "use|need",
    ),
    (
        "a billion layers",
        edit("config.json", num_hidden_layers=10**9),
        "asks for 1000000000 layers",
        "use another",
    ),
    (
        "heads that do not divide",
        edit("config.json", num_attention_heads=3),
        "no model can be made of its config.json",
        "use another",
    ),
    (
        "size of a wrong type",
        edit("config.json", hidden_size="wide"),
        "its config is not known|no model can be made",
        "use another",
    ),
    (
        "a quantisation that is not here",
        edit("config.json", quantization_config={"quant_method": "bitsandbytes", "load_in_8bit": True}),
        "checkpoint .*model: ",
        "again|another",
    ),
]

CASES = [
    Case(f"checkpoint: {what}, {way.__name__}", way(spoil), names, remedy)
    for way in (described, loaded)
    for what, spoil, names, remedy in REFUSED
    if (what, way) != ("a quantisation that is not here", described)
] + [
    Case(
        "checkpoint: weights without their head, loaded",
        loaded(weights(without_head)),
        "needs weights that it lacks",
        "use one saved with its language-modelling head",
    ),
    *(
        Case(
            f"checkpoint: source {source!r}",
            lambda _, target, source=source: resolve_checkpoint(source),  # type: ignore[misc]
            "no such folder",
            "give one, or a hub id",
        )
        for source in ("../../etc", "/nosuch", "a/b/c", "~nobody/x")
    ),
]
