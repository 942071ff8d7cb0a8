"""Tiny random checkpoints of every family, and mLAMA rows that they answer, built in seconds.

A random model predicts no given object, so correct rows are made the other way round: the model is asked with
plain transformers, one prompt at a time, and its answer becomes the row's object.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pyarrow as pa
import torch
import transformers
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

WORDS = [
    "the", "capital", "of", "is", "in", "was", "born", "plays", "for", "speaks", "and", "city", "river",
    "stone", "green", "north", "lima", "oslo", "cairo", "delhi", "paris", "rome", "tokyo", "accra", "quito",
    "minsk", "dakar", "sofia", "riga",
]  # fmt: skip
PIECES = [*WORDS, *"abcdefghijklmnopqrstuvwxyz", ".", ","]

MASKED = ("bert", "xlm-roberta", "distilbert", "modernbert")
ALBERT = "albert"  # applies one layer three times
DEBERTA = ("deberta", "deberta-new")  # with the head of transformers, and with that of DeBERTa-v3
CAUSAL = ("gpt2", "bloom", "llama", "qwen", "gemma")
LATER = ("qwen2", "gemma2", "gemma3")  # tested end to end only, where they differ from their families


def wordpiece(folder: Path, **special: str) -> transformers.PreTrainedTokenizerFast:
    """As BERT's: [CLS] ... [SEP], the words of PIECES, other words letter by letter."""
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *PIECES, *(f"##{c}" for c in PIECES[-28:])]
    raw = Tokenizer(models.WordPiece({token: i for i, token in enumerate(tokens)}, unk_token="[UNK]"))
    raw.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    raw.decoder = decoders.WordPiece()
    raw.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    names = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    names |= {"mask_token": "[MASK]"} | special
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=raw, model_max_length=64, **{k: v for k, v in names.items() if v}
    )
    tokenizer.save_pretrained(folder)
    return tokenizer


def sentencepiece(folder: Path) -> transformers.PreTrainedTokenizerFast:
    """As XLM-R's: <s> ... </s>, a Unigram model with a bare space token, a mask that absorbs a space."""
    tokens = ["<s>", "<pad>", "</s>", "<unk>", "▁"]
    tokens += [f"▁{piece}" for piece in WORDS] + [p for p in PIECES if len(p) == 1] + ["東京", "大阪"]
    raw = Tokenizer(models.Unigram([(token, -1.0 - i / 100) for i, token in enumerate(tokens)], unk_id=3))
    raw.normalizer = normalizers.NFKC()
    raw.pre_tokenizer = pre_tokenizers.Metaspace()
    raw.decoder = decoders.Metaspace()
    raw.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=raw,
        model_max_length=64,
        bos_token="<s>",
        eos_token="</s>",
        cls_token="<s>",
        sep_token="</s>",
        unk_token="<unk>",
        pad_token="<pad>",
        mask_token=transformers.AddedToken("<mask>", lstrip=True),
    )
    tokenizer.save_pretrained(folder)
    return tokenizer


def byte_level(folder: Path, bos: bool = True) -> transformers.PreTrainedTokenizerFast:
    """As GPT-2's, BLOOM's, Llama 3's and Qwen's: byte-level BPE, a space belongs to the word after it.

    It adds no special tokens. bos: whether it has a BOS token (Qwen's has none).
    """
    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    raw.post_processor = processors.ByteLevel(trim_offsets=True)
    trainer = trainers.BpeTrainer(
        vocab_size=220, special_tokens=["<pad>", "<unk>", "<s>", "</s>"], show_progress=False
    )
    words = [*PIECES, "東京", "大阪"] * 3
    raw.train_from_iterator([*(f" {word} {word}" for word in words), "[X] [Y] <b>& </s>"], trainer)
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=raw,
        model_max_length=64,
        eos_token="</s>",
        pad_token="<pad>",
        **({"bos_token": "<s>"} if bos else {}),
    )
    tokenizer.save_pretrained(folder)
    return tokenizer


def save_tokenizer(family: str, folder: Path) -> transformers.PreTrainedTokenizerFast:
    """A tokenizer like the family's, saved in the folder."""
    if family.startswith(("xlm-roberta", "gemma")):
        return sentencepiece(folder)
    if family in (*CAUSAL, *LATER):
        return byte_level(folder, bos=not family.startswith("qwen"))
    return wordpiece(folder)


