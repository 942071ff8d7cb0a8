"""The tests, in folders that mirror those of `factroots_dagster`; three folders cut across the package.

- `hostile`: damaged and malicious inputs, full disks, concurrent and killed writers. Every bad input has to
  be an error that names what is at fault and how to fix it, and leaves the published data as they were.
- `world`: the whole graph on the sandbox world, on its control world and on real data, as users run it.
- `deploy`: the files of `docker/`, and the deployment as processes on loopback, a browser included.

`test_architecture.py` and `test_settings.py` in this folder test the layers of imports and the settings.

Test names are sentences that say what holds. Fixtures are in `conftest.py`; helpers are in modules of their
own (`project.py`, `files.py`, `serving.py` and those in the folders), so that no test imports another one.
Tests assert results, never durations; `benchmarks/` measures time and memory.

The session fixture `world` runs `factroots demo`, which takes minutes; so do tests marked `slow`. Tests that
need real data (FACTROOTS_TEST_DATA), Postgres, nginx, Chromium or mount namespaces are skipped where these
are missing.
"""

import os

# Two threads of two workers wait for one another in busy loops: five times slower than one thread each.
os.environ.setdefault("OMP_NUM_THREADS", "1")
