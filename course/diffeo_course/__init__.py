"""The course's tools: what builds its slides and notebooks, grades its assignment, and packs its kit."""
