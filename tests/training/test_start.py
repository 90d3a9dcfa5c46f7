"""A training starts from a model whose network is the wanted one, and from no other; what differs is named."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from bioloc.errors import UsageError
from bioloc.files import md5
from bioloc.inference.package import Package, save_package
from bioloc.networks.network import Network, Spec
from bioloc.training.start import Start, check_start, load_start, started

SPEC = Spec("pma", "localizer", "test_resnet", (8,) * 5, 32, 3.0, 0, sharpness=3.0)


def start(facts: dict[str, Any] | None = None, **changes: Any) -> Start:
    torch.manual_seed(3)
    return Start(Package(Network(replace(SPEC, **changes)), 0.4, facts or {}), "models:/bioloc-pma/3", "feed0123")


def test_the_first_weights_are_the_models_and_so_is_what_they_mean() -> None:
    known = start(offset=7.0, scale=2.0, prior=0.3)
    network = started(replace(SPEC, offset=1.0, scale=9.0, prior=0.8, sharpness=2.0), known)
    theirs = known.package.network.state_dict()
    assert all(torch.equal(tensor, theirs[name]) for name, tensor in network.state_dict().items())
    assert (network.spec.offset, network.spec.scale, network.spec.prior) == (7.0, 2.0, 0.3)
    assert network.spec.sharpness == 2.0  # how the maps end is this training's own matter


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("size", 64, "tasks.pma.grid.size to 64 (it is 32)"),
        ("pixel_mm", 2.5, "tasks.pma.grid.pixel_mm to 2.5 (it is 3.0)"),
        ("patch", 16, "tasks.pma.grid.patch to 16 (it is 0)"),
        ("encoder", "test_resnet.r160_in1k", "tasks.pma.training.encoder to test_resnet.r160_in1k (it is test_resnet)"),
        ("decoder_channels", (8, 8, 8, 8), "tasks.pma.training.decoder_channels to [8, 8, 8, 8] (it is [8, 8, 8, 8, 8])"),
        ("subpixels", 2, "tasks.pma.training.subpixels to 2 (it is 1)"),
        ("depth", True, "tasks.pma.training.inputs.depth to true (it is false)"),
        ("fat_depth", True, "tasks.pma.training.inputs.fat_depth to true (it is false)"),
        ("folded", True, "tasks.pma.training.inputs.folded to true (it is false)"),
        ("deviation", True, "tasks.pma.training.inputs.deviation to true (it is false)"),
    ],
)
def test_a_network_that_differs_is_refused_with_the_key_to_set(name: str, value: Any, told: str) -> None:
    known = start()
    known = replace(known, package=replace(known.package, network=_claiming(replace(SPEC, **{name: value}))))
    with pytest.raises(UsageError) as caught:
        check_start(known, SPEC)
    assert str(caught.value) == (
        f"models:/bioloc-pma/3 has another network than params.yaml asks for: set {told}, or leave --init out"
    )


def _claiming(spec: Spec) -> Network:
    """A network that says it is of another specification: some of them could not be built at this size."""
    network = Network(SPEC)
    network.spec = spec
    return network


def test_all_differences_stand_in_one_sentence() -> None:
    with pytest.raises(UsageError, match=r"set tasks\.pma\.grid\.size to 64 .*, tasks\.pma\.training\.inputs\.folded to true "):
        check_start(start(size=64, folded=True), SPEC)


def test_what_weights_do_not_hang_on_may_differ() -> None:
    check_start(start(sharpness=1.0, offset=4.0, scale=2.0, prior=0.1, pooled=True, whole_lesions=True), SPEC)


def test_another_tasks_model_is_refused() -> None:
    with pytest.raises(UsageError, match="is a model of sfa, not of pma: give --task sfa, or another --init"):
        check_start(start(task="sfa"), SPEC)


@pytest.mark.parametrize("method", ["localizer", "localizer-paper", "regressor", "regressor-candidates"])
def test_no_mask_comes_in_through_the_first_weights(method: str) -> None:
    with pytest.raises(UsageError, match=rf"was trained with masks \(segmenter\), and a {method} learns from values alone"):
        check_start(start(method="segmenter"), replace(SPEC, method=method))


def test_a_segmenter_may_start_from_what_learnt_from_values() -> None:
    check_start(start(), replace(SPEC, method="segmenter"))
    check_start(start(method="segmenter"), replace(SPEC, method="segmenter"))


@pytest.mark.parametrize(
    ("found", "wanted", "told"),
    [
        ("regressor", "localizer", "give --init a localizer, or --method regressor"),
        ("localizer-paper", "localizer", "give --init a localizer, or --method localizer-paper"),
        ("localizer", "regressor-candidates", "give --init a regressor-candidates, or --method localizer"),
        ("regressor", "segmenter", "give --init a localizer or segmenter, or --method regressor"),
    ],
)
def test_another_kind_of_method_is_refused(found: str, wanted: str, told: str) -> None:
    with pytest.raises(UsageError, match=f"is a {found}, whose network is not that of a {wanted}: {told}"):
        check_start(start(method=found), replace(SPEC, method=wanted))


def test_the_record_names_every_cohort_that_the_weights_have_seen(tmp_path: Path) -> None:
    save_package(start({"cohort_md5": "first"}).package, tmp_path / "first")
    first = load_start(tmp_path / "first", "first")
    assert first.facts == {"uri": "first", "run_key": md5(tmp_path / "first")[:16], "cohorts": ["first"]}
    second = start({"cohort_md5": "second", "started_from": first.facts})
    assert second.facts["cohorts"] == ["first", "second"]
    assert start().facts["cohorts"] == ["unknown"]
