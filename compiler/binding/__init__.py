"""The syntax tree, bound to the language's models."""
