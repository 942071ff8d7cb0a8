"""What a model predicts: prompts, answers, scores."""
