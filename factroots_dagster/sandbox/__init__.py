"""Generated worlds with planted truth: facts, names, articles, dumps, and the small BERT trained on them.

Here belongs what generates a world and what is known of it by construction. Nothing here reads dumps, probes
models or computes results; the platform treats a generated world like any other mLAMA release and Wikipedia.
"""
