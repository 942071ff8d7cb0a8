"""What asset bodies are given: the store, a Spark session, a checkpoint loader."""
