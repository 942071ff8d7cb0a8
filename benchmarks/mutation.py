"""Mutation testing of the code that decides results: does a test fail when a line of it is changed?

    python -m benchmarks.mutation [--most N] [--module NAME] [--seed S]

Every operator and constant of the modules in TARGETS is changed, one at a time, in the order of the source,
and the module's tests are run on the mutant, in a process forked from one that has imported the libraries. A
mutant is killed if a test fails, or if the tests take over ten times as long as for the unchanged module.
`--most` limits the mutants of each module to a random sample. Error messages, annotations, docstrings and
the flags `strict` and `frozen` are not changed. Spark's tasks run in the process itself, since the tests are
about what they compute, not where.
"""

from __future__ import annotations

import argparse
import ast
import copy
import importlib.abc
import importlib.machinery
import importlib.util
import os
import random
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from types import ModuleType
from typing import Any

NOT_REAL_DATA = ("-k", "not real and not spark_merges")
TARGETS = {
    "factroots_dagster.roots.types": [
        "assets_tests/roots/test_types.py",
        "assets_tests/report/test_published_rules.py",
        "assets_tests/roots/test_variants.py",
    ],
    **{
        f"factroots_dagster.tracing.{name}": [
            "assets_tests/tracing/test_sentences_of_evidence.py",
            "assets_tests/tracing/test_sources.py",
            *NOT_REAL_DATA,
        ]
        for name in ("candidates", "passage_texts", "sources")
    },
    "factroots_dagster.tracing.passages": [
        "assets_tests/tracing/test_passages.py",
        "assets_tests/tracing/test_sources.py",
        *NOT_REAL_DATA,
    ],
    "factroots_dagster.text.tokens": ["assets_tests/text/test_tokens.py"],
    "factroots_dagster.text.normalization": [
        "assets_tests/text/test_normalization.py",
        "assets_tests/tracing/test_mentions.py",
        *NOT_REAL_DATA,
    ],
}
"""Module to the arguments with which pytest tests it."""

LIBRARIES = (
    *("numpy", "pyarrow.compute", "pyarrow.parquet", "pyarrow.dataset", "pandas", "hypothesis", "pytest"),
    *("opencc", "tokenizers", "ahocorasick_rs", "pydantic_settings", "jinja2"),
)
COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    **{ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq},
    **{ast.NotEq: ast.Eq, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is},
}
OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    **{ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.FloorDiv, ast.Div: ast.Mult, ast.Mod: ast.Mult},
    **{ast.FloorDiv: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd},
}
MIN_TIMEOUT = 30.0


def collect_here(spark: object, parts: Any, *arguments: object, **options: object) -> Any:
    """Stands in for `collect_parts`."""
    import pyarrow as pa

    from assets_tests.spark.parts import run_part

    computed = [run_part(parts.function(number))[0] for number in range(len(parts.sizes))]
    return pa.concat_tables([parts.schema.empty_table(), *chain.from_iterable(computed)])


