"""Statistics over languages: which of them know the same facts, and what goes with that."""
