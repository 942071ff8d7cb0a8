"""Generated worlds: facts, names, articles and a small model, with planted truth."""
