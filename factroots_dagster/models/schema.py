"""Tables about models. Schemas only (pyarrow, nothing heavier): loading the definitions imports this."""

from __future__ import annotations

import pyarrow as pa

CHECKPOINT = pa.schema(
    [
        ("checkpoint", pa.string()),  # the partition key
        ("source", pa.string()),  # hub id, or the folder's name
        ("revision", pa.string()),  # hub commit, or a digest of the folder's files
        ("architecture", pa.string()),
        ("family", pa.string()),  # "masked" | "causal"
        ("layers", pa.int64()),
        ("hidden_size", pa.int64()),
        ("neurons", pa.int64()),  # FFN neurons of one layer
        ("parameters", pa.int64()),  # tied weights counted once
        ("vocabulary", pa.int64()),
        ("max_length", pa.int64()),  # longest input in tokens, special tokens included
        ("tokenizer_sha256", pa.string()),
        ("weights_sha256", pa.string()),
        ("corpus", pa.string()),  # "wikipedia" | "commoncrawl" | "unknown" | "sandbox"
    ]
)

ACTIVATION_INDEX = pa.schema(
    [
        ("uuid", pa.string()),
        ("language", pa.string()),
        ("relation", pa.string()),
        ("row", pa.int64()),  # first index into the file's tensor "activations" [facts, layers, neurons]
        ("mask_count", pa.int32()),  # the prompt that was right; the vector is the mean over its masks
        ("file", pa.string()),  # "<relation>.safetensors", beside the index
    ]
)
