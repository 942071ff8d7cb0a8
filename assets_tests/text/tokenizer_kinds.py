"""Small tokenizers of all kinds that can be applied word by word, trained on sentences in several scripts."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from tokenizers import AddedToken, Tokenizer, models, normalizers, pre_tokenizers, trainers

from factroots_dagster.sandbox.vocabulary import build_vocabulary, make_tokenizer

SENTENCES = [
    "New York City lies on the Hudson; New Yorkers say so.",
    "Lyon (France) is a city, Paris another one: 2,000 years old!",
    "Αθήνα είναι η πρωτεύουσα της Ελλάδας.",
    "Київ — столиця України, об'єднаної держави.",
    "Երևանը Հայաստանի մայրաքաղաքն է։",
    "ঢাকা বাংলাদেশের রাজধানী।",
    "東京は日本の首都です。ニューヨークではない。",
    "Ünïcödé café naïve São Paulo Zürich, Ångström.",
    "서울은 대한민국의 수도이다.",
]


def trained_wordpiece(
    lowercase: bool, sentences: list[str], size: int = 400, **normalizer: bool
) -> Tokenizer:
    raw = Tokenizer(models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=20))
    raw.normalizer = normalizers.BertNormalizer(lowercase=lowercase, **normalizer)
    raw.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    raw.train_from_iterator(
        sentences, trainers.WordPieceTrainer(vocab_size=size, special_tokens=special, show_progress=False)
    )
    return raw


def trained_unigram(
    steps: list[pre_tokenizers.PreTokenizer], normalizer: normalizers.Normalizer | None
) -> Tokenizer:
    raw = Tokenizer(models.Unigram())
    if normalizer is not None:
        raw.normalizer = normalizer
    raw.pre_tokenizer = pre_tokenizers.Sequence(steps) if len(steps) > 1 else steps[0]
    raw.train_from_iterator(
        SENTENCES,
        trainers.UnigramTrainer(
            vocab_size=300, special_tokens=["<s>", "<unk>"], unk_token="<unk>", show_progress=False
        ),
    )
    raw.add_special_tokens([AddedToken("<mask>", lstrip=True, normalized=False)])
    return raw


def without_normalizer() -> Tokenizer:
    raw = trained_wordpiece(False, SENTENCES)
    bare = Tokenizer(raw.model)
    bare.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return bare


def with_normalizer_in_sequence(raw: Tokenizer) -> Tokenizer:
    raw.normalizer = normalizers.Sequence([raw.normalizer])
    return raw


SPLIT, MARK = pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()
KINDS: dict[str, Callable[[], Tokenizer]] = {
    "cased": lambda: trained_wordpiece(False, SENTENCES, strip_accents=False),
    "uncased": lambda: trained_wordpiece(True, SENTENCES),
    "lowercase with accents": lambda: trained_wordpiece(True, SENTENCES, strip_accents=False),
    "without ideographs alone": lambda: trained_wordpiece(False, SENTENCES, handle_chinese_chars=False),
    "uncased in a sequence": lambda: with_normalizer_in_sequence(trained_wordpiece(True, SENTENCES)),
    "not cleaned": lambda: trained_wordpiece(False, SENTENCES, clean_text=False),
    "latin only": lambda: trained_wordpiece(False, SENTENCES[:2], 90),
    "not normalized": without_normalizer,
    "sandbox": lambda: make_tokenizer(build_vocabulary(SENTENCES, 300)).backend_tokenizer,
    "xlm-r": lambda: trained_unigram(
        [SPLIT, MARK], normalizers.Sequence([normalizers.Nmt(), normalizers.NFKC()])
    ),
    "only marked": lambda: trained_unigram([MARK], normalizers.NFKC()),
    "neither split nor normalized": lambda: trained_unigram([MARK], None),
}


@cache
def tokenizer_json(kind: str) -> str:
    """The `tokenizer.json` of one of KINDS, trained once per process, since training is not deterministic."""
    return KINDS[kind]().to_str()


def wordpiece_of(vocabulary: list[str]) -> Tokenizer:
    """WordPiece with this vocabulary, of which the first piece is the unknown one."""
    tokenizer = Tokenizer(
        models.WordPiece({piece: number for number, piece in enumerate(vocabulary)}, unk_token=vocabulary[0])
    )
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=False)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return tokenizer
