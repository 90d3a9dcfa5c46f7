"""What a finished network answers: of an image and its mirror image, where its specification says so."""

from __future__ import annotations

from torch import Tensor

from bioloc.networks.network import Network
from bioloc.networks.views import Views

_APART = 4
"""Pixels that an image is moved one way and its mirror image the other (our choice; no more than training moves them)."""


def both_ways(network: Network, views: Views, apart: int = 0) -> Tensor:
    """What the network gives, as the mean of the image's and its mirror image's: (V, h, w) logits or (V,) numbers.

    Moved `apart` pixels, down and right and up and left, the two have blocks of subpixels and the encoder's strides on
    other pixels: errors that hang on where these lie are averaged too, at no cost. Left and right are alike without it.
    """
    one, other = network.asked(views.rolled(apart, apart)), network.asked(views.rolled(-apart, -apart).mirrored())
    if one.ndim == 3:
        one, other = one.roll((-apart, -apart), (-2, -1)), other.flip(-1).roll((apart, apart), (-2, -1))
    return (one + other) / 2


def answer(network: Network, views: Views) -> Tensor:
    """(V, h, w) logits or (V,) numbers, as the network's specification wants them made."""
    return both_ways(network, views, _APART) if network.spec.mirrored else network.asked(views)
