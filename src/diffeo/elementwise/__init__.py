"""One-dimensional invertible maps, shared by coupling layers."""

from diffeo.elementwise.additive import Additive as Additive
from diffeo.elementwise.affine import Affine as Affine
from diffeo.elementwise.bound import bounded as bounded
from diffeo.elementwise.bound import unbounded as unbounded
from diffeo.elementwise.elementwise import Elementwise as Elementwise
from diffeo.elementwise.elementwise import expect_elementwise as expect_elementwise
