"""Language models: where their files are, what they contain, and one forward pass through them.

Belongs here: everything that depends on the model alone, down to its logits and neurons. A model family is
added in `feed_forward` and `heads`, and nowhere else. Does not belong here: prompts and answers (`probing/`),
and what neurons say about facts (`neurons/`).
"""
