"""A tiny world with a tiny checkpoint, and the content that every asset has in it.

`checkpoint/` is a BERT of 2 layers, trained once by `python -m assets_tests.orchestration.golden --train`;
`contents.json` holds, by asset, the number of its code and the digest of its content. They are recorded by
`python -m assets_tests.orchestration.golden --record`.
"""
