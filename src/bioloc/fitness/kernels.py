"""Which reconstruction kernels are sharp, by their names."""

from __future__ import annotations

import re

_GE_WORDS = frozenset(["LUNG", "BONE", "BONEPLUS", "DETAIL", "EDGE", "ULTRA"])
_PHILIPS_NAMES = frozenset(["L", "E", "EA", "EB", "EC", "YA", "YB", "YC", "YD"])
_SPELT_OUT = frozenset(["SHARP", "VSHARP"])
_CANON = re.compile(r"FC(\d\d)")
_CANON_SHARP = (range(30, 40), range(50, 60), range(80, 90))
_SIEMENS = re.compile(r"[A-Z]{1,2}(\d\d)[A-Z]?")
_SIEMENS_SHARP = 50


def is_sharp(kernel: str) -> bool:
    """Whether a kernel of this name is made for bone or lung rather than for soft tissue; unknown names are not sharp.

    Siemens numbers its kernels by sharpness: B10 to B41 are for soft tissue, and the manual of the Somatom Sensation
    gives B50 to B80 for higher sharpness; Br, Bl, Bv, Hr and Qr go on with the scale. GE and Philips name theirs, and
    Philips has names of one letter, so those must be the whole name. Canon's FC30s and FC80s are for bone, the FC50s
    for lung. No kernel that DeepCAC prefers or Comp2Comp allows for calcium is sharp by this rule.
    """
    name = kernel.strip().upper()
    if canon := _CANON.match(name):
        return any(int(canon[1]) in sharp for sharp in _CANON_SHARP)
    words = re.findall(r"[A-Z0-9]+", name)
    if words and (siemens := _SIEMENS.fullmatch(words[0])):
        return int(siemens[1]) >= _SIEMENS_SHARP
    return name in _PHILIPS_NAMES or not (_GE_WORDS | _SPELT_OUT).isdisjoint(words)
