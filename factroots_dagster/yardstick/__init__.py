"""The yardstick: what a generated world's model knew a fact from, found by retraining, and who can tell.

Here belongs what measures the types against that truth, beside placebos and rivals. The worlds themselves and
their training are the sandbox's.
"""
