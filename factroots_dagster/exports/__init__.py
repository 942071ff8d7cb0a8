"""Facts and results for other tools: lm-evaluation-harness, and data sets of the Hugging Face hub.

Belongs here: one module per format that reads the store and writes a folder. Does not belong here: any
computation; an export holds what the store holds.
"""