def config(family: str, vocabulary: int) -> transformers.PretrainedConfig:
    """A two- or three-layer configuration of a family; hidden size 16, wider inside."""
    shape = {"num_hidden_layers": 2, "num_attention_heads": 2, "hidden_size": 16, "intermediate_size": 40}
    common = {"vocab_size": vocabulary, "pad_token_id": 0}
    decoder = {"bos_token_id": 2, "eos_token_id": 3, "max_position_embeddings": 64}
    if family == "bert":
        return transformers.BertConfig(**shape, **common, max_position_embeddings=64)
    if family == "xlm-roberta":
        common["pad_token_id"] = 1
        return transformers.XLMRobertaConfig(**shape, **common, max_position_embeddings=66, type_vocab_size=1)
    if family == "distilbert":
        return transformers.DistilBertConfig(
            n_layers=3, n_heads=2, dim=16, hidden_dim=40, max_position_embeddings=64, **common
        )
    if family == "modernbert":
        return transformers.ModernBertConfig(
            **shape, **common, **decoder, cls_token_id=2, sep_token_id=3, attn_implementation="sdpa"
        )
    if family == "gpt2":
        return transformers.GPT2Config(
            n_layer=2, n_head=2, n_embd=16, n_positions=64, bos_token_id=2, eos_token_id=3, **common
        )
    if family == "bloom":
        return transformers.BloomConfig(
            n_layer=2, n_head=2, hidden_size=16, bos_token_id=2, eos_token_id=3, **common
        )
    if family == ALBERT:
        shape["num_hidden_layers"] = 3
        return transformers.AlbertConfig(**shape, **common, embedding_size=8, max_position_embeddings=64)
    if family in DEBERTA:
        return transformers.DebertaV2Config(
            **shape,
            **common,
            max_position_embeddings=64,
            relative_attention=True,
            position_buckets=32,
            norm_rel_ebd="layer_norm",
            share_att_key=True,
            pos_att_type=["p2c", "c2p"],
            position_biased_input=False,
            type_vocab_size=0,
            legacy=family != "deberta-new",
        )
    # heads x head_dim = 40, as wide as the FFN: attention has a projection of the same shape
    grouped = {"num_key_value_heads": 1, "head_dim": 20}
    if family == "llama":
        return transformers.LlamaConfig(**shape, **common, **decoder, num_key_value_heads=1)
    if family == "qwen2":
        return transformers.Qwen2Config(**shape, **common, **decoder, num_key_value_heads=1)
    if family == "gemma2":  # caps its logits; its window is shorter than the sentences
        return transformers.Gemma2Config(**shape, **common, **decoder, **grouped, sliding_window=4)
    if family == "gemma3":
        windows = {"sliding_window": 4, "layer_types": ["sliding_attention", "full_attention"]}
        return transformers.Gemma3TextConfig(**shape, **common, **decoder, **grouped, **windows)
    if family == "qwen":
        return transformers.Qwen3Config(**shape, **common, **decoder, **grouped)
    if family == "gemma":
        return transformers.GemmaConfig(**shape, **common, **decoder, **grouped)
    raise ValueError(family)


def random_model(family: str, vocabulary: int, seed: int = 0) -> transformers.PreTrainedModel:
    """A randomly initialised model with large weights, so that its answers differ from prompt to prompt."""
    torch.manual_seed(seed)
    causal = family in (*CAUSAL, *LATER)
    auto = transformers.AutoModelForCausalLM if causal else transformers.AutoModelForMaskedLM
    model = auto.from_config(config(family, vocabulary)).eval()
    draw_large_weights(model)
    return model


def draw_large_weights(model: torch.nn.Module) -> None:
    """Draw a model's matrices anew, so large that its answers differ from prompt to prompt."""
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.normal_(0.0, 0.3)