def write_here(spark: object, parts: Any, folder: Path, **options: object) -> list[Any]:
    """Stands in for `write_parts`."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from assets_tests.spark.parts import run_part

    outcomes = []
    for number in range(len(parts.sizes)):
        tables, outcome = run_part(parts.function(number))
        table = pa.concat_tables([parts.schema.empty_table(), *(each.cast(parts.schema) for each in tables)])
        pq.write_table(table, folder / f"part-{number:05d}-000.parquet")
        outcomes.append(outcome)
    return outcomes


Change = tuple[ast.AST, str, object]
"""A node, the attribute to change, and its new value."""


def find_changes(tree: ast.Module) -> Iterator[Change]:
    """All changes of a module, in the order of its source."""
    skipped: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise | ast.Import | ast.ImportFrom):
            skipped |= {id(inner) for inner in ast.walk(node)}
        for name in ("annotation", "returns"):
            if (annotation := getattr(node, name, None)) is not None:
                skipped |= {id(inner) for inner in ast.walk(annotation)}
        if isinstance(node, ast.keyword) and node.arg in ("strict", "frozen"):
            skipped |= {id(inner) for inner in ast.walk(node)}  # flags that only assert something
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            skipped.add(id(node.value))
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            skipped |= {id(inner) for inner in ast.walk(node)}
    nodes = [node for node in ast.walk(tree) if id(node) not in skipped and hasattr(node, "lineno")]
    for node in sorted(nodes, key=position):
        match node:
            case ast.Compare():
                for number, operator in enumerate(node.ops):
                    changed = [*node.ops[:number], COMPARISONS[type(operator)](), *node.ops[number + 1 :]]
                    yield node, "ops", changed
            case ast.BinOp() | ast.AugAssign() if type(node.op) in OPERATORS:
                yield node, "op", OPERATORS[type(node.op)]()
            case ast.BoolOp():
                yield node, "op", ast.Or() if isinstance(node.op, ast.And) else ast.And()
            case ast.UnaryOp(op=ast.Not() | ast.Invert() | ast.USub()):
                yield node, "op", ast.UAdd() if isinstance(node.op, ast.USub) else None
            case ast.Constant(value=bool()):
                yield node, "value", not node.value
            case ast.Constant(value=int() | float()):
                yield node, "value", node.value + 1  # type: ignore[operator]
            case ast.IfExp() | ast.If() | ast.While() if not isinstance(node.test, ast.Compare | ast.BoolOp):
                yield node, "test", ast.UnaryOp(ast.Not(), node.test)


def position(node: Any) -> tuple[int, int]:
    """Line and column of a node in the source."""
    return node.lineno, node.col_offset


def make_mutant(tree: ast.Module, number: int) -> tuple[ast.Module, str]:
    """The module with change `number`, and a description of the change."""
    changed = copy.deepcopy(tree)
    node, name, value = list(find_changes(changed))[number]
    before = ast.unparse(node)
    if name == "op" and value is None:  # `not x` and `~x` become x
        for parent in ast.walk(changed):
            for field, child in ast.iter_fields(parent):
                if child is node:
                    setattr(parent, field, node.operand)
                elif isinstance(child, list) and node in child:
                    child[child.index(node)] = node.operand  # type: ignore[attr-defined]
        after = ast.unparse(node.operand)  # type: ignore[attr-defined]
    else:
        setattr(node, name, value)
        after = ast.unparse(ast.fix_missing_locations(node))
    line = getattr(node, "lineno", 0)
    return ast.fix_missing_locations(changed), f"{line}: {shorten(before)}  ->  {shorten(after)}"


def shorten(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 70 else line[:67] + "..."


class MutantFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports one module from a changed tree, and leaves the others alone."""

    def __init__(self, name: str, tree: ast.Module) -> None:
        self.name, self.tree = name, tree

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        return importlib.util.spec_from_loader(name, self) if name == self.name else None

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(self.tree, f"<{self.name}>", "exec"), module.__dict__)


def tests_fail(name: str, tree: ast.Module, arguments: list[str], timeout: float) -> bool:
    """Whether a module's tests fail with this tree, or do not end within `timeout` seconds."""
    child = os.fork()
    if not child:
        code = 1
        try:
            os.setsid()
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, 1)
            os.dup2(null, 2)
            sys.meta_path.insert(0, MutantFinder(name, tree))
            import pytest

            from factroots_dagster.spark import collected, session, written

            session.spark_session = lambda *_: object()  # type: ignore[assignment]
            collected.collect_parts, written.write_parts = collect_here, write_here
            options = ["-q", "-x", "-p", "no:cacheprovider", "-p", "no:timeout", "--hypothesis-seed=0"]
            code = int(pytest.main([*options, *arguments]))
        finally:
            os._exit(code)
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return status != 0
        time.sleep(0.01)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return True


def score(name: str, arguments: list[str], most: int | None, seed: int) -> tuple[int, int]:
    """The numbers of killed and of all tested mutants of a module; prints those that survived."""
    path = Path(*name.split(".")).with_suffix(".py")
    tree = ast.parse(path.read_text(encoding="utf-8"))
    started = time.monotonic()
    if tests_fail(name, tree, arguments, 600):
        raise SystemExit(f"the tests of {name} fail on the unchanged module")
    timeout = max(MIN_TIMEOUT, 10 * (time.monotonic() - started))
    numbers = list(range(len(list(find_changes(tree)))))
    if most is not None and most < len(numbers):
        numbers = sorted(random.Random(seed).sample(numbers, most))
    killed = 0
    for number in numbers:
        changed, description = make_mutant(tree, number)
        if tests_fail(name, changed, arguments, timeout):
            killed += 1
        else:
            print(f"  survived  {path}:{description}", flush=True)
    print(f"{name}: {killed} of {len(numbers)} killed ({100 * killed / len(numbers):.0f}%)", flush=True)
    return killed, len(numbers)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--most", type=int, help="mutants of each module; all by default")
    parser.add_argument("--module", choices=list(TARGETS), help="one module only")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    for library in LIBRARIES:
        importlib.import_module(library)
    targets = {options.module: TARGETS[options.module]} if options.module else TARGETS
    scores = [score(name, tests, options.most, options.seed) for name, tests in targets.items()]
    killed, tested = (sum(column) for column in zip(*scores, strict=True))
    print(f"all: {killed} of {tested} mutants killed ({100 * killed / tested:.0f}%)")


if __name__ == "__main__":
    main()
