"""Languages: where they are spoken, how they are written, and which of them know the same facts.

Here belong properties of languages as such and comparisons of languages over facts. Names of languages for
readers are `report`; what is read of a language's Wikipedia is `corpora` and `text`.

A new language needs one row of `geography.MLAMA_PLACES`, with its code as mLAMA's and Wikipedia's folders
have it, its place and its script: the list of languages (`settings`), the partitions and the
comparisons follow from there.
"""
