"""Several devices: which one this process uses.

`FACTROOTS_DEVICE=cuda:0,cuda:1` names the devices among which processes divide the work. A process takes the
first that no other process of the same user on this machine has taken, and keeps it until it ends.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from factroots_dagster.errors import InputError, UnavailableError

WAIT_SECONDS = 3600.0
POLL_SECONDS = 2.0

_lease: tuple[str, str, FileLock] | None = None
"""Of this process: the setting, the device, and the lock on it."""
_threads = 0
"""Of PyTorch in this process before it shared the cores."""


def devices_of(setting: str) -> list[str]:
    """The devices that FACTROOTS_DEVICE names; one that stands twice takes two processes."""
    return [name.strip() for name in setting.split(",")]


def lease_device(setting: str, wait_seconds: float = WAIT_SECONDS) -> str:
    """The device of FACTROOTS_DEVICE that this process may use: the only one, or the first that is free.

    Of several, the process keeps it until it ends. Raises UnavailableError when none has become free in time.
    """
    global _lease
    if len(devices_of(setting)) == 1:
        return setting
    if _lease is None or _lease[0] != setting:
        release_device()
        device, lock = _wait_for_one(setting, wait_seconds)
        _lease = (setting, device, lock)
        if device == "cpu":
            _share_cores(devices_of(setting).count("cpu"))
    return _lease[1]


def release_device() -> None:
    """Give this process's device to the next process that asks; whoever asks here again gets a free one."""
    global _lease
    if _lease is not None:
        _lease[2].release()
        _lease = None


def _wait_for_one(setting: str, wait_seconds: float) -> tuple[str, FileLock]:
    deadline = time.monotonic() + wait_seconds
    while True:
        for device, path in _lock_files(setting):
            lock = FileLock(path)
            try:
                lock.acquire(timeout=0)
            except Timeout:
                continue
            return device, lock
        if time.monotonic() >= deadline:
            raise UnavailableError(
                f"other processes have used all of FACTROOTS_DEVICE={setting} for {wait_seconds:.0f} s",
                "wait until they end, or name further devices",
            )
        time.sleep(min(POLL_SECONDS, max(0.0, deadline - time.monotonic())))


def _lock_files(setting: str) -> Iterator[tuple[str, Path]]:
    """Each device with the file that stands for it on this machine, whatever the world and data root."""
    folder = Path(tempfile.gettempdir()) / f"factroots-devices-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid != os.getuid():
        raise InputError(f"{folder} is another user's", "set TMPDIR to a folder of your own")
    seen: Counter[str] = Counter()
    for device in devices_of(setting):
        yield device, folder / f"{device.replace(':', '-')}-{seen[device]}.lock"
        seen[device] += 1


def _share_cores(processes: int) -> None:
    """Leave their share of the cores to the other processes on the CPU."""
    global _threads
    import torch

    _threads = _threads or torch.get_num_threads()
    torch.set_num_threads(max(1, _threads // processes))
