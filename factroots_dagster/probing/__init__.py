"""What a model predicts when it is asked a fact: prompts, answers, scores.

`probe` is the entry point; `masked` and `causal` are the two probers behind it. Belongs here: everything that
decides what a model is asked and how its answer is judged. Does not belong here: loading and running models
(`models/`), and what the neurons of a correct answer mean (`neurons/`).
"""
