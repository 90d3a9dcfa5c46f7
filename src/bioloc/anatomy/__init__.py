"""From a whole volume to what a task measures: the slice above the aortic arch, the heart, the liver."""

from bioloc.anatomy.arch import Level, arch_slice
from bioloc.anatomy.field import covers_chest_width
from bioloc.anatomy.heart import heart_region
from bioloc.anatomy.liver import find_liver
from bioloc.anatomy.lungs import lungs
from bioloc.anatomy.region import Region

__all__ = ["Level", "Region", "arch_slice", "covers_chest_width", "find_liver", "heart_region", "lungs"]
