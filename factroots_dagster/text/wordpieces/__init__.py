"""A tokenizer's wordpieces looked for in whole articles, as the paper does."""
