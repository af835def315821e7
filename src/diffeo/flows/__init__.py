"""Recipes: each file reads like its paper."""

from diffeo.flows.glow import Glow as Glow
from diffeo.flows.nice import NICE as NICE
from diffeo.flows.realnvp import RealNVP as RealNVP
