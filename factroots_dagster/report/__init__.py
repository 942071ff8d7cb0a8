"""Where a fact comes from: its type in every language, scored, compared and shown."""
