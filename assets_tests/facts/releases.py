"""Small releases in mLAMA's format, as folders and as archives."""

from __future__ import annotations

import io
import json
import tarfile
import zipfile
from pathlib import Path


def fact(uuid: str, subject: str = "Ada", answer: str = "Oslo", **more: object) -> dict:
    """A line of a relation file."""
    return {"uuid": uuid, "sub_label": subject, "obj_label": answer, "sub_uri": "Q1", "obj_uri": "Q2"} | more


def write_release(root: Path, content: dict[str, dict[str, list[dict]]]) -> Path:
    """Write {language: {relation: lines}} with a template for each relation."""
    for language, relations in content.items():
        folder = root / language
        folder.mkdir(parents=True, exist_ok=True)
        templates = [{"relation": relation, "template": f"[X] {relation} [Y] ."} for relation in relations]
        for name, rows in {"templates": templates, **relations}.items():
            lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in rows]
            (folder / f"{name}.jsonl").write_text("".join(lines), encoding="utf-8")
    return root


def zipped(root: Path, prefix: str = "mlama/") -> bytes:
    """A .zip of a release."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as out:
        for path in sorted(root.rglob("*.jsonl")):
            out.write(path, prefix + path.relative_to(root).as_posix())
    return buffer.getvalue()


def tarred(root: Path, mode: str = "w:xz") -> bytes:
    """A .tar.* of a release."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as out:  # type: ignore[call-overload]
        out.add(root, "mlama")
    return buffer.getvalue()


def zip_of_member(name: str, *, link: bool = False) -> bytes:
    """A .zip with one file or link of this name."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as out:
        info = zipfile.ZipInfo(name)
        info.external_attr = (0o120777 if link else 0o100644) << 16
        out.writestr(info, "/etc/passwd")
    return buffer.getvalue()


def tar_of_member(name: str, kind: bytes = tarfile.REGTYPE) -> bytes:
    """A .tar.gz with one member of this name and type."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as out:
        info = tarfile.TarInfo(name)
        info.type, info.linkname, info.size = kind, "/etc/passwd", 3 if kind == tarfile.REGTYPE else 0
        out.addfile(info, io.BytesIO(b"abc"))
    return buffer.getvalue()
