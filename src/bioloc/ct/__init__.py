"""A CT in Hounsfield units with its geometry: read, orient, check, write."""

from bioloc.ct.acquisition import Acquisition
from bioloc.ct.image import CT
from bioloc.ct.read import read_ct, read_mask
from bioloc.ct.write import write_nifti

__all__ = ["CT", "Acquisition", "read_ct", "read_mask", "write_nifti"]
