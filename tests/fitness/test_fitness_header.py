"""What the header says: contrast agent, tube voltage, kernel."""

from __future__ import annotations

import pytest

from bioloc.ct.acquisition import Acquisition
from bioloc.fitness.header import check_header, is_given
from bioloc.fitness.kernels import is_sharp
from bioloc.tasks import TASKS, get_task

SHARP = (
    "B50f,B60s,B70f,B80f,I70f,Br59d,Bl57f,Bl64d,Qr59,Hr60,U90u,LUNG,BONE,BONEPLUS,EDGE,HD LUNG,Detail,L,YA,YB,E,"
    "FC30,FC50,FC51,FC55,FC86,B_SHARP_C,B_VSHARP_B"
)
DEEPCAC = "B31f,B30f,B20f,C,FC10,FC11,FC02,STANDARD,BODY"
"""Its preference for calcium."""
COMP2COMP = (
    "standard,md stnd,a,b,c,sa,sb,fc08,fc18,b20s,b20f,b30f,b31s,b31f,br34f,b35f,bf37f,br38f,b41f,qr40,qr40d,br36f,br40,b40f,"
    "br40d,i30f,i31f,i26f,i31s,i40f,b30s,br36d,bf39f,b41s,br40f,fc01,fc02,fc07,fc13"
)
"""What it allows for Agatston scores."""
OTHERS = "SOFT,B_SOFT_B,B_SOFT_L,FC12,XCA,unknown kernel,"


def found(task: str, **header: object) -> dict[str, str]:
    return {finding.code: finding.severity for finding in check_header(get_task(task), Acquisition(**header))}


@pytest.mark.parametrize("task", TASKS)
def test_a_header_that_says_nothing_or_what_is_right_finds_nothing(task: str) -> None:
    assert found(task) == {}
    assert found(task, kvp=120.0, kernel="B31f", contrast_agent="NONE") == {}


@pytest.mark.parametrize(
    ("kvp", "codes"),
    [(80, ["tube-voltage"]), (100, ["tube-voltage"]), (118.9, ["tube-voltage"]), (119.5, []), (120, []), (140, ["tube-voltage"])],
)
def test_calcium_needs_120_kvp(kvp: float, codes: list[str]) -> None:
    assert list(found("cac", kvp=kvp)) == codes
    assert set(found("cac", kvp=kvp).values()) <= {"refuse"}


@pytest.mark.parametrize("task", ["pma", "sfa", "liver"])
def test_areas_ask_neither_for_the_voltage_nor_for_contrast(task: str) -> None:
    assert found(task, kvp=80.0, contrast_agent="OMNIPAQUE 350") == {}


@pytest.mark.parametrize("task", TASKS)
def test_a_sharp_kernel_is_warned_of(task: str) -> None:
    assert found(task, kernel="B70f") == {"kernel": "warn"}


def test_contrast_in_the_header_refuses_calcium() -> None:
    assert found("cac", contrast_agent="OMNIPAQUE 350") == {"contrast-header": "refuse"}


@pytest.mark.parametrize("agent", ["OMNIPAQUE 350", "APPLIED", "Isovue370", "Contrast", "IV & ORAL", "Ultravist iv", "CE"])
def test_agents_in_the_blood(agent: str) -> None:
    assert is_given(agent)


@pytest.mark.parametrize(
    "agent", ["", " ", "NONE", "None", "NO", "NO CONTRAST", "n/a", "W/O", "Non-contrast", "without", "ORAL", "ORAL & RECTAL", "0"]
)
def test_entries_that_name_no_agent_in_the_blood(agent: str) -> None:
    assert not is_given(agent)


@pytest.mark.parametrize("kernel", SHARP.split(","))
def test_sharp_kernels(kernel: str) -> None:
    assert is_sharp(kernel)


@pytest.mark.parametrize("kernel", ",".join([DEEPCAC, COMP2COMP, OTHERS]).split(","))
def test_soft_and_unknown_kernels(kernel: str) -> None:
    assert not is_sharp(kernel)
