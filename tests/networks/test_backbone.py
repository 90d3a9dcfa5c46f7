"""One module imports timm and segmentation-models-pytorch, and the import works here."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import bioloc
from bioloc.errors import UsageError
from bioloc.networks.backbone import check_encoder, import_backbones

SOURCE = Path(bioloc.__file__).parent


def imported(file: Path) -> set[str]:
    """Top-level packages that a file imports, anywhere in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name.split(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.split(".")[0])
    return found


def test_the_import_works_more_than_once() -> None:
    timm, smp = import_backbones()
    assert import_backbones() == (timm, smp)
    assert (timm.__name__, smp.__name__) == ("timm", "segmentation_models_pytorch")
    assert callable(smp.Unet)


@pytest.mark.parametrize("package", ["timm", "segmentation_models_pytorch", "torchvision"])
def test_only_backbone_imports(package: str) -> None:
    users = [file.relative_to(SOURCE).as_posix() for file in SOURCE.rglob("*.py") if package in imported(file)]
    assert users == ["networks/backbone.py"]


def test_known_encoders_pass() -> None:
    check_encoder("regnetx_002")
    check_encoder("test_resnet")


@pytest.mark.parametrize(
    ("wrong", "near"), [("regnetx_2", "regnetx_0"), ("resnet_18", "resnet"), ("no-such-family", "regnetx_002")]
)
def test_an_unknown_encoder_is_a_usage_error_that_names_near_ones(wrong: str, near: str) -> None:
    with pytest.raises(UsageError, match=near) as error:
        check_encoder(wrong)
    assert f"'{wrong}'" in str(error.value)
