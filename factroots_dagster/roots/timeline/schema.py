"""Tables about when facts are learnt. Imports pyarrow only: the asset definitions load this module."""

from __future__ import annotations

import pyarrow as pa

from factroots_dagster.tables import (
    ALL_LANGUAGES,
    FACT_KEY,
    LANGUAGE,
    UUID,
    boolean,
    column,
    float64,
    int64,
    string,
    table,
)

_RUN = string("run", "The run: the key of its last checkpoint")
_INTERVAL = "of the 95% interval of transfer, over facts and the model's coefficients"
_PLACEBO = (
    "where every language keeps its sources and is given the answers of another: the mean over random "
    "exchanges; null with one language"
)

KNOWLEDGE_TIMELINE = table(
    _RUN,
    *FACT_KEY,
    int64("checkpoints", "Number of the run's checkpoints that were asked the fact"),
    int64("known_checkpoints", "How many of them know it: a full match"),
    int64(
        "learnt_after",
        "Training step of the last checkpoint before the first that knows the fact: it was learnt after this "
        "step, and by first_known. Of a fact that no checkpoint knows: the last step. Null where the first "
        "checkpoint knows it",
    ),
    int64("first_known", "Step of the first checkpoint that knows the fact; null if none does (censored)"),
    int64("last_known", "Step of the last checkpoint that knows the fact; null if none does"),
    int64(
        "known_since",
        "First step from which every checkpoint to the last knows the fact; null if the last does not",
    ),
    boolean("known_at_last", "Whether the last checkpoint knows the fact"),
    int64("forgettings", "How often a checkpoint knows the fact and the next one does not"),
    int64("windows", "Windows of the language's corpora that name subject and object: its own sources"),
    int64("windows_elsewhere", "The same in the other languages together"),
    column(
        "first_languages",
        pa.list_(pa.string()),
        "Of the other languages that have a source, those that knew the fact first, where that is a "
        "checkpoint that did not know it in this language yet",
    ),
    int64(
        "lag", "Steps from their first_known to this language's; null without them, and if it was not learnt"
    ),
    float64(
        "expected",
        "How often the fact was to be learnt until it was, or to the last checkpoint, by the frequency model "
        "if no other language had known it (cumulative hazard); null where the model could not be fitted",
    ),
    float64(
        "residual",
        "1 if the fact was learnt, else 0, minus expected: above 0 where it was learnt earlier than the "
        "frequency of its own sources explains; null as expected",
    ),
    nullable=("learnt_after", "first_known", "last_known", "known_since", "lag", "expected", "residual"),
)
"""One row per run, fact and language that every checkpoint of the language was asked."""

LANGUAGE_LAGS = table(
    _RUN,
    UUID,
    LANGUAGE,
    string(
        "source_language", "Another language that has a source of the fact and knew it at some checkpoint"
    ),
    int64("first_known", "Step of the first checkpoint that knows the fact in `language`; null if none does"),
    int64("source_first_known", "The same in `source_language`"),
    int64("lag", "first_known - source_first_known: below 0 where `language` came first; null if not learnt"),
    int64(
        "lag_low",
        "More than so many steps lie between the two, as checkpoints are some steps apart; exact orders have "
        "lag_low of 0 or more, or lag_high of 0 or less",
    ),
    int64("lag_high", "Fewer than so many steps lie between the two; null if the fact was not learnt"),
    nullable=("first_known", "lag", "lag_high"),
)
"""One row per run, fact, language that was asked it, and other language that states and knew it."""

TIMELINE_LANGUAGES = table(
    _RUN,
    ALL_LANGUAGES,
    int64("checkpoints", "Number of checkpoints; of all languages, the most that one of them has"),
    int64("facts", "Number of facts"),
    int64("learnt", "Facts that some checkpoint knows"),
    int64("known_at_last", "Facts that the last checkpoint knows"),
    int64("forgotten", "Facts that were learnt and are not known at the last checkpoint"),
    int64("forgettings", "How often a checkpoint knows a fact and the next one does not"),
    float64("forgettings_shuffled", "The same if the checkpoints came in a random order: its mean"),
    float64("median_step", "Median of first_known over the facts that were learnt; null without any"),
    int64("unsourced", "Facts without a source in the language and with one in another"),
    int64("unsourced_learnt", "How many of them some checkpoint knows"),
    int64("nowhere", "Facts without a source in any language"),
    int64("nowhere_learnt", "How many of them some checkpoint knows: luck, easy facts, or sources not found"),
    int64("behind", "Facts that were learnt, and that another language that states them knew before"),
    float64("median_lag", "Median lag of these behind the first of those languages; null without any"),
    float64("behind_shuffled", f"behind {_PLACEBO}"),
    float64("median_lag_shuffled", f"median_lag {_PLACEBO}"),
    float64(
        "frequency_effect",
        "Log odds of being learnt from one checkpoint to the next that a doubling of the own windows (plus "
        "one) adds; null where the model could not be fitted or windows do not differ, and for all languages",
    ),
    float64("frequency_low", "Lower end of its 95% interval (cluster-robust over facts); null as it is"),
    float64("frequency_high", "Upper end of its 95% interval; null as it is"),
    float64(
        "elsewhere_effect",
        "Log odds that it adds if another language with a source knew the fact at an earlier checkpoint; "
        "null as frequency_effect",
    ),
    float64("elsewhere_low", "Lower end of its 95% interval (cluster-robust over facts); null as it is"),
    float64("elsewhere_high", "Upper end of its 95% interval; null as it is"),
    float64(
        "transfer",
        "Facts that were learnt beyond what the frequency of the own sources explains: the sum of residual; "
        "null where the model could not be fitted",
    ),
    float64("transfer_low", f"Lower end {_INTERVAL}; null as transfer"),
    float64("transfer_high", f"Upper end {_INTERVAL}; null as transfer"),
    float64("transfer_shuffled", f"transfer {_PLACEBO}"),
    float64("transfer_shuffled_low", "The smallest of these; null as transfer_shuffled"),
    float64("transfer_shuffled_high", "The largest of these; null as transfer_shuffled"),
    nullable=(
        "median_step",
        *(f"{effect}_{end}" for effect in ("frequency", "elsewhere") for end in ("effect", "low", "high")),
        *("transfer", "transfer_low", "transfer_high"),
        *("median_lag", "behind_shuffled", "median_lag_shuffled"),
        *("transfer_shuffled", "transfer_shuffled_low", "transfer_shuffled_high"),
    ),
)
"""One row per run and language, and one for all languages of a run."""
