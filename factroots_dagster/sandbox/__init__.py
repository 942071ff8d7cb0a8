"""The embedded default world: facts with planted truth, their dumps, and a small BERT trained on these."""
