"""What asset bodies are given by Dagster: the store, a Spark session, the models."""
