"""Which URIs Spark can read, told from the files of an installation."""

from __future__ import annotations

from pathlib import Path

import pytest

from factroots_dagster.spark.connectors import missing_connector, scheme_of


def test_the_scheme_of_a_uri_survives_a_path() -> None:
    assert scheme_of("S3A://bucket/x") == scheme_of(str(Path("s3a://bucket/x"))) == "s3a"
    assert scheme_of("/data/s3a:/x") is scheme_of("a:b/c") is scheme_of("C:/x") is scheme_of("") is None


def test_a_connector_is_missing_unless_jars_or_settings_bring_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("SPARK_HOME", "SPARK_CONF_DIR", "PYSPARK_SUBMIT_ARGS"):
        monkeypatch.delenv(name, raising=False)
    for folder in ("jars", "conf"):
        (tmp_path / folder).mkdir()
    (tmp_path / "jars" / "hadoop-client-3.4.2.jar").touch()
    defaults = tmp_path / "conf" / "spark-defaults.conf"
    defaults.write_text("# spark.jars.packages x\nspark.ui.enabled false\n")
    assert missing_connector("s3a", [tmp_path]) == "hadoop-aws"
    assert missing_connector("gs", [tmp_path]) == "gcs-connector"
    assert missing_connector("hdfs", [tmp_path]) is missing_connector("file", [tmp_path]) is None
    (tmp_path / "jars" / "hadoop-aws-3.4.2.jar").touch()
    assert missing_connector("s3a", [tmp_path]) is None
    assert missing_connector("gs", [tmp_path]) == "gcs-connector"
    monkeypatch.setenv("PYSPARK_SUBMIT_ARGS", "--packages com.google.cloud:gcs pyspark-shell")
    assert missing_connector("gs", [tmp_path]) is None
    monkeypatch.delenv("PYSPARK_SUBMIT_ARGS")
    defaults.write_text("spark.jars /opt/gcs.jar\n")
    assert missing_connector("gs", [tmp_path]) is None
