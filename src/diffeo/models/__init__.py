"""Models by name: those that ship with diffeo, their cards, and the hub."""

from diffeo.models.cards import card as card
from diffeo.models.cards import in_words as in_words
from diffeo.models.cards import table as table
from diffeo.models.cards import temperature as temperature
from diffeo.models.places import find as find
from diffeo.models.places import folder as folder
from diffeo.models.places import names as names
