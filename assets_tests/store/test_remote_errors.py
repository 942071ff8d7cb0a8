"""What commands say of object stores that refuse, are slow, or are not there; a world that runs have made."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner

from assets_tests.hostile.case import check_error
from assets_tests.orchestration.golden.world import LANGUAGES
from assets_tests.project import make_home, run_factroots
from assets_tests.store.object_server import BUCKET, CREDENTIALS
from factroots_dagster.cli.main import main
from factroots_dagster.errors import InputError, UnavailableError
from factroots_dagster.orchestration.catalog import SCHEMAS
from factroots_dagster.orchestration.versions import StoreSnapshot
from factroots_dagster.settings import load_settings
from factroots_dagster.store.objects import ObjectFolder
from factroots_dagster.store.store import Store

pytestmark = [
    pytest.mark.usefixtures("environment"),
    pytest.mark.parametrize("server", ["s3"], indirect=True),
]


class Answer(BaseHTTPRequestHandler):
    """Answers every request with one status and body, after some seconds."""

    status, seconds, body = 503, 0.0, b""

    def do_GET(self) -> None:
        time.sleep(self.seconds)
        self.send_response(self.status)
        self.end_headers()
        self.wfile.write(self.body)

    do_PUT = do_GET

    def log_message(self, format: str, *arguments: object) -> None:
        pass


@pytest.mark.parametrize(
    ("status", "seconds", "words"),
    [
        (503, 0.0, "does not answer"),
        (200, 2.0, "does not answer"),
        (403, 0.0, "refuses the credentials"),
        (301, 0.0, "refuses a request"),
        (400, 0.0, "refuses a request"),
    ],
)
def test_a_store_that_refuses_or_is_slow_is_told_in_words(
    monkeypatch: pytest.MonkeyPatch, status: int, seconds: float, words: str
) -> None:
    handler = type("Handler", (Answer,), {"status": status, "seconds": seconds})
    with HTTPServer(("127.0.0.1", 0), handler) as http:
        threading.Thread(target=http.serve_forever, daemon=True).start()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{http.server_port}")
        for call in (lambda folder: folder.get("x"), lambda folder: list(folder.find("x"))):
            with pytest.raises(InputError, match=words) as caught:
                call(ObjectFolder(f"s3://{BUCKET}/data", seconds=0.5))
            check_error(caught.value, (f"s3://{BUCKET}/data",))
            assert isinstance(caught.value, UnavailableError) == ("answer" in words)
            assert CREDENTIALS["s3"]["AWS_SECRET_ACCESS_KEY"] not in str(caught.value)
        http.shutdown()


def test_a_store_that_refuses_the_time_of_a_request_is_told_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    body = b"<Error><Code>RequestTimeTooSkewed</Code></Error>"
    handler = type("Handler", (Answer,), {"status": 403, "body": body})
    with HTTPServer(("127.0.0.1", 0), handler) as http:
        threading.Thread(target=http.serve_forever, daemon=True).start()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{http.server_port}")
        with pytest.raises(InputError, match=r"this machine's clock is wrong.*NTP"):
            ObjectFolder(f"s3://{BUCKET}/data").get("x")
        http.shutdown()


def factroots(*arguments: str, **environment: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, arguments, env={"FACTROOTS_WORLD": "sandbox", **environment})
    assert not isinstance(result.exception, Exception) or isinstance(result.exception, SystemExit)
    return result.exit_code, result.output


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, "does not answer"),
        ({"AWS_ENDPOINT_URL": "minio:9000"}, "AWS_ENDPOINT_URL is no http or https address"),
        (
            {
                "AWS_ACCESS_KEY_ID": "",
                "AWS_SECRET_ACCESS_KEY": "",
                "AWS_METADATA_ENDPOINT": "http://127.0.0.1:9",
            },
            "there are no credentials",
        ),
        ({"FACTROOTS_DATA_ROOT": "s3://no-such-bucket/data"}, "there is no such bucket"),
        (
            {"FACTROOTS_DATA_ROOT": f"gs://{BUCKET}/data", "GOOGLE_BASE_URL": "http://127.0.0.1:9"}
            | CREDENTIALS["gs"],
            "check the network and GOOGLE_BASE_URL",
        ),
        (
            {"FACTROOTS_DATA_ROOT": f"gs://{BUCKET}/data", "GOOGLE_BASE_URL": "localhost:4443"},
            "GOOGLE_BASE_URL is no http or https address",
        ),
        (
            {"FACTROOTS_DATA_ROOT": f"gs://{BUCKET}/data", "GOOGLE_APPLICATION_CREDENTIALS": "/none.json"},
            "the credentials cannot be read (Unable to open service account file from /none.json",
        ),
    ],
)
def test_commands_say_what_is_wrong_with_the_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, value in variables.items():
        if not value:
            monkeypatch.delenv(name)
    set_ = {name: value for name, value in variables.items() if value}
    places = {"FACTROOTS_DATA_ROOT": f"s3://{BUCKET}/data", "FACTROOTS_CACHE": str(tmp_path / "cache")}
    for command in ("verify", "gc"):
        code, output = factroots(command, **places | set_)
        assert code == 1 and words in output and "To fix it" in output


def test_without_the_library_its_name_is_told(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['obstore'] = None\nfrom factroots_dagster.cli.main import main\nmain(['gc'])"
    )
    places = {"FACTROOTS_DATA_ROOT": f"s3://{BUCKET}/data", "FACTROOTS_CACHE": str(tmp_path / "cache")}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | places,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1 and "pip install 'factroots-dagster[objects]'" in done.stderr


def test_a_second_machine_sees_what_real_runs_have_made(
    tmp_path: Path, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, value in {
        "FACTROOTS_DATA_ROOT": f"s3://{BUCKET}/{prefix}",
        "FACTROOTS_SANDBOX_PRESET": "easy",
        "FACTROOTS_LANGUAGES": ",".join(LANGUAGES),
        "DAGSTER_HOME": str(make_home(tmp_path / "home")),
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("FACTROOTS_CACHE", str(tmp_path / "here"))
    run_factroots(os.environ, tmp_path, "run", "--until", "mlama_split")
    (tmp_path / "here").rename(tmp_path / "hidden")
    monkeypatch.setenv("FACTROOTS_CACHE", str(tmp_path / "there"))
    code, output = factroots("data", "mlama_split", "--format", "csv")
    assert code == 0 and len(output.splitlines()) > 100
    settings = load_settings()
    store = Store(settings.data_root, settings.world)
    snapshot = StoreSnapshot(store, settings)
    made = [("mlama_release", ()), *(("mlama_split", (language,)) for language in LANGUAGES)]
    assert all(snapshot.is_current(asset, parts) for asset, parts in made)
    assert [found.error for found in store.verify(SCHEMAS)] == [None] * len(made)
    (tmp_path / "hidden").rename(tmp_path / "here")
    monkeypatch.setenv("FACTROOTS_CACHE", str(tmp_path / "here"))
    assert factroots("data", "mlama_split", "--format", "csv") == (0, output)
