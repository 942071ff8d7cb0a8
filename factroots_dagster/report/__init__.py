"""The pages that people open: sections, figures, the fact explorer, checkpoints side by side."""
