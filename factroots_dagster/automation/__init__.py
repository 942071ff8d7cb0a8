"""When the graph is refreshed: jobs by name, and the sensor that notices new checkpoints."""
