"""How a model becomes files and comes back, and within which limits files of others are taken."""
