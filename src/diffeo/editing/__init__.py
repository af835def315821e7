"""Editing images where they are noise: encode, change z, decode."""

from diffeo.editing.interpolation import interpolate as interpolate
from diffeo.editing.latent import decode_images as decode_images
from diffeo.editing.latent import encode_images as encode_images
