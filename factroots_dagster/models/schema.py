"""The tables about models. Schemas only (pyarrow, nothing heavier): loading the definitions imports this."""

from __future__ import annotations

import pyarrow as pa

from factroots_dagster.tables import column

CHECKPOINT = pa.schema(
    [
        column("checkpoint", pa.string(), "Key of the checkpoint: the partition key of every table about it"),
        column("source", pa.string(), "Hugging Face hub id, or the name of the local folder"),
        column("revision", pa.string(), "Hub commit, or a digest of the local folder's files"),
        column("architecture", pa.string(), "Class of the model in transformers, such as BertForMaskedLM"),
        column(
            "family",
            pa.string(),
            "`masked`: a masked language model (encoder); `causal`: a causal language model (decoder)",
        ),
        column("layers", pa.int64(), "Number of transformer layers"),
        column("hidden_size", pa.int64(), "Width of the hidden states"),
        column("neurons", pa.int64(), "Number of feed-forward neurons in each layer"),
        column("parameters", pa.int64(), "Number of parameters, tied weights counted once"),
        column("vocabulary", pa.int64(), "Number of entries in the tokenizer's vocabulary"),
        column("max_length", pa.int64(), "Longest input in tokens, special tokens included"),
        column("tokenizer_sha256", pa.string(), "SHA-256 over the tokenizer's files"),
        column("weights_sha256", pa.string(), "SHA-256 over the weight files"),
        column(
            "corpus",
            pa.string(),
            "What the model was trained on: `wikipedia`, `commoncrawl`, `sandbox` (generated), or `unknown`",
        ),
    ]
)
"""One row per checkpoint: what the model is, and which files it was read from."""

ACTIVATION_INDEX = pa.schema(
    [
        column("uuid", pa.string(), "mLAMA's identifier of the fact"),
        column("language", pa.string(), "Code of the language in which the fact was probed"),
        column("relation", pa.string(), "Wikidata property of the fact, such as P36"),
        column(
            "row",
            pa.int64(),
            "First index into the file's tensor `activations` [facts, layers, neurons], counted from 0",
        ),
        column(
            "mask_count",
            pa.int32(),
            "Number of masks of the correct prompt (decoder: tokens of the correct answer); the activations "
            "are the mean over them",
        ),
        column("file", pa.string(), "Name of the tensor file beside the index: `<relation>.safetensors`"),
    ]
)
"""One row per correctly predicted fact and language: where its neuron activations are stored."""
