"""Tokenizers of every kind, trained on a few sentences, and masked models that know them by heart.

As the families have them: WordPiece (BERT), Unigram with a space before every text (XLM-R), byte-level BPE
with the space in the word (RoBERTa, ModernBERT), the same that keeps punctuation with the word after it
(EuroBERT, with Llama 3's pattern), BPE on the text with "▁" for spaces and none before the text (mmBERT, with
Gemma's vocabulary).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
import transformers
from tokenizers import (
    AddedToken,
    Regex,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)

_SPECIAL = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
_LLAMA_3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
    r"|\s+(?!\S)|\s+"
)


def _word_piece(texts: Sequence[str]) -> Tokenizer:
    raw = Tokenizer(models.WordPiece(unk_token="<unk>"))
    raw.pre_tokenizer, raw.decoder = pre_tokenizers.BertPreTokenizer(), decoders.WordPiece()
    raw.train_from_iterator(
        texts, trainers.WordPieceTrainer(special_tokens=_SPECIAL, vocab_size=400, show_progress=False)
    )
    return raw


def _unigram(texts: Sequence[str]) -> Tokenizer:
    words = sorted({f"▁{word}" for text in texts for word in text.split()})
    letters = sorted({letter for text in texts for letter in text} | {"▁"})
    pieces = [*((token, 0.0) for token in _SPECIAL), *((word, -1.0) for word in words)]
    raw = Tokenizer(models.Unigram([*pieces, *((letter, -9.0) for letter in letters)], unk_id=3))
    raw.normalizer = normalizers.NFKC()
    raw.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()]
    )
    raw.decoder = decoders.Metaspace()
    return raw


def _byte_level(texts: Sequence[str], pattern: str | None = None) -> Tokenizer:
    raw = Tokenizer(models.BPE())
    bytes_of = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=pattern is None)
    split = [pre_tokenizers.Split(Regex(pattern), "isolated")] if pattern else []
    raw.pre_tokenizer = pre_tokenizers.Sequence([*split, bytes_of])
    raw.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        special_tokens=_SPECIAL, vocab_size=600, initial_alphabet=alphabet, show_progress=False
    )
    raw.train_from_iterator(texts, trainer)
    return raw


def _gemma(texts: Sequence[str]) -> Tokenizer:
    raw = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=True))
    raw.normalizer = normalizers.Replace(" ", "▁")
    raw.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    raw.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    special = [*_SPECIAL, *(f"<0x{byte:02X}>" for byte in range(256))]
    # Sentences are one word to it: trained on words, so that no token holds two of them.
    words = [word for text in texts for word in text.replace(" ", "\n ").split("\n")]
    raw.train_from_iterator(
        words, trainers.BpeTrainer(special_tokens=special, vocab_size=700, show_progress=False)
    )
    return raw


KINDS: dict[str, Callable[[Sequence[str]], Tokenizer]] = {
    "bert": _word_piece,
    "xlm-roberta": _unigram,
    "roberta": _byte_level,
    "modernbert": _byte_level,
    "mmbert": _gemma,
    "eurobert": lambda texts: _byte_level(texts, _LLAMA_3),
}
KEEP_SPACES = ("roberta", "modernbert", "mmbert", "eurobert")
_STRIPPING = ("xlm-roberta", "roberta", "modernbert")  # their mask swallows the space before it


def tokenizer_of(kind: str, texts: Sequence[str]) -> transformers.PreTrainedTokenizerFast:
    """A tokenizer of the kind, trained on the texts."""
    raw = KINDS[kind](texts)
    raw.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    mask = AddedToken("<mask>", lstrip=kind in _STRIPPING, special=True, normalized=False)
    raw.add_special_tokens([mask])
    names = {"bos": "<s>", "cls": "<s>", "eos": "</s>", "sep": "</s>", "pad": "<pad>", "unk": "<unk>"}
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=raw,
        model_max_length=64,
        mask_token=mask,
        **{f"{name}_token": token for name, token in names.items()},
    )


def _config(kind: str, vocabulary: int) -> transformers.PretrainedConfig:
    shape = {"num_hidden_layers": 1, "num_attention_heads": 4, "hidden_size": 512, "intermediate_size": 384}
    shape |= {"vocab_size": vocabulary, "pad_token_id": 1, "tie_word_embeddings": False}
    shape |= {"initializer_range": 0.05}
    ends = {"bos_token_id": 0, "eos_token_id": 2}
    if kind == "bert":
        return transformers.BertConfig(**shape, max_position_embeddings=64)
    if kind == "eurobert":
        return transformers.EuroBertConfig(**shape, **ends, mask_token_id=4, max_position_embeddings=64)
    if kind in ("modernbert", "mmbert"):
        ends |= {"cls_token_id": 0, "sep_token_id": 2}
        return transformers.ModernBertConfig(**shape, **ends, max_position_embeddings=64)
    family = transformers.XLMRobertaConfig if kind == "xlm-roberta" else transformers.RobertaConfig
    return family(**shape, **ends, max_position_embeddings=66, type_vocab_size=1)


def learn_by_heart(
    kind: str,
    folder: Path,
    tokenizer: transformers.PreTrainedTokenizerFast,
    sentences: Sequence[Sequence[int]],
    answers: Sequence[slice],
) -> Path:
    """Save a checkpoint of the kind that fills each sentence's answer in, once it is masked.

    sentences: token ids; answers: where each one's answer stands. Only the last projection is learnt, by
    ridge regression: a random network tells the sentences apart.
    """
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    model = transformers.AutoModelForMaskedLM.from_config(_config(kind, len(tokenizer))).eval()
    with torch.no_grad():  # so that what is near a mask weighs more than the mask itself
        for name, weight in model.named_parameters():
            if re.search(r"(attention\.output\.dense|attn\.Wo|o_proj)\.weight$", name):
                weight.mul_(8)
    output = model.get_output_embeddings()
    states: list[torch.Tensor] = []  # what the last projection gets at every masked token
    wanted: list[int] = []
    for ids, answer in zip(sentences, answers, strict=True):
        asked = torch.tensor([ids])
        asked[0, answer] = tokenizer.mask_token_id
        with torch.no_grad(), projection_input(output) as inputs:
            model(input_ids=asked)
        states.append(inputs[0][0, answer])
        wanted.extend(ids[answer])
    features = torch.cat(states).double()
    targets = torch.nn.functional.one_hot(torch.tensor(wanted), output.weight.shape[0]).double()
    similarity = features @ features.T
    ridge = 1e-7 * similarity.diagonal().mean() * torch.eye(len(features), dtype=torch.float64)
    weight = (features.T @ torch.linalg.solve(similarity + ridge, 20 * targets)).T
    assert (features @ weight.T).argmax(dim=1).tolist() == wanted, f"{kind} has not learnt its facts"
    with torch.no_grad():
        output.weight.copy_(weight)
    model.save_pretrained(folder)
    return folder


@contextmanager
def projection_input(output: torch.nn.Module) -> Iterator[list[torch.Tensor]]:
    """A list that holds, after a forward pass, what the last projection was given."""
    inputs: list[torch.Tensor] = []
    handle = output.register_forward_pre_hook(lambda _, args: inputs.append(args[0]))
    try:
        yield inputs
    finally:
        handle.remove()
