"""The process stage: what the product needs, made from the original, in child processes."""
