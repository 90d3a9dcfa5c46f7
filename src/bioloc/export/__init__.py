"""A prediction as DICOM objects beside the scan's own: segmentation, parametric map and measurement report."""

from bioloc.export.dicom import write_dicom

__all__ = ["write_dicom"]
