"""The structure of the package, read from its imports: layers, no circles, Dagster in one place."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import factroots_dagster

PACKAGE = Path(factroots_dagster.__file__).parent
NAME = PACKAGE.name
LAYERS = (
    ("errors", "stats", "tables"),
    ("languages", "store", "text"),
    ("models", "roots", "sandbox"),
    ("facts", "probing", "spark"),
    ("corpora", "neurons"),
    ("settings", "tracing", "yardstick"),
    ("exports", "lookup", "report"),
    ("orchestration",),
    ("api", "cli", "definitions"),
)
"""Folders and top-level modules from the ground up; a folder imports from lower layers only."""
DAGSTER = ("orchestration", "cli", "definitions")
HEAVY = ("torch", "transformers", "pyspark", "pandas", "great_expectations", "obstore")


def modules() -> dict[str, Path]:
    """Dotted name, relative to the package, to file."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


def imports(path: Path) -> Iterator[str]:
    """What a file imports, anywhere in it: absolute dotted names."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0 and node.module, f"{path}: imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def own_imports(module: str) -> set[str]:
    """The package's modules that a module imports."""
    found = set()
    for name in imports(MODULES[module]):
        if name.startswith(f"{NAME}."):
            own = name.removeprefix(f"{NAME}.")
            found.add(own if own in MODULES else own.rpartition(".")[0])
    return found - {"", module}


def layer(module: str) -> int:
    (number,) = [number for number, names in enumerate(LAYERS) if module.split(".")[0] in names]
    return number


@pytest.mark.parametrize("module", [module for module in MODULES if module])
def test_a_folder_imports_from_lower_layers_only(module: str) -> None:
    room = module.split(".")[0]
    upwards = {
        name for name in own_imports(module) if name.split(".")[0] != room and layer(name) >= layer(module)
    }
    assert not upwards


def test_no_modules_import_each_other_in_a_circle() -> None:
    try:
        TopologicalSorter({module: own_imports(module) for module in MODULES}).prepare()
    except CycleError as error:
        pytest.fail(f"circle: {' -> '.join(error.args[1])}")


def test_dagster_is_known_to_the_orchestration_alone() -> None:
    knowing = {
        module
        for module, path in MODULES.items()
        if any(name.split(".")[0].startswith("dagster") for name in imports(path))
    }
    assert {module for module in knowing if module.split(".")[0] not in DAGSTER} == set()


def test_no_private_name_of_dagster_is_imported() -> None:
    private = {
        (module, name)
        for module, path in MODULES.items()
        for name in imports(path)
        if name.startswith("dagster") and any(part.startswith("_") for part in name.split("."))
    }
    assert private == set()


def test_loading_the_definitions_imports_nothing_heavy() -> None:
    code = f"import sys, {NAME}.definitions\nprint([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "[]", done.stderr[-2000:]
