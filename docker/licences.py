"""Lists the licences of the Python packages installed here, and of Debian's: what an image hands on.

docker run --rm --entrypoint python IMAGE /opt/dagster/bin/licences.py
"""

from __future__ import annotations

import re
from importlib.metadata import Distribution, distributions
from pathlib import Path

COPYRIGHTS = Path("/usr/share/doc")
"""Debian keeps a package's licences in `<package>/copyright` below it."""


def licence_of(package: Distribution) -> str:
    """What a package's metadata say: its SPDX expression, else its classifiers, else the first line."""
    found = package.metadata
    classifiers = [
        text.rpartition(" :: ")[2] for text in found.get_all("Classifier", []) if "License ::" in text
    ]
    text = (found.get("License-Expression") or ", ".join(classifiers) or found.get("License") or "").strip()
    return text.partition("\n")[0] or "not stated, see its files"


def licences_of_debian(copyright_file: Path) -> str:
    """The licences that a package's copyright file names."""
    text = copyright_file.read_text(encoding="utf-8", errors="replace")
    names = re.findall(r"^License: *(\S.*)$", text, re.MULTILINE)
    return ", ".join(sorted(set(names))) or f"see {copyright_file}"


def main() -> None:
    for name, package in sorted({item.name.lower(): item for item in distributions()}.items()):
        print(f"{name} {package.version}: {licence_of(package)}")
    for copyright_file in sorted(COPYRIGHTS.glob("*/copyright")):
        print(f"Debian {copyright_file.parent.name}: {licences_of_debian(copyright_file)}")


if __name__ == "__main__":
    main()
