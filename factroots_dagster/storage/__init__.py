"""Where tables and tensors live on disk and how a partition is published whole or not at all."""
