"""Names of worlds, partitions and checkpoints, settings, and published data that somebody has changed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa

from assets_tests.hostile.case import Case
from factroots_dagster.models import registry
from factroots_dagster.settings import Settings, load_settings
from factroots_dagster.store.store import MANIFEST, Store

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
    """FACTROOTS_ variables as given, and no others."""
    before = dict(os.environ)
    try:
        for name in [name for name in os.environ if name.startswith("FACTROOTS_")]:
            del os.environ[name]
        os.environ.update({f"FACTROOTS_{name}": value for name, value in changed.items()})
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def setting(name: str, value: str) -> Callable[[Path, Path], object]:
    def ask(source: Path, target: Path) -> object:
        with environment(**{name: value.replace("SOURCE", str(source))}):
            return load_settings()

    return ask


def toml(content: bytes) -> Callable[[Path, Path], object]:
    def ask(source: Path, target: Path) -> object:
        (source / "factroots.toml").write_bytes(content)
        before = Path.cwd()
        os.chdir(source)
        try:
            with environment():
                return load_settings()
        finally:
            os.chdir(before)

    return ask


def a_file_as_data_root(source: Path, target: Path) -> object:
    (source / "file").write_text("")
    return setting("DATA_ROOT", "SOURCE/file")(source, target)


def spoilt(spoil: Callable[[Path], object]) -> Callable[[Path, Path], object]:
    """A published partition, changed behind the store's back, and read."""

    def ask(source: Path, target: Path) -> object:
        store = Store(source, "sandbox")
        with store.write_partition("numbers", "xx", code_version="1") as work:
            work.write(pa.table({"n": [1, 2, 3]}), SCHEMA)
            work.write(pa.table({"n": [1]}), SCHEMA, side="more")
        spoil(store.path("numbers", "xx"))
        store.digest("numbers", "xx")
        store.read_side("more", "numbers", "xx")
        return store.read("numbers", "xx")

    return ask


def written(name: str, content: bytes) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes(content)


def cut(name: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes()[:-20])


def registered(text: str) -> Callable[[Path, Path], object]:
    def ask(source: Path, target: Path) -> object:
        (source / "registry.json").write_text(text)
        here = Settings(world="mlama", data_root=source / "data", checkpoints=source / "registry.json")
        return registry.registered(here)

    return ask


def added(source_name: str) -> Callable[[Path, Path], object]:
    return lambda source, target: registry.add(Settings(world="mlama", data_root=source), source_name)


