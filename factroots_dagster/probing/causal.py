"""Decoders: candidates ranked by the likelihood of whole sentences, answers written greedily, neurons.

A sentence is a row's template with [X] replaced by the raw subject label and [Y] by a candidate. It is
tokenized whole, after one start token: the tokenizer's BOS, or where it has none its EOS (as
lm-evaluation-harness does), without which its first token would have no probability.

- `typed`: candidates are ranked by the log-likelihood of the whole sentence, what follows [Y] included: the
  sum over its tokens, not divided by their number.
- `object_logprob`: mean over the tokens of the sentence that overlap the object, each given all before it.
- `full_match`: only where the template ends in [Y], followed by nothing but spaces, punctuation and
  symbols. The model continues the text before [Y] (less its trailing spaces, which belong to the next token)
  greedily, by as many tokens as the relation's longest object has. The first k of them are its answer of k
  tokens, judged as a masked model's, without bare space tokens. Elsewhere full_match and partial_match are
  null.
- An object's ids are those that follow the prompt's when both are tokenized together; where a tokenizer
  merges across the border (scripts that write [Y] glued to a word), those of the label alone.
- The prior: the same with the subject left out, that is the template without [X]. A decoder has no neutral
  token to put there, and any word would be of one language.
- Neurons: where the object's tokens are predicted, from the prompt's last token to the object's last but
  one.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import torch

from factroots_dagster.errors import InputError
from factroots_dagster.models.batches import in_batches
from factroots_dagster.models.checkpoint import LoadedModel
from factroots_dagster.models.forward import Batch, default_token_budget, forward_with_neurons
from factroots_dagster.probing.causal_likelihood import Sentences, continuations, fitting, log_likelihoods
from factroots_dagster.probing.outputs import ActivationFiles, Report, typed_rank
from factroots_dagster.probing.prompts import prompt_text
from factroots_dagster.probing.schema import PREDICTIONS

CHUNK = 16_384  # sentences in memory at once
NEURON_BYTES = 1 << 32  # of the neurons of one batch
_SPACES = ("▁", "Ġ")  # a space as a token of its own: SentencePiece's, byte-level BPE's
_SUBJECT = re.compile(r"\s*\[X\]\s*")

Ids = list[int]


def probe_causal(
    model: LoadedModel,
    split: pa.Table,
    activations_folder: Path,
    *,
    progress: Callable[[str], None] | None = None,
    token_budget: int | None = None,
) -> pa.Table:
    """Asks a decoder every row of one language. Arguments and returns are those of `engine.probe`.

    predicted_ids: item k-1 is the first k tokens of the greedy continuation; empty where there is none.
    mask_count in the index of activations, and matched_mask_count: the number of tokens of the right answer.
    Raises InputError for broken templates, a tokenizer without a start token, logits that are not finite.
    """
    report = Report(progress, len(split))
    budget = token_budget or default_token_budget(model.device)
    rows_of: dict[str, list[int]] = {}
    for row, relation in enumerate(split.column("relation").to_pylist()):
        rows_of.setdefault(relation, []).append(row)
    files = ActivationFiles(activations_folder)
    tables, order = [], []
    for relation, rows in rows_of.items():
        part = split.take(pa.array(rows))
        with torch.inference_mode():
            asked = _Relation(model, part, budget)
            asked.write()
            asked.score()
            tables.append(asked.predictions(part))
            uuids, languages = (part.column(name).to_pylist() for name in ("uuid", "language"))
            matched = asked.matches()
            right = [row for row, k in enumerate(matched) if k]
            facts = [(uuids[row], languages[row]) for row in right]
            counts = [matched[row] for row in right]
            files.add(relation, facts, counts, asked.neurons(right, counts))
        order.extend(rows)
        report(len(rows))
    files.close()
    if not tables:
        return PREDICTIONS.empty_table()
    return pa.concat_tables(tables).take(pa.array(np.argsort(order, kind="stable"))).combine_chunks()


def ends_in_object(template: str) -> bool:
    """Whether nothing but spaces, punctuation and symbols follows [Y], so that a decoder can write it."""
    return all(unicodedata.category(letter)[0] in "PSZC" for letter in template.partition("[Y]")[2])


def frame(template: str, subject: str | None) -> tuple[str, str]:
    """What stands before [Y] and after it, with the subject filled in; None: with the subject left out.

    Raises InputError unless the template holds one [X] and one [Y].
    """
    text, start = prompt_text(template, subject or "", "")
    if subject is None:
        before, _, after = _SUBJECT.sub(_nothing, template).partition("[Y]")
        return before, after
    return text[:start], text[start:]


def _nothing(found: re.Match[str]) -> str:
    """What [X] leaves behind: one space between words, nothing at an end or beside punctuation."""
    inside = found.start() > 0 and found.end() < len(found.string)
    return " " if inside and found.group()[0].isspace() and found.group()[-1].isspace() else ""


@dataclass
class _Relation:
    """One relation's rows as questions, and what the model said to them.

    A question is a distinct (template, subject); the prior's has no subject (None).
    """

    model: LoadedModel
    rows: pa.Table
    budget: int
    too_long: set[int] = field(default_factory=set)
    logprob: dict[tuple[int, int], float] = field(default_factory=dict)  # (question, candidate)
    golds: dict[tuple[int, int], tuple[int, ...]] = field(default_factory=dict)  # (question, candidate)
    prompts: dict[int, Ids] = field(default_factory=dict)  # those that the model goes on from
    said: dict[int, npt.NDArray[np.int64]] = field(default_factory=dict)  # question: greedy continuation

    def __post_init__(self) -> None:
        templates, subjects, objects = (
            self.rows.column(name).to_pylist() for name in ("template", "subject", "object")
        )
        self.start = start_token(self.model)
        self.spaces = {self.model.tokenizer.convert_tokens_to_ids(token) for token in _SPACES}
        self.spaces -= {None, self.model.tokenizer.unk_token_id}
        self.labels = sorted(set(objects))
        place = {label: number for number, label in enumerate(self.labels)}
        self.row_candidate = [place[label] for label in objects]
        asked: dict[tuple[str, str | None], int] = {}
        self.row_question = [
            asked.setdefault(key, len(asked)) for key in zip(templates, subjects, strict=True)
        ]
        self.row_prior = [asked.setdefault((template, None), len(asked)) for template in templates]
        self.asked = list(asked)
        self.frames = [frame(template, subject) for template, subject in asked]
        self.scores = np.full((len(asked), len(self.labels)), -np.inf)

    def _tokens(self, texts: Sequence[str]) -> list[Ids]:
        """Ids of each text after the start token."""
        encoded = self.model.tokenizer(list(texts), add_special_tokens=False)["input_ids"] if texts else []
        return [[self.start, *ids] for ids in encoded]

    def score(self) -> None:
        """Asks for the likelihoods; fills in scores, logprob and too_long, some questions at a time."""
        wanted: dict[int, set[int]] = {}
        for questions in (self.row_question, self.row_prior):
            for question, candidate in zip(questions, self.row_candidate, strict=True):
                wanted.setdefault(question, set()).add(candidate)
        alone = self._tokens(self.labels)
        usable = [number for number, ids in enumerate(alone) if set(ids[1:]) - self.spaces]
        step = max(1, CHUNK // max(1, len(usable)))
        for begin in range(0, len(self.asked) if usable else 0, step):
            chosen = range(begin, min(begin + step, len(self.asked)))
            texts = [self._sentence(question, number) for question in chosen for number in usable]
            ids = self._tokens(texts)
            sentences: dict[int, Sentences] = {}
            for index, question in enumerate(chosen):
                mine = ids[index * len(usable) : (index + 1) * len(usable)]
                if max(len(one) for one in mine) > self.model.max_length:
                    self.too_long.add(question)
                    continue
                sentences[question] = Sentences(mine, {})
            pairs = [
                (question, at)
                for question in sentences
                for at, number in enumerate(usable)
                if number in wanted[question]
            ]
            positions = self._object_positions([(question, usable[at]) for question, at in pairs])
            for (question, at), tokens in zip(pairs, positions, strict=True):
                sentences[question].wanted[at] = tokens
            sums, means = log_likelihoods(self.model, list(sentences.values()), self.budget)
            for question, scores, of_objects in zip(sentences, sums, means, strict=True):
                self.scores[question, usable] = scores
                for at, mean in of_objects.items():
                    self.logprob[question, usable[at]] = mean

    def _sentence(self, question: int, candidate: int) -> str:
        before, after = self.frames[question]
        return f"{before}{self.labels[candidate]}{after}"

    def _object_positions(self, pairs: Sequence[tuple[int, int]]) -> list[Ids]:
        """Of the sentence of each (question, candidate), the tokens that overlap its object."""
        if not pairs:  # which a tokenizer would not take
            return []
        texts = [self._sentence(*pair) for pair in pairs]
        encoded = self.model.tokenizer(texts, add_special_tokens=False, return_offsets_mapping=True)
        found = []
        for (question, candidate), offsets in zip(pairs, encoded["offset_mapping"], strict=True):
            begin = len(self.frames[question][0])
            end = begin + len(self.labels[candidate])
            places = enumerate(offsets, 1)  # 1: after the start token
            found.append([token for token, (first, last) in places if max(first, begin) < min(last, end)])
        return found

    def write(self) -> None:
        """Lets the model write; fills in golds, and where the template ends in [Y] prompts and said."""
        pairs = sorted(set(zip(self.row_question, self.row_candidate, strict=True)))
        questions = sorted({question for question, _ in pairs})
        texts = [self.frames[question][0] for question in questions]
        before = dict(zip(questions, self._tokens([text.rstrip() for text in texts]), strict=True))
        together = self._tokens([self.frames[q][0] + self.labels[candidate] for q, candidate in pairs])
        alone = self._tokens(self.labels)
        most = 0
        for (question, candidate), ids in zip(pairs, together, strict=True):
            border = len(before[question])
            after = ids[border:] if ids[:border] == before[question] else alone[candidate][1:]
            self.golds[question, candidate] = self._bare(after)
            if ends_in_object(self.asked[question][0]):
                most = max(most, len(after))
        for question in questions if most else ():
            if not ends_in_object(self.asked[question][0]):
                continue
            if len(before[question]) + most > self.model.max_length:
                self.too_long.add(question)
            else:
                self.prompts[question] = before[question]
        said = continuations(self.model, list(self.prompts.values()), most, self.budget)
        self.said = dict(zip(self.prompts, said, strict=True))

    def _bare(self, ids: Ids) -> tuple[int, ...]:
        return tuple(token for token in ids if token not in self.spaces)

    def matches(self) -> list[int]:
        """Per row, the smallest number of written tokens that are the object; 0 without any."""
        found = []
        for question, candidate in zip(self.row_question, self.row_candidate, strict=True):
            gold, said = self.golds[question, candidate], self._answer(question)
            counts = range(1, len(said) + 1) if gold else ()
            found.append(next((k for k in counts if self._bare(said[:k]) == gold), 0))
        return found

    def _answer(self, question: int) -> Ids:
        """What the model wrote; nothing where it was not asked to."""
        return [] if question in self.too_long or question not in self.said else self.said[question].tolist()

    def predictions(self, rows: pa.Table) -> pa.Table:
        """PREDICTIONS of the relation's rows."""
        matched = self.matches()
        right = {question for question, k in zip(self.row_question, matched, strict=True) if k}
        columns: dict[str, list[object]] = {name: [] for name in PREDICTIONS.names[3:]}
        for question, prior, candidate, k in zip(
            self.row_question, self.row_prior, self.row_candidate, matched, strict=True
        ):
            gold = self.golds[question, candidate]
            asked = ends_in_object(self.asked[question][0])
            said = self._answer(question)
            logprob, rank = self._typed(question, candidate)
            prior_logprob, prior_rank = self._typed(prior, candidate)
            told = {
                "object_ids": gold,
                "predicted_ids": [said[:count] for count in range(1, len(said) + 1)],
                "full_match": k > 0 if asked else None,
                "partial_match": bool(gold) and set(gold) <= set(said) if asked else None,
                "matched_mask_count": k,
                "any_answer_match": question in right if asked else None,
                "object_logprob": logprob,
                "typed_rank": rank,
                "candidates": len(self.labels),
                "prior_logprob": prior_logprob,
                "prior_rank": prior_rank,
                "too_long": question in self.too_long,
            }
            for name, values in columns.items():
                values.append(told.get(name))
        identity = [rows.column(name).combine_chunks() for name in PREDICTIONS.names[:3]]
        made = [pa.array(columns[field.name], field.type) for field in list(PREDICTIONS)[3:]]
        return pa.Table.from_arrays([*identity, *made], schema=PREDICTIONS)

    def _typed(self, question: int, candidate: int) -> tuple[float | None, int | None]:
        if question in self.too_long:
            return None, None
        return self.logprob.get((question, candidate)), typed_rank(self.scores[question], candidate)

    def neurons(self, rows: Sequence[int], counts: Sequence[int]) -> list[torch.Tensor]:
        """Of each of these rows: the neurons [layers, neurons], averaged over where its answer of so many
        tokens is predicted.
        """
        keys = [(self.row_question[row], k) for row, k in zip(rows, counts, strict=True)]
        distinct = list(dict.fromkeys(keys))
        found: dict[tuple[int, int], torch.Tensor] = {}
        ffn = self.model.ffn
        inputs = [
            np.array([*self.prompts[question], *self.said[question][: k - 1]], np.int32)
            for question, k in distinct
        ]

        def run(indices: list[int]) -> None:
            positions = [np.arange(len(inputs[n]) - distinct[n][1], len(inputs[n])) for n in indices]
            _, neurons = forward_with_neurons(
                self.model, Batch(self.model, [inputs[n] for n in indices], positions)
            )
            for number, values in zip(indices, neurons.split([len(some) for some in positions]), strict=True):
                found[distinct[number]] = values.float().mean(dim=0).cpu()

        budget = min(fitting(self.model, self.budget), NEURON_BYTES // (4 * ffn.layers * ffn.neurons))
        in_batches(self.model, [len(ids) for ids in inputs], budget, run)
        return [found[key] for key in keys]


def start_token(model: LoadedModel) -> int:
    """The token that every sentence begins with: BOS, else EOS. Raises InputError without either."""
    for token in (model.tokenizer.bos_token_id, model.tokenizer.eos_token_id):
        if token is not None:
            return int(token)
    raise InputError(
        f"{type(model.model).__name__}: its tokenizer has neither a BOS nor an EOS token to begin a sentence "
        "with; set bos_token in tokenizer_config.json"
    )
