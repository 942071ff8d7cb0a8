"""Feed-forward neurons: reading them, which ones a fact activates, how alike languages are, their effect."""