READ_AGAIN = "materialize this partition again"
CASES = [
    Case(
        f"partition key {what}",
        lambda source, target, key=key: Store(source, "sandbox").path("numbers", key),  # type: ignore[misc]
        "partition key .* is refused",
        "use letters, digits",
    )
    for what, key in KEYS.items()
]
CASES += [
    Case(f"setting {name} {what}", setting(name, value), f"FACTROOTS_{name}: .*{names}", remedy)
    for name, what, value, names, remedy in [
        ("WORLD", "unknown", "atlantis", "'atlantis'", "'sandbox', 'disjoint' or 'mlama'"),
        ("WORLD", "that climbs out", "../../etc", "'../../etc'", "'sandbox', 'disjoint' or 'mlama'"),
        ("WORLD", "empty", "", "''", "'sandbox', 'disjoint' or 'mlama'"),
        ("LANGUAGES", "unknown", "qaa,xx", "xx not in world 'sandbox'", "it has qaa"),
        ("LANGUAGES", "that climbs out", "../qaa", "../qaa not in world", "it has qaa"),
        ("LANGUAGES", "with a newline", "qaa\nqab", "not in world", "it has qaa"),
        ("LANGUAGES", "twice", "qaa,qaa", "a code is given twice", "twice"),
        ("LANGUAGES", "of 100,000 characters", "x" * 100_000, "x+ ", "it has qaa|Value error"),
        ("DATA_ROOT", "empty", "", "it is empty", "name the folder"),
        ("WIKIPEDIA_SNAPSHOT", "no date", "yesterday", "neither", "a date such as 20230501"),
        ("WIKIPEDIA_SNAPSHOT", "that climbs out", "../../..", "neither", "a date such as 20230501"),
        ("WIKIPEDIA_SNAPSHOT", "of a thirteenth month", "20231301", "neither", "a date such as 20230501"),
        ("WIKIPEDIA_SNAPSHOT", "in other digits", "２０２３０５０１", "neither", "a date such as 20230501"),
        ("SANDBOX_SEED", "negative", "-1", "-1", "greater than or equal to 0"),
        ("SANDBOX_SEED", "no number", "many", "'many'", "valid integer"),
        ("SANDBOX_SEED", "too large", str(2**40), "1099511627776", "less than 4294967296"),
        ("DEVICE", "unknown", "abacus", "'abacus'", "'auto', 'cpu', 'cuda' or 'mps'"),
        ("PRECISION", "unknown", "fp64", "'fp64'", "'fp32' or 'bf16'"),
        ("PROTOCOLS", "unknown", "guess", "'guess'", "'pll'"),
        ("SPARK_MASTER", "unknown", "spark;//host", "'spark;//host'", r"use local\[\*\]"),
        ("SPARK_MASTER", "empty", "", "''", r"use local\[\*\]"),
        ("WIKIPEDIA_LISTS", "no truth", "perhaps", "'perhaps'", "valid boolean"),
    ]
]
CASES += [
    Case("setting DATA_ROOT a file", a_file_as_data_root, "FACTROOTS_DATA_ROOT: .*it is a file", "a folder"),
    Case("factroots.toml broken", toml(b"world = sandbox"), "factroots.toml: is not TOML", "mend or remove"),
    Case(
        "factroots.toml not UTF-8", toml(b"world = '\xff'"), "factroots.toml: is not TOML", "mend or remove"
    ),
    Case("factroots.toml with a slip", toml(b"langauges = 'qaa'"), "FACTROOTS_LANGAUGES", "not permitted"),
    Case("factroots.toml of a wrong type", toml(b"world = 7"), "FACTROOTS_WORLD", "'sandbox', 'disjoint'"),
    Case(
        "world that climbs out",
        lambda source, target: Store(source, "../../etc"),
        r"world '\.\./\.\./etc' is refused",
        "use letters",
    ),
    Case("manifest cut", spoilt(cut(MANIFEST)), f"{MANIFEST} is damaged", READ_AGAIN),
    Case("manifest not JSON", spoilt(written(MANIFEST, b"\xff")), f"{MANIFEST} is damaged", READ_AGAIN),
    Case("manifest of a list", spoilt(written(MANIFEST, b"[]")), f"{MANIFEST} is damaged", READ_AGAIN),
    Case("manifest empty", spoilt(written(MANIFEST, b"{}")), f"{MANIFEST} is damaged", READ_AGAIN),
    Case("table cut", spoilt(cut("data.parquet")), "numbers/xx: damaged", READ_AGAIN),
    Case("table replaced", spoilt(written("data.parquet", b"PAR1")), "numbers/xx: damaged", READ_AGAIN),
    Case("table gone", spoilt(lambda f: (f / "data.parquet").unlink()), "its table is gone", READ_AGAIN),
    Case("side table gone", spoilt(lambda f: (f / "_more.parquet").unlink()), "damaged", READ_AGAIN),
    Case(
        "partition never made",
        lambda source, target: Store(source, "sandbox").read("numbers", "xx"),
        "numbers/xx has not been materialized",
        "run: dagster asset materialize",
    ),
]
CASES += [
    Case(f"registry {what}", registered(text), names, remedy)
    for what, text, names, remedy in [
        ("not JSON", "{", "registry.json: not a checkpoint registry", "it is a JSON object"),
        ("of a list", "[]", "registry.json: not a checkpoint registry", "it is a JSON object"),
        ("with a wrong type", '{"k": 7}', "registry.json: not a checkpoint registry", "it is a JSON object"),
        ("with more fields", '{"k": {"source": "a/b", "run": "rm"}}', "not a checkpoint registry", "object"),
        ("key that climbs out", '{"../k": {"source": "a/b"}}', r"'\.\./k' is refused", "use letters|it is a"),
        ("key empty", '{"": {"source": "a/b"}}', "'' is refused", "use letters|it is a"),
    ]
]
CASES += [
    Case(
        f"checkpoint added: {source!r:.20}",
        added(source),
        "is neither an existing folder nor a hub id",
        "such as",
    )
    for source in ("", "../x", "a/b/c", "a b", "a\nb", "http://evil/x", "-x", "a/$(rm)")
]
