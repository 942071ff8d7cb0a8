"""The log-likelihoods of a question's sentences, run as tries: what candidates share is run once.

The sentences of a question are a trie of tokens below those that all of them begin with. As log-probabilities
are not positive, what is known of a sentence's beginning bounds its log-likelihood from above. Where only the
best candidates and the given ones are wanted, nodes are run best bound first, and none that cannot be among
the best: so what follows [Y] is run only where it can change the ranking, and the rest of a long name neither
where its beginning is already too improbable. What is wanted is exact.

Many questions are run together, each a row of the cache (`models.tries`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate

import numpy as np
import numpy.typing as npt
import torch

from factroots_dagster.models.checkpoint import LoadedModel
from factroots_dagster.models.forward import run_in_batches
from factroots_dagster.models.tries import extend_rows, start_rows
from factroots_dagster.probing.causal_likelihood import (
    Floats,
    Sentences,
    fitting_budget,
    log_likelihoods,
    log_probabilities,
    most_cached_tokens,
)

SENTENCES = 32  # of a question that are continued at once, or more where few questions are left
ROW_NODES = 1_024  # a question with more has several rows, so that no token has to see too many

Integers = npt.NDArray[np.int64]


def score_sentences(
    model: LoadedModel, questions: Sequence[Sentences], budget: int
) -> tuple[list[Floats], list[dict[int, float]]]:
    """As `causal_likelihood.log_likelihoods`, with -inf for the candidates that are not wanted.

    Which are wanted is said by `Sentences.best`. Questions that the model cannot run as tries are run there.
    """
    in_tries = [n for n, question in enumerate(questions) if question.longest <= model.longest_in_trie]
    others = sorted({*range(len(questions))} - {*in_tries})
    sums: list[Floats] = [np.zeros(0)] * len(questions)
    means: list[dict[int, float]] = [{}] * len(questions)
    whole_sums, whole_means = log_likelihoods(model, [questions[number] for number in others], budget)
    for number, of_question, of_objects in zip(others, whole_sums, whole_means, strict=True):
        sums[number], means[number] = of_question, of_objects
    fitting = fitting_budget(model, budget)
    groups: dict[tuple[int, bool], list[tuple[int, _Search]]] = {}
    for number in in_tries:
        search = _Search(questions[number])
        groups.setdefault((search.shared, search.exhaustive), []).append((number, search))
    for _, members in sorted(groups.items()):
        searches = [search for _, search in members]

        def run(indices: list[int], searches: list[_Search] = searches) -> None:
            for index in indices:
                searches[index].begin()
            _run_searches(model, [searches[index] for index in indices], fitting)

        sizes = [search.tokens(fitting / most_cached_tokens(model)) for search in searches]
        run_in_batches(model, sizes, fitting, run)
        for number, search in members:
            sums[number], means[number] = search.sums(), search.means()
    return sums, means


class _Trie:
    """Some of a question's sentences as one trie, a row of the cache.

    Node 0 is the last token of the shared beginning. parents, tokens, depths: of each node. paths:
    [sentences, longest], the nodes of each, filled up with -1. logprobs: of each node's token, NaN while
    unknown.
    """

    def __init__(self, sentences: Sequence[Sequence[int]]):
        """sentences: the tokens of each after the shared ones."""
        self.parents, self.tokens, self.depths = [-1], [-1], [0]
        self.children: list[list[int]] = [[]]
        numbers: dict[tuple[int, int], int] = {}
        self.lengths = np.array([len(sentence) for sentence in sentences])
        self.paths = np.full((len(sentences), max(1, self.lengths.max())), -1, np.int64)
        for row, sentence in enumerate(sentences):
            node = 0
            for place, token in enumerate(sentence):
                child = numbers.get((node, token))
                if child is None:
                    child = numbers[node, token] = len(self.parents)
                    self.parents.append(node)
                    self.tokens.append(token)
                    self.depths.append(place + 1)
                    self.children.append([])
                    self.children[node].append(child)
                node = child
                self.paths[row, place] = node
        self.inner = sum(map(bool, self.children)) - 1  # nodes that have to be run to score all sentences
        self.begin()

    def begin(self) -> None:
        """Forgets what was computed."""
        self.logprobs = np.full(len(self.parents), np.nan)
        self.slots: dict[int, int] = {}  # the place in the cache of each node that was run

    def known(self) -> tuple[Floats, Integers]:
        """Of each sentence the sum of its known log-probabilities, and their number."""
        values = np.where(self.paths >= 0, self.logprobs[self.paths], np.nan)
        return np.nansum(values, axis=1), np.isfinite(values).sum(axis=1)

    def unrun(self, sentence: int, known: int, *, to_end: bool) -> Iterator[int]:
        """The nodes of a sentence that are run next: the last known one, or all up to its last token."""
        path = self.paths[sentence]
        yield from path[known - 1 : self.lengths[sentence] - 1 if to_end else known].tolist()

    def ancestors(self, node: int) -> Iterator[int]:
        """The node and those above it, without the shared beginning."""
        while node:
            yield node
            node = self.parents[node]


class _Search:
    """The sentences of one question, and which of their nodes have to be run."""

    def __init__(self, question: Sentences):
        self.question = question
        self.shared = question.shared
        # Sorted, so that sentences of one row share much.
        self.order = sorted(range(len(question.ids)), key=question.ids.__getitem__)
        rests = [question.ids[number][self.shared :] for number in self.order]
        self.tries = [_Trie(part) for part in _in_parts(rests)]
        self.bounds = [0, *accumulate(len(trie.paths) for trie in self.tries)]
        self.given = np.isin(self.order, list(question.object_positions))
        self.exhaustive = question.best is None or question.best >= len(rests)
        self.size = self.shared + sum(trie.inner for trie in self.tries)

    def tokens(self, share: float) -> int:
        """How many tokens it counts for in a batch: those that are run at once.

        share: what part of the tokens whose keys and values fit into memory the budget of a batch is.
        """
        return self.size if self.exhaustive else max(SENTENCES, round(self.size * share))

    def begin(self) -> None:
        for trie in self.tries:
            trie.begin()

    def _known(self) -> tuple[Floats, npt.NDArray[np.bool_], Integers]:
        """Of all sentences, in sorted order: upper bounds, whether they are exact, known tokens."""
        sums, counts = (np.concatenate(part) for part in zip(*(t.known() for t in self.tries), strict=True))
        return sums, counts == np.concatenate([trie.lengths for trie in self.tries]), counts

    def next_nodes(self, sentences: int) -> list[list[int]]:
        """The nodes of each trie to run next, parents before children; none once all that is wanted is known.

        sentences: of how many, the best so far, a node is run, beside the given ones.
        """
        bounds, finished, counts = self._known()
        wanted = ~finished
        if not self.exhaustive:
            wanted &= (bounds >= self._threshold(bounds, finished)) | self.given
            ordered = np.flatnonzero(wanted)
            best = ordered[np.argsort(-bounds[ordered], kind="stable")][:sentences]
            wanted = np.isin(np.arange(len(wanted)), best) | (wanted & self.given)
        nodes = []
        for trie, begin, end in zip(self.tries, self.bounds, self.bounds[1:], strict=False):
            new = {
                node
                for number in np.flatnonzero(wanted[begin:end]).tolist()
                for node in trie.unrun(
                    number,
                    int(counts[begin + number]),
                    to_end=self.exhaustive or bool(self.given[begin + number]),
                )
            }
            nodes.append(sorted(new))
        return nodes

    def _threshold(self, bounds: Floats, finished: npt.NDArray[np.bool_]) -> float:
        """A sentence whose log-likelihood is below changes neither the given ranks nor the best."""
        exact = np.sort(bounds[finished])
        best = self.question.best or 0
        given = bounds[self.given] if finished[self.given].all() else np.array([-np.inf])
        last = exact[-best] if len(exact) >= best > 0 else -np.inf
        return float(min([last, *given]))

    def sums(self) -> Floats:
        """Log-likelihoods [candidates] after the shared tokens; -inf for those that rank below the wanted."""
        bounds, finished, _ = self._known()
        if not self.exhaustive:  # among lower ones some may be missing
            finished &= bounds >= self._threshold(bounds, finished)
        sums = np.full(len(self.order), -np.inf)
        sums[self.order] = np.where(finished, bounds, -np.inf)
        return sums

    def means(self) -> dict[int, float]:
        """The mean log-probability at the object positions, by given candidate."""
        means = {}
        for place in np.flatnonzero(self.given).tolist():
            candidate = self.order[place]
            number = int(np.searchsorted(self.bounds, place, side="right")) - 1
            trie = self.tries[number]
            path = trie.paths[place - self.bounds[number]]
            if positions := self.question.object_positions[candidate]:
                means[candidate] = float(trie.logprobs[path[np.array(positions) - self.shared]].mean())
        return means


def _in_parts(sentences: Sequence[Sequence[int]]) -> Iterator[Sequence[Sequence[int]]]:
    """The sentences, sorted, in parts of about ROW_NODES different beginnings."""
    begin = nodes = 0
    for number, sentence in enumerate(sentences):
        before = sentences[number - 1] if number > begin else ()
        common = next(
            (n for n, (one, other) in enumerate(zip(before, sentence, strict=False)) if one != other),
            min(len(before), len(sentence)),
        )
        if number > begin and nodes + len(sentence) - common > ROW_NODES:
            yield sentences[begin:number]
            begin, nodes, common = number, 0, 0
        nodes += len(sentence) - common
    yield sentences[begin:]


def _run_searches(model: LoadedModel, searches: Sequence[_Search], budget: int) -> None:
    """Runs nodes until all that is wanted is known, about `budget` at a time.

    Of all searches equally many tokens are shared.
    """
    module = model.model if model.head is None else model.model.base_model
    shared = searches[0].shared
    beginnings = torch.tensor([search.question.ids[0][:shared] for search in searches], device=model.device)
    hidden, cache = start_rows(module, beginnings)
    _record(model, hidden[:, -1], [[(trie, 0) for trie in search.tries] for search in searches])
    # Of each search the rows of the cache in which its tries are; at first all are in one.
    places = {number: [number] * len(search.tries) for number, search in enumerate(searches)}
    cached = shared
    while nodes := _pending({number: searches[number] for number in places}, budget):
        selected = [row for number in nodes for row in places[number]]
        if selected != list(range(len(selected))) or len(nodes) < len(places):
            cache.batch_select_indices(torch.tensor(selected, device=model.device))
        rows = [
            (trie, new)
            for number, of_search in nodes.items()
            for trie, new in zip(searches[number].tries, of_search, strict=True)
        ]
        numbers = iter(range(len(rows)))
        places = {number: [next(numbers) for _ in searches[number].tries] for number in nodes}
        hidden = extend_rows(module, cache, *_lay_out(rows, shared, cached))
        cached += hidden.shape[1]
        tokens = [(row, column) for row, (_, new) in enumerate(rows) for column in range(len(new))]
        row_of, column_of = torch.tensor(tokens, device=hidden.device).T
        _record(model, hidden[row_of, column_of], [[(trie, node)] for trie, new in rows for node in new])


def _pending(searches: Mapping[int, _Search], budget: int) -> dict[int, list[list[int]]]:
    """The nodes to run next of every search that is not finished."""
    each = max(SENTENCES, budget // max(1, len(searches)))
    nodes = {number: search.next_nodes(each) for number, search in searches.items()}
    return {number: of_search for number, of_search in nodes.items() if any(of_search)}


def _lay_out(
    rows: Sequence[tuple[_Trie, list[int]]], shared: int, cached: int
) -> tuple[Integers, Integers, npt.NDArray[np.bool_]]:
    """What `extend_rows` needs to run new nodes, given with their tries, of which it notes the places."""
    width = max(len(new) for _, new in rows)
    ids, positions = np.zeros((2, len(rows), width), np.int64)
    visible = np.zeros((len(rows), width, cached + width), bool)
    visible[:, :, :shared] = True
    for row, (trie, new) in enumerate(rows):
        for column, node in enumerate(new):
            ids[row, column] = trie.tokens[node]
            positions[row, column] = shared - 1 + trie.depths[node]
            trie.slots[node] = cached + column
            visible[row, column, [trie.slots[above] for above in trie.ancestors(node)]] = True
    return ids, positions, visible


def _record(model: LoadedModel, hidden: torch.Tensor, nodes: Sequence[Sequence[tuple[_Trie, int]]]) -> None:
    """Computes the log-probabilities of the children of nodes, from what the model made of the nodes.

    nodes: for each row of hidden [m, hidden] the nodes that it stands for.
    """
    owners, tokens, children = [], [], []
    for row, of_row in enumerate(nodes):
        for trie, node in of_row:
            for child in trie.children[node]:
                owners.append(row)
                tokens.append(trie.tokens[child])
                children.append((trie, child))
    values = log_probabilities(model, hidden, np.array(owners, np.int64), np.array(tokens, np.int64))
    for (trie, child), value in zip(children, values.tolist(), strict=True):
        trie.logprobs[child] = value
