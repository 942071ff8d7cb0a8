"""No dependency sends telemetry: the switches, and that no connection leaves a run.

The guard of these processes logs and refuses every look-up and connection beyond this machine.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from assets_tests.deploy.topology import guarded
from assets_tests.project import LAST_CHECKPOINT, MaterializedWorld, command

SEND_TELEMETRY = """
from huggingface_hub.utils import send_telemetry
import huggingface_hub.utils._telemetry as telemetry
send_telemetry("factroots/test", library_name="factroots")
telemetry._TELEMETRY_QUEUE.join()
"""
SWITCHES = ("HF_HUB_DISABLE_TELEMETRY", "GX_ANALYTICS_ENABLED", "DO_NOT_TRACK", "DISABLE_TELEMETRY")


def python(program: str, log: Path) -> subprocess.CompletedProcess[str]:
    """Run a program under the guard, with no telemetry switch set from outside."""
    kept = {name: value for name, value in os.environ.items() if name not in SWITCHES}
    return subprocess.run(
        [sys.executable, "-c", program],
        env=kept | guarded(log),
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )


def test_the_guard_logs_and_refuses_connections_to_other_machines(tmp_path: Path) -> None:
    log = tmp_path / "refused.log"
    done = python("import socket; socket.create_connection(('192.0.2.1', 80), timeout=5)", log)
    assert done.returncode != 0 and "is refused in this test" in done.stderr
    assert "192.0.2.1" in log.read_text()


def test_the_guard_allows_connections_to_this_machine(tmp_path: Path) -> None:
    log = tmp_path / "refused.log"
    program = "import socket; s = socket.create_server(('127.0.0.1', 0)); "
    program += "socket.create_connection(('localhost', s.getsockname()[1]))"
    done = python(program, log)
    assert done.returncode == 0, done.stderr
    assert not log.exists()


def test_importing_the_package_turns_the_hub_client_s_telemetry_off(tmp_path: Path) -> None:
    sent, silent = tmp_path / "sent.log", tmp_path / "silent.log"
    assert python(SEND_TELEMETRY, sent).returncode == 0
    assert "huggingface.co" in sent.read_text()
    assert python("import factroots_dagster\n" + SEND_TELEMETRY, silent).returncode == 0
    assert not silent.exists()


def test_the_user_s_own_choice_is_kept() -> None:
    program = "import factroots_dagster, os; print(os.environ['HF_HUB_DISABLE_TELEMETRY'])"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"HF_HUB_DISABLE_TELEMETRY": "0"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "0\n"


def test_a_probing_run_with_its_checks_reaches_no_other_machine(
    world: MaterializedWorld, tmp_path: Path
) -> None:
    """With PyTorch, transformers and Great Expectations; test_topology covers Spark and the servers."""
    log = tmp_path / "refused.log"
    kept = {name: value for name, value in world.environment().items() if name not in SWITCHES}
    done = subprocess.run(
        [
            *(command("dagster"), "asset", "materialize", "-m", "factroots_dagster.definitions"),
            *("--select", "predictions,neuron_activations", "--partition", f"{LAST_CHECKPOINT}|uk"),
        ],
        env=kept | guarded(log),
        cwd=world.dagster_home,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    assert "ASSET_CHECK_EVALUATION" in done.stderr + done.stdout
    assert not log.exists(), log.read_text()
    queued = [path for name in ("logs", ".logs_queue") for path in (world.dagster_home / name).glob("*")]
    assert queued == []  # where Dagster collects telemetry before sending it
