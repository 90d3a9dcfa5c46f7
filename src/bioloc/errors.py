"""What can go wrong, as one tree. A message says what, where, and what to do.

BiolocError
├── UsageError           a wrong option, name or parameter: the command line ends with status 2
│   └── ParameterError   params.yaml
├── DataError            a file or table that cannot be used
│   ├── ImageError       one scan: a `failed` row in a batch
│   │   └── AnatomyError what a search in the scan did not find
│   └── ManifestError    a cohort's table
├── GateError            data validation found something critical
└── RegistryError        no such model, alias or package
"""


class BiolocError(Exception):
    """Any error that a user can understand and act upon; its text is one sentence."""


class UsageError(BiolocError):
    """The command was asked for something that does not exist."""


class ParameterError(UsageError):
    """params.yaml has an unknown key or a wrong value."""


class DataError(BiolocError):
    """A file or table cannot be used."""


class ImageError(DataError):
    """One scan cannot be used."""


class AnatomyError(ImageError):
    """A search in a scan gave up: its text says what was not found, why, and what to name instead."""


class ManifestError(DataError):
    """A cohort's table cannot be used."""


class GridError(DataError):
    """A model and a prepared cohort do not lie on one working grid."""


class GateError(BiolocError):
    """Data validation found a critical failure."""


class RegistryError(BiolocError):
    """The registry lacks what was asked for."""


def reason_of(error: Exception) -> str:
    """One line for a table's row: the sentence of a `BiolocError`, or what an unforeseen error was."""
    if isinstance(error, BiolocError):
        return str(error)
    if isinstance(error, MemoryError):
        return "not enough memory for this scan"
    return f"{type(error).__name__}: {' '.join(str(error).split())}"
