"""Language models: where their files are, what they are, and one forward pass through them.

Which prompts are asked is `probing/`.
"""