def save_checkpoint(folder: Path, family: str = "bert", seed: int = 0) -> Path:
    """A loadable checkpoint folder of the family."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = save_tokenizer(family, folder)
    random_model(family, len(tokenizer), seed).save_pretrained(folder)
    return folder


def mask_logits(
    model: torch.nn.Module, tokenizer: object, template: str, subject: str, k: int
) -> torch.Tensor:
    """Plain transformers, one prompt: float32 logits [k, vocabulary] at the k masks of [Y]."""
    text = template.replace("[Y]", " ".join([tokenizer.mask_token] * k)).replace("[X]", subject)
    encoded = tokenizer(text, return_tensors="pt")
    masks = encoded["input_ids"][0] == tokenizer.mask_token_id
    with torch.inference_mode():
        logits = model(input_ids=encoded["input_ids"], attention_mask=encoded["attention_mask"]).logits[0]
    return logits[masks]


TEMPLATES = {"P36": "the capital of [X] is [Y] .", "P19": "[X] was born in [Y]", "P103": "[Y] , [X] speaks ."}


def split(folder: Path, language: str = "qaa", subjects: int = 14, seed: int = 0) -> pa.Table:
    """MLAMA_SPLIT rows of three relations, about half of them answered correctly by `folder`'s model."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModelForMaskedLM.from_pretrained(folder).eval()
    random = torch.Generator().manual_seed(seed)
    rows = []
    for number in range(subjects):
        subject = _random_subject(random, 1 + number % 3)
        for relation, template in TEMPLATES.items():
            label = WORDS[(number * 7) % len(WORDS)] + (" xy" if number % 5 == 4 else "")
            k = 1 + (number // 2) % 2
            if number % 2:
                answer = mask_logits(model, tokenizer, template, subject, k).argmax(dim=1).tolist()
                label = tokenizer.decode(answer, skip_special_tokens=True).strip() or label
            rows.append(_row(language, relation, template, subject, label, number))
    return pa.Table.from_pylist(rows)


def _random_subject(random: torch.Generator, words: int) -> str:
    drawn = torch.randint(len(WORDS), (3,), generator=random).tolist()
    return " ".join(WORDS[index] for index in drawn[:words])


def _row(
    language: str, relation: str, template: str, subject: str, label: str, number: int
) -> dict[str, object]:
    return {
        "uuid": f"{relation}-{number}",
        "language": language,
        "relation": relation,
        "template": template,
        "subject": subject,
        "object": label,
        "subject_uri": f"S{number}",
        "object_uri": f"O{label}",
        "candidate_set": f"{language}/{relation}",
        "object_in_subject": False,
        "line": number,
    }


def greedy(model: torch.nn.Module, ids: list[int], tokens: int) -> list[int]:
    """Plain transformers, one prompt, no cache: the most probable continuation, token by token."""
    sequence = list(ids)
    with torch.inference_mode():
        for _ in range(tokens):
            sequence.append(int(model(input_ids=torch.tensor([sequence])).logits[0, -1].argmax()))
    return sequence[len(ids) :]


def start_ids(tokenizer: object) -> list[int]:
    """What a decoder's sentences begin with: its BOS token, else its EOS token."""
    return [tokenizer.eos_token_id if tokenizer.bos_token_id is None else tokenizer.bos_token_id]


@cache
def decoder_split(
    folder: Path, language: str = "qaa", subjects: int = 14, seed: int = 0, predicted: int = 6
) -> pa.Table:
    """As `split`, for a decoder: what it generates becomes the object of about half of the rows.

    predicted: so many rows more a relation whose object is what ranks first.
    """
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = load_plain(folder)
    random = torch.Generator().manual_seed(seed)
    special = set(tokenizer.all_special_ids)
    rows = []
    for relation, template in TEMPLATES.items():
        for number in range(subjects):
            # A random model seldom generates a text that is tokenized into the same tokens again.
            for _ in range(60 if number % 2 else 1):
                subject = _random_subject(random, 1 + number % 3)
                label = WORDS[(number * 7) % len(WORDS)] + (" xy" if number % 5 == 4 else "")
                before = template.replace("[X]", subject).partition("[Y]")[0]
                prompt = tokenizer(before.rstrip(), add_special_tokens=False)["input_ids"]
                answer = greedy(model, start_ids(tokenizer) + prompt, 1 + (number // 2) % 2)
                text = tokenizer.decode(answer).strip()
                again = tokenizer(before + text, add_special_tokens=False)["input_ids"]
                if text and number % 2 and again == prompt + answer and not set(answer) & special:
                    label = text
                    break
            rows.append(_row(language, relation, template, subject, label, number))
        labels = sorted({row["object"] for row in rows if row["relation"] == relation})
        for number in range(subjects, subjects + predicted):
            subject = _random_subject(random, 2)
            if label := first_beyond_prior(model, tokenizer, template, subject, labels):
                rows.append(_row(language, relation, template, subject, label, number))
    return pa.Table.from_pylist(rows)


def load_plain(folder: Path) -> transformers.PreTrainedModel:
    """The whole model of a folder, by transformers' class of its name."""
    (name,) = transformers.AutoConfig.from_pretrained(folder).architectures
    return getattr(transformers, name).from_pretrained(folder).eval()


WITHOUT_SUBJECT = {
    "the capital of [X] is [Y] .": "the capital of is [Y] .",
    "[X] was born in [Y]": "was born in [Y]",
    "[Y] , [X] speaks .": "[Y] , speaks .",
}


def sentence_scores(
    model: torch.nn.Module, tokenizer: object, template: str, labels: list[str]
) -> dict[str, float]:
    """Plain transformers, one sentence at a time: the log-likelihood of the template with each label."""
    scores = {}
    for label in labels:
        text = template.replace("[Y]", label)
        ids = start_ids(tokenizer) + tokenizer(text, add_special_tokens=False)["input_ids"]
        with torch.inference_mode():
            logprobs = model(input_ids=torch.tensor([ids])).logits[0].double().log_softmax(dim=1)
        scores[label] = float(logprobs[range(len(ids) - 1), ids[1:]].sum())
    return scores


def lead(scores: dict[str, float], label: str) -> float:
    """By how much a label's score exceeds the best other one."""
    return scores[label] - max(score for name, score in scores.items() if name != label)


def first_beyond_prior(
    model: torch.nn.Module, tokenizer: object, template: str, subject: str, labels: list[str]
) -> str | None:
    """The label that ranks first, if it leads by more than without the subject."""
    scores = sentence_scores(model, tokenizer, template.replace("[X]", subject), labels)
    prior = sentence_scores(model, tokenizer, WITHOUT_SUBJECT[template], labels)
    best = max(scores, key=scores.__getitem__)
    return best if lead(scores, best) > lead(prior, best) else None
