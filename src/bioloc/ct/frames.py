"""A multi-frame CT (Enhanced CT: one file with all slices) by highdicom."""

from __future__ import annotations

import numpy as np

from bioloc.ct.acquisition import acquisition_of
from bioloc.ct.image import Stored
from bioloc.ct.series import Instance
from bioloc.ct.slices import LPS_TO_RAS
from bioloc.errors import ImageError


def read_frames(instance: Instance) -> Stored:
    """The volume in one multi-frame file: (I, J, K) HU, the rescale of each frame applied to it.

    Raises:
        ImageError: Its frames make no even, straight stack, or cannot be decoded.
    """
    import highdicom as hd

    try:
        image = hd.imread(instance.file)
        volume = image.get_volume(dtype=np.float32, apply_real_world_transform=False, apply_presentation_lut=False)
        volume = volume.flip_spatial(0)  # highdicom's slices go against the normal, those of a series along it
    except Exception as error:  # highdicom's and the decoders'
        raise ImageError(
            f"{instance.file}: its frames do not make one volume, they may be uneven, of several phases, or cut short: "
            "give one file per slice"
        ) from error
    affine = LPS_TO_RAS @ volume.affine[:, [2, 1, 0, 3]]
    return Stored(volume.array.transpose(2, 1, 0), affine, acquisition=acquisition_of(image, (instance.file,)))
