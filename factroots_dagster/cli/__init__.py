"""The `factroots` command: what `dagster` itself has no verb for."""
