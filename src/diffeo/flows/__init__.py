"""Recipes: each file reads like its paper. ``diffeo/__init__.pyi`` lists them, and nothing else does."""
