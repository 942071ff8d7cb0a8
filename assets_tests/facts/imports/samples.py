"""Small fact sets of our own, in the shapes of published ones."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path


def write_json(path: Path, value: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")
    return path


def write_lines(path: Path, rows: Iterable[object]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def klar(root: Path) -> Path:
    """Two languages and another without a place; English lacks the third fact, Greek has one template."""
    samples = {
        "en": [("Wales", "Cardiff", 0), ("Greece", "Athens", 1)],
        "el": [("Ουαλία", "Κάρντιφ", 0), ("Ελλάδα", "Αθήνα", 1), ("Ιταλία", "Ρώμη", 2)],
        "tlh": [("Qo'noS", "veng", 0)],
    }
    templates = {
        "en": [
            "What is the capital of <subject>? The answer is: <mask>",
            "The capital of <subject> is <mask>",
        ],
        "el": ["Ποια είναι η πρωτεύουσα: <subject>; Η απάντηση είναι: <mask>"],
        "tlh": ["<subject> <mask>"],
    }
    for language, rows in samples.items():
        content = {
            "relation_name": "capital",
            "prompt_templates": templates[language],
            "samples": [dict(zip(("subject", "object", "index"), row, strict=True)) for row in rows],
        }
        write_json(root / "klar" / language / "capital.json", content)
    return root


def bmlama(root: Path) -> Path:
    """Two relations with the same English template, told apart by German and Welsh; labels with commas.

    As in the published files there are a tab within a column's name, quoted quotes and Windows' line ends.
    """
    header = "Prompt\tAns\tCandidate Ans\tSubject"
    lines = {
        "en": [
            ("Cardiff is located in <mask>.", "Wales", "Wales, England", "Cardiff"),
            ("Lima is located in <mask>.", "Peru", "Peru, Chile", "Lima"),
            ("Peru is located in <mask>.", "South America", "Asia, South America", "Peru"),
            ("Chad is located in <mask>.", "Africa", "Asia, Africa", "Chad"),
            ("Concord, New Hampshire is in <mask>'s hands.", "B, C", "B, C, A", "Concord, New Hampshire"),
        ],
        "de": [
            ("Cardiff liegt in <mask>.", "Wales", "Wales, England", "Cardiff"),
            ("Lima liegt in <mask>.", "Peru", "Peru, Chile", "Lima"),
            ("Peru gehört zu <mask>.", "Südamerika", "Asien, Südamerika", "Peru"),
            ("Der Tschad gehört zu <mask>.", "Afrika", "Asien, Afrika", "Tschad"),
            ("Concord ist in der Hand von <mask>.", "B, C", "B, C, A", "Concord, New Hampshire"),
        ],
        "cy": [
            ("Mae Caerdydd yn <mask>.", "Cymru", "Cymru, Lloegr", "Caerdydd"),
            ("Mae Lima yn <mask>.", "Periw", "Periw, Chile", "Lima"),
            ("Rhan o <mask> yw Periw.", "De America", "Asia, De America", "Periw"),
            ("Rhan o <mask> yw Tsiad.", "Affrica", "Asia, Affrica", "Tsiad"),
            ('"Con""cord yw <mask>."', "B, C", "B, C, A", '"Con""cord"'),
        ],
    }
    for language, rows in lines.items():
        path = root / "BMLAMA3" / f"{language}.tsv"
        path.parent.mkdir(parents=True, exist_ok=True)
        first = header.replace("Candidate Ans", "Candidate\tAns") if language == "cy" else header
        lines_of = "\r\n".join([first, *("\t".join(row) for row in rows)]) + "\r\n"
        path.write_bytes(lines_of.encode())
    return root


def triple(subject: str, answer: str, subject_uri: str, object_uri: str, **more: object) -> dict[str, object]:
    labels = {"sub_label": subject, "obj_label": answer}
    return labels | {"sub_uri": subject_uri, "obj_uri": object_uri} | more


def mpararel(root: Path) -> Path:
    """Afrikaans and simplified Chinese with two and three patterns; a relation without patterns."""
    folder = root / "data" / "mpararel_reviewed"
    patterns = {
        "af": ["[X] se hoofstad is [Y]", "die hoofstad van [X] is [Y]"],
        "zh-hans": ["[X]的首都是[Y]", "[Y]是[X]的首都", "[X]的首都"],
        "zh-hant": ["[X]的首都是[Y]"],
    }
    tuples = {
        "af": [triple("Peru", "Lima", "Q419", "Q2868", lineid=1)],
        "zh-hans": [triple("秘鲁", "利马", "Q419", "Q2868", lineid=1)],
        "zh-hant": [triple("秘魯", "利馬", "Q419", "Q2868", lineid=1)],
    }
    for language in patterns:
        rows = [{"pattern": text, "checked-by-human": False} for text in patterns[language]]
        write_lines(folder / "patterns" / language / "P36.jsonl", rows)
        write_lines(folder / "tuples" / language / "P36.jsonl", tuples[language])
    write_lines(folder / "tuples" / "af" / "P17.jsonl", [triple("Lima", "Peru", "Q2868", "Q419")])
    return root


def bear(root: Path) -> Path:
    """A relation with three templates, of which two are the same, and one without a file."""
    templates = ["[X] speaks [Y] natively.", "The native language of [X] is [Y].", "[X] speaks [Y] natively."]
    about = {"P103": {"templates": templates}, "P6": {"templates": ["[X], [Y]"]}}
    write_json(root / "BEAR" / "metadata_relations.json", about)
    row = {"sub_id": "Q468", "sub_label": "Ann", "sub_aliases": ["A."], "obj_id": "Q9288"}
    write_lines(
        root / "BEAR" / "P103.jsonl",
        [row | {"obj_label": "Hebrew", "answer_idx": 0}, row | {"sub_id": None, "obj_label": "Welsh"}],
    )
    return root


def lama(root: Path) -> Path:
    """T-REx with two facts of a relation, of which one has no uuid; another relation without a file."""
    relations = [
        {"relation": "P36", "template": "The capital of [X] is [Y] .", "label": "capital", "type": "1-1"},
        {"relation": "P17", "template": "[X] is located in [Y] .", "label": "country", "type": "N-1"},
    ]
    write_lines(root / "data" / "relations.jsonl", relations)
    uuid = "9f86d081-884c-4d63-a32e-5bd1b1a0a5ce"
    evidence = {"predicate_id": "P36", "evidences": [{"masked_sentence": "[MASK] is big."}]}
    rows = [
        triple("Peru", "Lima", "Q419", "Q2868", uuid=uuid, **evidence),
        triple("Wales", "Cardiff", "Q25", "Q10690", **evidence),
    ]
    write_lines(root / "data" / "TREx" / "P36.jsonl", rows)
    write_lines(root / "data" / "ConceptNet" / "test.jsonl", [{"sub": "bird"}])
    return root


def table(root: Path) -> Path:
    """A CSV of two languages; the Welsh fact has two templates."""
    rows = """\
language,relation,template,subject,object,subject_uri,object_uri
en,P36,The capital of [X] is [Y].,Wales,Cardiff,Q25,Q10690
cy,P36,Prifddinas [X] yw [Y].,Cymru,Caerdydd,Q25,Q10690
cy,P36,[Y] yw prifddinas [X].,Cymru,Caerdydd,Q25,Q10690
"""
    root.mkdir(parents=True, exist_ok=True)
    path = root / "facts.csv"
    path.write_text(rows, encoding="utf-8")
    return path


SAMPLES: dict[str, Callable[[Path], Path]] = {
    "klar": klar,
    "bmlama": bmlama,
    "mpararel": mpararel,
    "bear": bear,
    "lama": lama,
    "table": table,
}
"""By format, what writes the sample into a folder and gives the path to import."""
