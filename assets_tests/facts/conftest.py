from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pytest

from factroots_dagster.facts.mlama.release import acquire_release


def write_release(root: Path, content: dict[str, dict[str, list[dict] | str]]) -> Path:
    """Writes {language: {relation: rows}} with a template for each relation."""
    for language, relations in content.items():
        folder = root / language
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "templates.jsonl").open("w", encoding="utf-8") as out:
            for relation in relations:
                out.write(json.dumps({"relation": relation, "template": f"[X] {relation} [Y] ."}) + "\n")
        for relation, rows in relations.items():
            lines = [json.dumps(row, ensure_ascii=False) for row in rows]
            (folder / f"{relation}.jsonl").write_text(
                "".join(line + "\n" for line in lines), encoding="utf-8"
            )
    return root


def fact(uuid: str, subject: str = "Ada", answer: str = "Oslo", **more: object) -> dict:
    return {"uuid": uuid, "sub_label": subject, "obj_label": answer, "sub_uri": "Q1", "obj_uri": "Q2"} | more


@pytest.fixture
def small_release(tmp_path: Path) -> Path:
    return write_release(
        tmp_path / "small",
        {
            "qaa": {"P19": [fact("u1"), fact("u2", "Port Oslo", "Oslo")], "P36": []},
            "qab": {"P19": [fact("u1", "Ада", "Осло")]},
        },
    )


@pytest.fixture(scope="session")
def published_release(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, pa.Table]:
    """The folder of mLAMA 1.1 as acquired from its archive, and its inventory; skips where there is none."""
    folder = tmp_path_factory.mktemp("published") / "release"
    folder.mkdir()
    return folder, acquire_release(str(real_data / "mlama1.1.tar.xz"), folder)
