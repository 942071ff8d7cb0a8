"""Factual probing: checkpoints, prompts, predictions and their scores."""
