"""Settings come from the environment or factroots.toml, and errors name the invalid ones."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from factroots_dagster.errors import InputError
from factroots_dagster.settings import OTHER_VARIABLES, load_settings

PLACES = ("DATA_ROOT", "CHECKPOINTS", "WIKIPEDIA_SOURCE", "MLAMA_SOURCE")


@pytest.fixture(autouse=True)
def empty_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith("FACTROOTS_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def test_the_default_world_is_the_sandbox_with_all_of_its_languages() -> None:
    settings = load_settings()
    assert settings.world == "sandbox" and settings.data_root == Path("data")
    assert settings.spark_master == "local[*]" and settings.device == "auto" and settings.sandbox_seed == 0
    assert len(settings.active_languages) == 8 and settings.generated


def test_the_mlama_world_has_53_languages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACTROOTS_WORLD", "mlama")
    settings = load_settings()
    assert len(settings.active_languages) == 53 and not settings.generated


def test_selected_languages_are_in_the_worlds_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACTROOTS_WORLD", "mlama")
    monkeypatch.setenv("FACTROOTS_LANGUAGES", "uk, el,bn")
    assert load_settings().active_languages == ("bn", "el", "uk")


def test_the_environment_takes_precedence_over_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "factroots.toml").write_text('sandbox_seed = 3\nlanguages = "en,de"\n')
    assert load_settings().sandbox_seed == 3
    assert load_settings().active_languages == ("en", "de")
    monkeypatch.setenv("FACTROOTS_SANDBOX_SEED", "4")
    assert load_settings().sandbox_seed == 4


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WORLD", "atlantis"),
        ("LANGUAGES", "en,xx"),
        ("LANGUAGES", "en,en"),
        ("SANDBOX_SEED", "-1"),
        ("SANDBOX_SEED", "many"),
        ("DEVICE", "abacus"),
        ("WIKIPEDIA_SNAPSHOT", "yesterday"),
        *(("SPARK_MEMORY", value) for value in ("", "0g", "3", "3gb", "-1g", "3 g")),
        *((name, f"{scheme}://bucket/x") for name in PLACES for scheme in ("s3a", "hdfs", "abfs")),
        *((name, f"{scheme}://bucket/x") for name in PLACES[1:] for scheme in ("gs", "S3")),
        ("CACHE", "s3://bucket/x"),
        *(
            ("DATA_ROOT", f"s3://{place}")
            for place in ("", "/x", "b", "bucket/a/../b", "bucket/a//b", "bu cket")
        ),
        ("DATA_ROOT", f"s3://bucket/{'x' * 300}"),
        ("CORPORA", "wikipedia, web=s3a://bucket/{language}"),
        ("CORPORA", "web=gs://bucket/x"),
    ],
)
def test_the_error_of_an_invalid_value_names_its_setting(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"FACTROOTS_{name}", value)
    with pytest.raises(InputError, match=f"FACTROOTS_{name}"):
        load_settings()


@pytest.mark.parametrize("name", ["WORLD", "LANGUAGES", "DEVICE", "CORPORA"])
def test_a_value_that_is_not_utf_8_is_refused_and_shown(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("FACTROOTS_WORLD", "mlama")
    monkeypatch.setenv(f"FACTROOTS_{name}", "a\udcff")
    with pytest.raises(InputError, match=r"a\\udcff"):
        load_settings()


@pytest.mark.parametrize(
    "uri",
    [
        "s3://key:PASSWORD@bucket/x",
        "s3://key:PASS/PASSWORD@bucket",
        "gs://PASSWORD@bucket/x",
        "s3://bucket/x?X-Amz-Signature=PASSWORD",
        "hdfs://user:PASSWORD@host/x",
    ],
)
def test_a_password_in_a_uri_is_refused_and_not_repeated(monkeypatch: pytest.MonkeyPatch, uri: str) -> None:
    monkeypatch.setenv("FACTROOTS_DATA_ROOT", uri)
    with pytest.raises(InputError, match="FACTROOTS_DATA_ROOT") as caught:
        load_settings()
    assert "PASSWORD" not in str(caught.value)


def test_a_uri_stands_for_the_folder_that_caches_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user"))
    folders = set()
    for cache in ("", str(tmp_path / "own")):
        if cache:
            monkeypatch.setenv("FACTROOTS_CACHE", cache)
        for uri in (
            "s3://bucket",
            "S3://bucket/",
            "s3://bucket/a/b/",
            "s3://bucket/a+b",
            "gs://bucket/ä @~%",
        ):
            monkeypatch.setenv("FACTROOTS_DATA_ROOT", uri)
            settings = load_settings()
            assert settings.data_place == uri.rstrip("/").replace("S3", "s3")
            assert settings.data_root.parent == Path(cache or tmp_path / "user" / "factroots")
            folders.add(settings.data_root)
    assert len(folders) == 8 and not any(folder.exists() for folder in folders)


def test_sparks_workers_must_see_the_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FACTROOTS_DATA_ROOT", "s3://bucket/x")
    load_settings()
    monkeypatch.setenv("FACTROOTS_SPARK_MASTER", "spark://host:7077")
    with pytest.raises(InputError, match=r"FACTROOTS_SPARK_MASTER: .* FACTROOTS_CACHE"):
        load_settings()
    monkeypatch.setenv("FACTROOTS_CACHE", str(tmp_path))
    load_settings()


def test_places_that_can_be_read_are_accepted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A corpus at a URI where Spark has a connector or needs none; sources on the web; folders."""
    for name in PLACES:
        monkeypatch.setenv(f"FACTROOTS_{name}", str(tmp_path / "a:b"))
    monkeypatch.setenv("FACTROOTS_CORPORA", "web=hdfs://name/x, files=file:///x")
    load_settings()
    for name in ("WIKIPEDIA_SOURCE", "MLAMA_SOURCE"):
        monkeypatch.setenv(f"FACTROOTS_{name}", "https://example.org/x")
    monkeypatch.setenv("FACTROOTS_CORPORA", "web=s3a://bucket/x")
    monkeypatch.setenv("SPARK_CONF_DIR", str(tmp_path))
    (tmp_path / "spark-defaults.conf").write_text("spark.jars.packages org.apache.hadoop:hadoop-aws:3.4.1\n")
    load_settings()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("LANGAUGES", r"no setting FACTROOTS_LANGAUGES \(did you mean FACTROOTS_LANGUAGES\?\)"),
        ("LANGUAGE", r"did you mean FACTROOTS_LANGUAGES\?"),
        ("COLOUR", "there is no setting FACTROOTS_COLOUR"),
    ],
)
@pytest.mark.parametrize("place", ["file", "environment"])
def test_a_misspelt_setting_is_refused_with_the_nearest_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, name: str, words: str
) -> None:
    if place == "file":
        (tmp_path / "factroots.toml").write_text(f"{name.lower()} = 'en'\n")
    else:
        monkeypatch.setenv(f"FACTROOTS_{name}", "en")
    with pytest.raises(InputError, match=words):
        load_settings()


