"""Neurons: which ones a fact activates, how alike they are between languages, what they cause."""
