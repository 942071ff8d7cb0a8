"""`python -m assets_tests.orchestration.golden --train | --record`: see the package."""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

from assets_tests.orchestration.golden.world import CONTENTS, contents, materialize, train_checkpoint

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--train", action="store_true", help="train the checkpoint")
parser.add_argument("--record", action="store_true", help="record the contents of the assets")
arguments = parser.parse_args()
if arguments.train:
    train_checkpoint()
if arguments.record:
    with tempfile.TemporaryDirectory() as folder:
        recorded = contents(*materialize(Path(folder), print))
    CONTENTS.write_text(json.dumps(recorded, indent=1) + "\n", encoding="utf-8")
