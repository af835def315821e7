"""The slides: a deck in each language, checked and built."""

from diffeo_course.slides.building import build
from diffeo_course.slides.deck import FILES, VERSIONS, Deck, SlidesError, numbers

__all__ = ["FILES", "VERSIONS", "Deck", "SlidesError", "build", "numbers"]
