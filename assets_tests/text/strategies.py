"""Texts for property-based tests: characters that combine, that are invisible, and that have no spaces."""

from __future__ import annotations

import unicodedata

from hypothesis import strategies as st

WILD_TEXT = st.text(
    st.sampled_from(
        "abÉe\u0301\u0323\u030a \u00a0\u200b\u200d\u200e\ufeff\u00ad"
        "\u09c7\u09be\u09dfক가\u1100\u1161\u11a8東漢汉.-'0\U00020000"
    )
    | st.characters(),
    max_size=30,
)

COMPOSABLE = st.sampled_from(
    [
        chr(code)
        for code in range(0x30000)
        if unicodedata.combining(chr(code))
        or (unicodedata.decomposition(chr(code)) or "<").startswith("<") is False
        or 0x1100 <= code < 0x1200
    ]
)
"""Characters that NFC composes, decomposes or reorders."""
