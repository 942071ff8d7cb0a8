"""The prober's memory: flat in the number of prompts, and smaller batches where there is too little of it.

Each measurement has a process of its own: a process never gives all its memory back.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[2]
PROLOGUE = """
import itertools, json, resource, sys
from pathlib import Path
import pyarrow as pa, torch, transformers
from assets_tests.models import tiny
from factroots_dagster.models.checkpoint import load
from factroots_dagster.probing.masked import probe_masked

torch.set_num_threads(1)
folder = Path(sys.argv[1])

def rows(relations, subjects, objects):
    for relation, number in itertools.product(range(relations), range(subjects)):
        yield {
            "uuid": f"{relation}-{number}", "language": "qaa", "relation": f"P{relation:03}",
            "template": "the capital of [X] is [Y] .",
            "subject": f"{tiny.WORDS[number % 29]} {tiny.WORDS[relation % 29]} {number}",
            "object": " ".join(tiny.WORDS[number % objects // 29 ** digit % 29] for digit in range(2)),
            "object_uri": f"Q{number % objects}",
        }

def peak():
    # Not getrusage, whose maximum a process inherits from its parent.
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))
"""


def run(script: str, *arguments: object) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-c", PROLOGUE + script, *map(str, arguments)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


FLAT = """
model = load(str(tiny.save_checkpoint(folder / "model")), device="cpu")
split = pa.Table.from_pylist(list(rows(int(sys.argv[2]), 500, 500)))
(folder / "out").mkdir()
before = peak()
predictions = probe_masked(model, split, folder / "out", window=2048)  # four relations
print(json.dumps({"growth": peak() - before, "rows": len(predictions)}))
"""


def test_memory_is_flat_in_the_number_of_prompts(tmp_path: Path) -> None:
    growth = {}
    for relations in (4, 40):  # 2,000 prompts and 20,000
        (tmp_path / str(relations)).mkdir()
        measured = run(FLAT, tmp_path / str(relations), relations)
        assert measured["rows"] == 500 * relations
        growth[relations] = measured["growth"]
    # The rows of the tables are kept, with 50 candidates each; the scores of 36 more relations alone would
    # take 72 MB.
    assert growth[40] - growth[4] < 50e6, growth


SCARCE = """
checkpoint = folder / "model"
tokenizer = tiny.wordpiece(checkpoint)
torch.manual_seed(0)
config = transformers.BertConfig(
    vocab_size=len(tokenizer), hidden_size=64, num_hidden_layers=2, num_attention_heads=2,
    intermediate_size=2048, max_position_embeddings=64, initializer_range=0.5,
)
transformers.BertForMaskedLM(config).save_pretrained(checkpoint)
model = load(str(checkpoint), device="cpu")
split = pa.Table.from_pylist(list(rows(6, 500, 20)))
for name in "abc":
    (folder / name).mkdir()
probe_masked(model, split.slice(0, 10), folder / "a")  # what libraries allocate once
measured = {"start": peak()}
used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
soft, hard = resource.getrlimit(resource.RLIMIT_AS)
resource.setrlimit(resource.RLIMIT_AS, (used + 200_000_000, hard))
scarce = probe_masked(model, split, folder / "b", token_budget=10**7)
measured["scarce"] = peak()
resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
whole = probe_masked(model, split, folder / "c", token_budget=10**7)
measured["whole"] = peak()
measured["same"] = scarce.column("predicted_ids").equals(whole.column("predicted_ids"))
measured["distinct"] = len(set(map(str, whole.column("predicted_ids").to_pylist())))
print(json.dumps(measured))
"""


def test_scarce_memory_means_smaller_batches_and_the_same_answers(tmp_path: Path) -> None:
    """The limit is the operating system's; the same batch without it needs more than the limit allows."""
    measured = run(SCARCE, tmp_path)
    # The limit, and what was mapped before without being used.
    assert measured["scarce"] - measured["start"] < 250e6 < measured["whole"] - measured["start"]
    assert measured["same"]
    assert measured["distinct"] > 1
