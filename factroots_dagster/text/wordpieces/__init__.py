"""Wordpieces: a checkpoint's tokenizer applied to whole articles, and the paper's search for labels in them.

- `search`: where labels occur, the only entry point for other folders.
- `word_tokenizer`: cuts texts into words, and words into pieces; `greedy` does so fast for plain WordPiece.
- `piece_cache`: pieces of words that have occurred before.
"""
