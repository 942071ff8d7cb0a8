"""Whether Spark can read a URI, told without starting it: from the connectors that it has been given."""

from __future__ import annotations

import os
import re
from importlib.util import find_spec
from pathlib import Path

CONNECTORS = {
    **dict.fromkeys(("s3a", "s3", "s3n"), "hadoop-aws"),
    "gs": "gcs-connector",
    **dict.fromkeys(("abfs", "abfss", "wasb", "wasbs"), "hadoop-azure"),
}
"""By scheme the library that Spark reads it with, and does not come with. `hdfs` and `file` need none."""

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/")
_JARS = re.compile(r"^\s*spark\.(jars|driver\.extraClassPath)", re.MULTILINE)


def scheme_of(location: str) -> str | None:
    """The scheme of a URI in small letters; None for a path. `Path` makes one slash of two."""
    match = _SCHEME.match(location)
    return match[1].lower() if match else None


def missing_connector(scheme: str, homes: list[Path] | None = None) -> str | None:
    """The library without which Spark cannot read URIs of this scheme; None where it may be able to.

    homes: folders of Spark installations; by default that of SPARK_HOME, and PySpark's own. A connector may
    be there when its file is among the jars, or when settings add jars of whatever kind.
    """
    library = CONNECTORS.get(scheme)
    if library is None:
        return None
    if homes is None:
        spec = find_spec("pyspark")
        places = [os.environ.get("SPARK_HOME"), *((spec and spec.submodule_search_locations) or ())]
        homes = [Path(place) for place in places if place]
    configured = os.environ.get("SPARK_CONF_DIR")
    folders = [Path(configured)] if configured else [home / "conf" for home in homes]
    files = (folder / "spark-defaults.conf" for folder in folders)
    if any(path.is_file() and _JARS.search(path.read_text("utf-8", "replace")) for path in files):
        return None
    if re.search("--(jars|packages|driver-class-path)|spark.jars", os.environ.get("PYSPARK_SUBMIT_ARGS", "")):
        return None
    return None if any(any((home / "jars").glob(f"{library}*.jar")) for home in homes) else library
