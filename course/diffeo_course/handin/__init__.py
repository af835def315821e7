"""A hand-in: what a student sends, read within limits."""
