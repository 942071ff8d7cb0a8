"""The tables about models. Schemas only (pyarrow, nothing heavier): loading the definitions imports this."""

from __future__ import annotations

import pyarrow as pa

from factroots_dagster.tables import FACT_KEY, boolean, column, int32, int64, string, table

CHECKPOINT = table(
    string("checkpoint", "Key of the checkpoint: the partition key of every table about it"),
    string("source", "Hugging Face hub id, or the name of the local folder"),
    string("revision", "Hub commit, or a digest of the local folder's files"),
    int64(
        "step", "Steps of training, as the name of the folder, model or revision says; null if it does not"
    ),
    int64("tokens", "Tokens of training, as the name says; null if it does not"),
    string("architecture", "Class of the model in transformers, such as BertForMaskedLM"),
    string(
        "family",
        "`masked`: a masked language model (encoder); `causal`: a causal one (decoder); `encoder-decoder`: "
        "one that completes text",
    ),
    int64(
        "layers",
        "Number of layers (encoder-decoder: of the decoder); one that is applied repeatedly counts each time",
    ),
    int64("hidden_size", "Width of the hidden states"),
    int64(
        "neurons",
        "Number of feed-forward neurons in the widest layer; others are filled up with zeros. Mixtures of "
        "experts: those of the shared expert, if any, then of every expert in its order. Mamba, which has "
        "none: the inputs of the mixer's output projection",
    ),
    int64("experts", "Number of experts in a layer of a mixture of experts; null for other models"),
    int64("parameters", "Number of parameters, tied weights counted once"),
    int64("vocabulary", "Number of entries in the tokenizer's vocabulary"),
    int64("max_length", "Longest input in tokens, special tokens included"),
    string(
        "objects",
        "Whose tokens an object has: `label`: its label's alone; `sentence`: those that it has in the "
        "sentence, with the space before it",
    ),
    string(
        "batches",
        "Which prompts share a batch: `padded`: of any lengths; `equal lengths`: the model was found to "
        "answer otherwise beside padding",
    ),
    boolean(
        "continued",
        "Whether a decoder continues sentences from a cache of what they begin with; else it reads each "
        "whole, slower; null for a masked model",
    ),
    string(
        "precision",
        "Number format in which it runs, on whatever machine: `float32`, `bfloat16`; with "
        "FACTROOTS_PRECISION=auto that of the machine that described it",
    ),
    string("start", "The tokens that a decoder's sentences begin with; null for a masked model"),
    boolean("fast_head", "Whether logits are computed only where they are needed; else everywhere, slower"),
    column(
        "answers",
        pa.list_(pa.int32()),
        "Token that ranks first at every place of a prompt of random tokens, always the same one: whether "
        "another version of torch or transformers changes what the model answers",
    ),
    string("tokenizer_sha256", "SHA-256 over the tokenizer's files"),
    string("weights_sha256", "SHA-256 over the weight files"),
    string("corpus", "What it was trained on: `wikipedia`, `commoncrawl`, `sandbox` (generated), `unknown`"),
    column(
        "corpora",
        pa.list_(pa.string()),
        "Corpora of FACTROOTS_CORPORA that it was trained on, as registered: in these the sources of its "
        "facts are looked for; null: in all",
    ),
)
"""One row per checkpoint: what the model is, and which files it was read from."""

ACTIVATION_INDEX = table(
    *FACT_KEY,
    int64("row", "First index into the file's tensor `activations` [facts, layers, neurons], from 0"),
    int32(
        "mask_count",
        "Number of masks of the correct prompt (decoder: tokens of the correct answer); the activations are "
        "the mean over them",
    ),
    string("file", "Name of the tensor file beside the index: `<relation>.safetensors`"),
    column(
        "experts",
        pa.list_(pa.list_(pa.int32())),
        "Experts that the fact's tokens were routed to, by layer; null where the model has none",
    ),
)
"""One row per correctly predicted fact and language: where its neuron activations are stored."""