@pytest.mark.parametrize("name", OTHER_VARIABLES)
def test_variables_that_are_read_elsewhere_are_no_settings(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "x")
    load_settings()


@pytest.mark.parametrize(
    ("name", "text", "value", "dial"),
    [("relations", "P36, P103", ("P36", "P103"), "relations"), ("sample", "50", 50, "facts_per_relation")],
)
def test_a_part_of_the_facts_is_chosen_in_real_worlds_only(
    monkeypatch: pytest.MonkeyPatch, name: str, text: str, value: object, dial: str
) -> None:
    monkeypatch.setenv(f"FACTROOTS_{name.upper()}", text)
    with pytest.raises(InputError, match=rf"FACTROOTS_{name.upper()}: .*use the dial {dial}"):
        load_settings()
    monkeypatch.setenv("FACTROOTS_WORLD", "mlama")
    assert getattr(load_settings(), name) == value


def test_a_relation_that_is_listed_twice_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACTROOTS_WORLD", "mlama")
    monkeypatch.setenv("FACTROOTS_RELATIONS", "P36,P36")
    with pytest.raises(InputError, match="FACTROOTS_RELATIONS: a relation is listed twice"):
        load_settings()


@pytest.mark.parametrize("device", ["auto", "cpu", "cuda", "cuda:0", "cuda:13", "mps", "split"])
def test_models_run_on_any_device_that_has_a_name(device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACTROOTS_DEVICE", device)
    assert load_settings().device == device


@pytest.mark.parametrize("device", ["gpu", "cuda:", "cuda:x", "cpu:0", ""])
def test_other_names_of_devices_are_refused(device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACTROOTS_DEVICE", device)
    with pytest.raises(InputError, match="FACTROOTS_DEVICE"):
        load_settings()
