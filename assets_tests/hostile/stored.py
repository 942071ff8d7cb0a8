"""Hostile names of worlds, partitions and checkpoints, wrong settings, and published data changed by hand."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa

from assets_tests.hostile.case import Case
from factroots_dagster.models import registry
from factroots_dagster.settings import Settings, load_settings
from factroots_dagster.store.store import Store
from factroots_dagster.store.versions import MANIFEST

SCHEMA = pa.schema([("n", pa.int64())])
KEYS = {
    "empty": "",
    "here": ".",
    "above": "..",
    "climbs out": "../../evil",
    "climbs out inside": "a/../../evil",
    "absolute": "/etc/passwd",
    "of Windows": "a\\b",
    "hidden": ".git",
    "of a side table": "_side",
    "with a newline": "qaa\nqab",
    "that ends in a newline": "qaa\n",
    "with NUL": "qaa\0",
    "with a bar": "a|b",
    "of a range": "a...b",
    "of 100,000 characters": "a" * 100_000,
    "that looks like another": "qаа",  # Cyrillic
    "that runs": "$(rm -rf .)",
}


@contextmanager
def environment(**changed: str) -> Iterator[None]:
    """Set these FACTROOTS_ variables and no others."""
    before = dict(os.environ)
    try:
        for name in [name for name in os.environ if name.startswith("FACTROOTS_")]:
            del os.environ[name]
        os.environ.update({f"FACTROOTS_{name}": value for name, value in changed.items()})
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def read_setting(name: str, value: str) -> Callable[[Path, Path], object]:
    """Read the settings from the environment; SOURCE in `value` stands for the source folder."""

    def run(source: Path, target: Path) -> object:
        with environment(**{name: value.replace("SOURCE", str(source))}):
            return load_settings()

    return run


def read_toml(content: bytes) -> Callable[[Path, Path], object]:
    """Read the settings from a factroots.toml."""

    def run(source: Path, target: Path) -> object:
        (source / "factroots.toml").write_bytes(content)
        before = Path.cwd()
        os.chdir(source)
        try:
            with environment():
                return load_settings()
        finally:
            os.chdir(before)

    return run


def read_data_root_that_is_a_file(source: Path, target: Path) -> object:
    (source / "file").write_text("")
    return read_setting("DATA_ROOT", "SOURCE/file")(source, target)


def read_spoiled(
    spoil: Callable[[Path], object], place: Callable[..., Path] = Store.path
) -> Callable[[Path, Path], object]:
    """Read a published partition that `spoil` has changed behind the store's back.

    place: which of the partition's folders it is given: `Store.path` or `Store.require`.
    """

    def run(source: Path, target: Path) -> object:
        store = Store(source, "sandbox")
        with store.write_partition("numbers", "xx", code_version="1") as writer:
            writer.write(pa.table({"n": [1, 2, 3]}), SCHEMA)
            writer.write(pa.table({"n": [1]}), SCHEMA, side="more")
        spoil(place(store, "numbers", "xx"))
        store.digest("numbers", "xx")
        store.read_side("more", "numbers", "xx")
        return store.read("numbers", "xx")

    return run


def write(name: str, content: bytes) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes(content)


def cut(name: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes()[:-20])


def read_registry(text: str, key: str) -> Callable[[Path, Path], object]:
    """Look a checkpoint up in a registry with this content."""

    def run(source: Path, target: Path) -> object:
        (source / "registry.json").write_text(text)
        settings = Settings(world="mlama", data_root=source / "data", checkpoints=source / "registry.json")
        return registry.lookup(settings, key)

    return run


def register(source_name: str) -> Callable[[Path, Path], object]:
    return lambda source, target: registry.add(Settings(world="mlama", data_root=source), source_name)


PARTITION = "numbers/xx"
CASES = [
    Case(
        f"partition key {what}",
        lambda source, target, key=key: Store(source, "sandbox").path("numbers", key),  # type: ignore[misc]
        ("partition key", repr(key)[:40]),
    )
    for what, key in KEYS.items()
]
CASES += [
    Case(f"setting {name} {what}", read_setting(name, value), (f"FACTROOTS_{name}", *names))
    for name, what, value, names in [
        ("WORLD", "unknown", "atlantis", ("'atlantis'",)),
        ("WORLD", "that climbs out", "../../etc", ("'../../etc'",)),
        ("WORLD", "empty", "", ("''",)),
        ("LANGUAGES", "unknown", "en,xx", ("xx", "'sandbox'")),
        ("LANGUAGES", "that climbs out", "../en", ("../en",)),
        ("LANGUAGES", "with a newline", "en\nde", ("'sandbox'",)),
        ("LANGUAGES", "twice", "en,en", ("twice",)),
        ("LANGUAGES", "of 100,000 characters", "x" * 100_000, ("xxx",)),
        ("DATA_ROOT", "empty", "", ("empty",)),
        ("WIKIPEDIA_SNAPSHOT", "that is no date", "yesterday", ("'yesterday'",)),
        ("WIKIPEDIA_SNAPSHOT", "that climbs out", "../../..", ("'../../..'",)),
        ("WIKIPEDIA_SNAPSHOT", "in a thirteenth month", "20231301", ("'20231301'",)),
        ("WIKIPEDIA_SNAPSHOT", "in other digits", "２０２３０５０１", ("'２０２３０５０１'",)),
        ("SANDBOX_SEED", "negative", "-1", ("-1",)),
        ("SANDBOX_SEED", "that is no number", "many", ("'many'",)),
        ("SANDBOX_SEED", "too large", str(2**40), ("1099511627776",)),
        ("DEVICE", "unknown", "abacus", ("'abacus'",)),
        ("PRECISION", "unknown", "fp64", ("'fp64'",)),
        ("PROTOCOLS", "unknown", "guess", ("'guess'",)),
        ("SPARK_MASTER", "unknown", "spark;//host", ("'spark;//host'",)),
        ("SPARK_MASTER", "empty", "", ("''",)),
        ("WIKIPEDIA_LISTS", "that is neither true nor false", "perhaps", ("'perhaps'",)),
    ]
]
CASES += [
    Case("setting DATA_ROOT that is a file", read_data_root_that_is_a_file, ("FACTROOTS_DATA_ROOT", "file")),
    Case("factroots.toml broken", read_toml(b"world = sandbox"), ("factroots.toml", "TOML")),
    Case("factroots.toml not in UTF-8", read_toml(b"world = '\xff'"), ("factroots.toml", "UTF-8")),
    Case("factroots.toml with a misspelled key", read_toml(b"langauges = 'qaa'"), ("LANGAUGES",)),
    Case("factroots.toml with a wrong type", read_toml(b"world = 7"), ("WORLD", "7")),
    Case(
        "world that climbs out",
        lambda source, target: Store(source, "../../etc"),
        ("world", "'../../etc'"),
    ),
    Case("manifest cut", read_spoiled(cut(MANIFEST)), (PARTITION, MANIFEST, "damaged")),
    Case("manifest not JSON", read_spoiled(write(MANIFEST, b"\xff")), (PARTITION, MANIFEST, "damaged")),
    Case("manifest of a list", read_spoiled(write(MANIFEST, b"[]")), (PARTITION, MANIFEST, "damaged")),
    Case("manifest empty", read_spoiled(write(MANIFEST, b"{}")), (PARTITION, MANIFEST, "damaged")),
    Case("table cut", read_spoiled(cut("data.parquet"), Store.require), (PARTITION, "damaged")),
    Case(
        "table replaced", read_spoiled(write("data.parquet", b"PAR1"), Store.require), (PARTITION, "damaged")
    ),
    Case(
        "table missing",
        read_spoiled(lambda folder: (folder / "data.parquet").unlink(), Store.require),
        (PARTITION, "missing"),
    ),
    Case(
        "side table missing",
        read_spoiled(lambda folder: (folder / "_more.parquet").unlink(), Store.require),
        (PARTITION,),
    ),
    Case(
        "partition that was never materialized",
        lambda source, target: Store(source, "sandbox").read("numbers", "xx"),
        (PARTITION, "not been materialized"),
    ),
]
CASES += [
    Case(f"registry {what}", read_registry(text, key), names)
    for what, text, key, names in [
        ("not JSON", "{", "k", ("registry.json",)),
        ("of a list", "[]", "k", ("registry.json",)),
        ("with a wrong type", '{"k": 7}', "k", ("registry.json", "'k'")),
        ("with an unknown field", '{"k": {"source": "a/b", "run": "rm"}}', "k", ("registry.json", "'run'")),
        ("key that climbs out", '{"../k": {"source": "a/b"}}', "../k", ("'../k'",)),
        ("key empty", '{"": {"source": "a/b"}}', "", ("''",)),
    ]
]
CASES += [
    Case(f"checkpoint to register: {source!r:.20}", register(source), (repr(source),))
    for source in ("", "../x", "a/b/c", "a b", "a\nb", "http://evil/x", "-x", "a/$(rm)")
]
