"""Other fact sets, brought into mLAMA's format: one module per format, listed in `registry.py`.

A reader walks over the files of its format and hands every template and fact to a `Draft`, which checks them
and keeps a list of what it left out and why; `write.py` makes a world of it. Readers decide nothing: what a
sound fact is, is said once, in `draft.py`.
"""
