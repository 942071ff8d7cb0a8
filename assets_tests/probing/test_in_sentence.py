"""Objects as they stand in the sentence: models that know their facts by heart are found to know them.

Every kind of tokenizer, every place that an object can have in a sentence. The oracle asks plain text, one
prompt at a time, and reads the answer as text.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch
import transformers
from hypothesis import given
from hypothesis import strategies as st

from assets_tests.models import words
from factroots_dagster.models.checkpoint import load
from factroots_dagster.models.tokenizer import CheckpointTokenizer
from factroots_dagster.neurons.interventions import questions_of
from factroots_dagster.probing.answer_likelihood import Question, answer_logprobs
from factroots_dagster.probing.answer_neurons import Answer, answer_prompt
from factroots_dagster.probing.probe import probe
from factroots_dagster.probing.prompts import build_prompts
from factroots_dagster.probing.slots import SentenceSlots, name_token_ids

LATIN = dict(
    zip(
        ["france", "italy", "japan", "ghana", "peru", "norway", "egypt", "india", "cuba", "mexico"],
        ["paris", "rome", "tokyo", "accra", "lima", "oslo", "cairo", "new delhi", "havana", "mexico city"],
        strict=True,
    )
)
CHINESE = dict(
    zip(
        ["法国", "意大利", "日本", "加纳", "秘鲁", "挪威", "埃及", "印度", "古巴", "墨西哥"],
        ["巴黎", "罗马", "东京", "阿克拉", "利马", "奥斯陆", "开罗", "新德里", "哈瓦那", "墨西哥城"],
        strict=True,
    )
)
HEBREW = dict(
    zip(
        ["צרפת", "איטליה", "יפן", "גאנה", "פרו", "נורווגיה", "מצרים", "הודו", "קובה", "מקסיקו"],
        ["פריז", "רומא", "טוקיו", "אקרה", "לימה", "אוסלו", "קהיר", "ניו דלהי", "הוואנה", "מקסיקו סיטי"],
        strict=True,
    )
)
PLACES = {
    "after a space": ("the capital of [X] is [Y] .", LATIN),
    "before a full stop": ("in [X] , the capital is [Y].", LATIN),
    "at the beginning": ("[Y] is where [X] is ruled from .", LATIN),
    "at the end": ("[X] is ruled from [Y]", LATIN),
    "from right to left": ("בירת [X] היא [Y] .", HEBREW),
    "without spaces": ("[X]的首都是[Y]。", CHINESE),
    "in quotation marks": ('they call it "[Y]" in [X] .', LATIN),
    "after an apostrophe": ("[X] a pour capitale l'[Y] .", LATIN),
}
GLUED = ("without spaces", "in quotation marks", "after an apostrophe")
TEXTS = [
    template.replace("[X]", subject).replace("[Y]", label)
    for template, facts in PLACES.values()
    for subject, label in facts.items()
] * 3


def space_before(template: str) -> str:
    return " " if template.partition("[Y]")[0].endswith(" ") else ""


def plain_ids(tokenizer: transformers.PreTrainedTokenizerFast, template: str, label: str) -> list[int]:
    """The tokens of a label after the space that the template has before it."""
    return tokenizer(space_before(template) + label, add_special_tokens=False)["input_ids"]


def plain_prompt(
    tokenizer: transformers.PreTrainedTokenizerFast, template: str, subject: str, k: int
) -> list[int]:
    """The tokens of the text with k masks; no space before a mask that would not swallow it."""
    text = template.replace("[X]", subject).replace(" [Y]", "[Y]").replace("[Y]", tokenizer.mask_token * k)
    return tokenizer(text)["input_ids"]


def rows_of(place: str) -> list[dict[str, object]]:
    template, facts = PLACES[place]
    return [
        {
            "uuid": f"{place} {number}",
            "language": "qaa",
            "relation": place,
            "template": template,
            "subject": subject,
            "object": label,
            "subject_uri": subject,
            "object_uri": label,
            "candidate_set": place,
            "object_in_subject": False,
            "line": number,
        }
        for number, (subject, label) in enumerate(facts.items())
    ]


def places_of(kind: str) -> list[str]:
    """Where WordPiece and XLM-R stand beside letters, they are asked in another form than that of text."""
    return [place for place in PLACES if kind in words.KEEP_SPACES or place not in GLUED]


def learnt(kind: str, folder: Path) -> Path:
    tokenizer = words.tokenizer_of(kind, TEXTS)
    sentences, answers = [], []
    for place in places_of(kind):
        template, facts = PLACES[place]
        lengths = {len(plain_ids(tokenizer, template, label)) for label in facts.values()}
        for (subject, label), k in product(facts.items(), sorted(lengths)):
            ids = plain_ids(tokenizer, template, label)
            if len(ids) != k:  # an answer of so many tokens is none
                ids = [tokenizer.eos_token_id] * k
            prompt = plain_prompt(tokenizer, template, subject, k)
            at = prompt.index(tokenizer.mask_token_id)
            answers.append(slice(at, at + k))
            sentences.append([*prompt[:at], *ids, *prompt[at + k :]])
    return words.learn_by_heart(kind, folder, tokenizer, sentences, answers)


@pytest.fixture(scope="module")
def by_heart(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    folders: dict[str, Path] = {}

    def folder_of(kind: str) -> Path:
        if kind not in folders:
            folders[kind] = learnt(kind, tmp_path_factory.mktemp(kind))
        return folders[kind]

    return folder_of


@pytest.mark.parametrize("kind", words.KINDS)
def test_what_is_known_by_heart_is_found_like_in_plain_text(
    kind: str, by_heart: Callable[[str], Path], tmp_path: Path
) -> None:
    folder = by_heart(kind)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    plain = transformers.AutoModelForMaskedLM.from_pretrained(folder).eval()
    model = load(str(folder), device="cpu")
    assert model.in_sentence is (kind in words.KEEP_SPACES)
    rows = [row for place in places_of(kind) for row in rows_of(place)]
    split = pa.Table.from_pylist(rows)
    protocols = ("pll", "left_to_right", "confidence")
    got = probe(model, split, tmp_path, protocols=protocols).to_pylist()
    for place in places_of(kind):
        of_place = [row for row in got if row["relation"] == place]
        assert [row["full_match"] for row in of_place] == [True] * 10, (place, of_place)
        assert [row["typed_rank"] for row in of_place] == [1] * 10, place
        of_one_token = [row for row in of_place if len(row["object_ids"]) == 1]
        assert all(row["left_to_right_match"] and row["confidence_match"] for row in of_one_token), place
    for row, answer in zip(rows, got, strict=True):
        template, labels = row["template"], PLACES[row["relation"]][1].values()
        scores = {}
        for label in labels:
            ids = plain_ids(tokenizer, template, label)
            prompt = torch.tensor([plain_prompt(tokenizer, template, row["subject"], len(ids))])
            with torch.inference_mode():
                logits = plain(input_ids=prompt).logits[0][prompt[0] == tokenizer.mask_token_id]
            scores[label] = float(logits.log_softmax(dim=1)[range(len(ids)), ids].mean())
            if label == row["object"]:
                assert tokenizer.decode(logits.argmax(dim=1)).strip() == label
                assert answer["object_ids"] == ids
        assert answer["object_logprob"] == pytest.approx(scores[row["object"]], abs=1e-2)
        ranked = [scores[label] for label in answer["ranking"]]
        assert np.all(np.diff(ranked) < 1e-2) and len(ranked) == len(labels)


@pytest.mark.parametrize("kind", words.KEEP_SPACES)
def test_everything_else_asks_the_same_prompts(
    kind: str, by_heart: Callable[[str], Path], tmp_path: Path
) -> None:
    model = load(str(by_heart(kind)), device="cpu")
    split = pa.Table.from_pylist([row for place in PLACES for row in rows_of(place)])
    predictions = probe(model, split, tmp_path)
    rows, answers = split.to_pylist(), predictions.to_pylist()
    asked = [Question(row["template"], row["subject"], row["object"]) for row in rows]
    likely = answer_logprobs(model, asked)
    np.testing.assert_allclose(likely, [row["object_logprob"] for row in answers], atol=1e-2)
    intervened = questions_of(split, predictions)
    assert len(intervened) == len(rows)
    for place in PLACES:
        of_place = [row for row in rows if row["relation"] == place]
        table = pa.Table.from_pylist(of_place)
        built = build_prompts(model.tokenizer, table, space_id=None, max_length=64, in_sentence=True)
        for row, question in zip(of_place, built.row_question, strict=True):
            ids = intervened[row["uuid"]].object_ids
            prompt = answer_prompt(model, Answer(row["template"], row["subject"], row["object"], ids))
            (same,) = (p for p in built.prompts if (p.question, p.k) == (question, len(ids)))
            assert prompt.ids.tolist() == same.ids.tolist()
            assert prompt.positions.tolist() == same.positions.tolist()


@pytest.fixture(scope="module")
def tokenizers() -> dict[str, transformers.PreTrainedTokenizerFast]:
    return {kind: words.tokenizer_of(kind, TEXTS) for kind in words.KEEP_SPACES}


LETTERS = st.text(st.sampled_from("abcdefgz0123 .,'\"()-的巴黎東ア是éßאבع🜚"), max_size=6)


@given(LETTERS, LETTERS, LETTERS, LETTERS, st.text(min_size=1, max_size=8), st.booleans())
def test_a_filled_prompt_is_the_plain_sentence(
    tokenizers: dict[str, transformers.PreTrainedTokenizerFast],
    first: str,
    second: str,
    third: str,
    subject: str,
    label: str,
    subject_first: bool,
) -> None:
    slots = ("[X]", "[Y]") if subject_first else ("[Y]", "[X]")
    template = f"{first}{slots[0]}{second}{slots[1]}{third}"
    plain = template.replace("[Y]", "\0").replace("[X]", subject).replace("\0", label)
    for kind, tokenizer in tokenizers.items():
        if any(token in plain for token in tokenizer.all_special_tokens):
            continue
        reader = SentenceSlots(tokenizer)
        (ids,) = reader.object_ids((template, subject), [label])
        ((before, after),) = reader.contexts([(template, subject)])
        filled = tokenizer.decode([*before, *ids, *after], skip_special_tokens=True)
        if label.strip():
            assert filled == tokenizer.decode(tokenizer(plain)["input_ids"], skip_special_tokens=True), kind
        else:
            assert ids == ()
        assert (before[0], after[-1]) == (tokenizer.bos_token_id, tokenizer.eos_token_id)


@pytest.mark.parametrize("kind", words.KEEP_SPACES)
def test_no_bare_space_stands_before_a_mask(
    kind: str, tokenizers: dict[str, transformers.PreTrainedTokenizerFast]
) -> None:
    tokenizer = tokenizers[kind]
    table = pa.Table.from_pylist(rows_of("after a space"))
    built = build_prompts(tokenizer, table, space_id=None, max_length=64, in_sentence=True)
    for prompt in built.prompts:  # the prior's, too, whose subject is a mask
        tokens = tokenizer.convert_ids_to_tokens(prompt.ids)
        assert not {"▁", "Ġ"} & set(tokens), tokens
    (spelling,) = built.spellings
    assert all(tokenizer.convert_ids_to_tokens(ids[0])[0] in "▁Ġ" for ids in spelling)


def test_templates_with_other_slots_have_candidates_of_their_own(
    tokenizers: dict[str, transformers.PreTrainedTokenizerFast],
) -> None:
    tokenizer = tokenizers["roberta"]
    two = [*rows_of("after a space"), *rows_of("at the beginning")]
    table = pa.Table.from_pylist(two)
    built = build_prompts(tokenizer, table, space_id=None, max_length=64, in_sentence=True)
    assert len(built.spellings) == 2
    paris = built.labels.index("paris")
    first, last = (built.ids_of(built.row_question[row], paris) for row in (0, len(two) - 1))
    assert tokenizer.decode(first) == " paris" and tokenizer.decode(last) == "paris"


@pytest.mark.parametrize("kind", words.KEEP_SPACES)
def test_names_share_a_word_wherever_it_stands(
    kind: str, tokenizers: dict[str, transformers.PreTrainedTokenizerFast]
) -> None:
    tokens = partial(name_token_ids, CheckpointTokenizer(tokenizers[kind], None, True))
    (club, town, other) = tokens(["paris city", "paris", "oslo"])
    assert set(club) & set(town)
    assert not set(town) & set(other)
    spaces = {"▁", "Ġ"}
    assert not spaces & set(tokenizers[kind].convert_ids_to_tokens([*club, *tokens(["1 2"])[0]]))
