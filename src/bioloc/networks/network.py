"""A network with its head: from views to one value per sample and, for the encoder-decoders, the map behind it."""

from __future__ import annotations

import warnings
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn

from bioloc.errors import UsageError
from bioloc.methods import get_method
from bioloc.networks.backbone import check_encoder, import_backbones
from bioloc.networks.inputs import input_channels, make_inputs
from bioloc.networks.views import Views
from bioloc.tasks import get_task


@dataclass(frozen=True)
class Spec:
    """All that is needed to build a network again.

    Attributes:
        task: Name of the biomarker.
        method: Name of the method.
        encoder: timm's name.
        decoder_channels: Widths of the decoder, from the deepest.
        size: Side of the working grid.
        pixel_mm: Spacing of the working grid.
        patch: Side of the patches; 0 for whole slices.
        offset: What a regressor's output 0 means, in the task's unit.
        scale: What a regressor's output 1 adds.
        prior: The map's mean before training, 0 to 1.
    """

    task: str
    method: str
    encoder: str
    decoder_channels: tuple[int, ...]
    size: int
    pixel_mm: float
    patch: int
    offset: float = 0.0
    scale: float = 1.0
    prior: float = 0.5

    def to_dict(self) -> dict[str, Any]:
        """The specification as JSON content."""
        return {**asdict(self), "decoder_channels": list(self.decoder_channels)}

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> Spec:
        """The specification that `to_dict` gave."""
        return cls(**{**content, "decoder_channels": tuple(content["decoder_channels"])})


class Network(nn.Module):
    """Channels in; per view a map of logits (encoder-decoders) or a number (regressors) out."""

    def __init__(self, spec: Spec) -> None:
        """Build the network with random weights.

        Raises:
            UsageError: timm has no such encoder, or a U-Net cannot use it.
        """
        super().__init__()
        self.spec, self.task, self.method = spec, get_task(spec.task), get_method(spec.method)
        self.channels = input_channels(self.task, self.method.sees_candidates)
        check_encoder(spec.encoder)
        unet = _build_unet(spec, self.channels)
        self.encoder = unet.encoder
        self.decoder = unet.decoder if self.method.output == "map" else None
        self.head: nn.Module = (
            unet.segmentation_head if self.method.output == "map" else nn.Linear(unet.encoder.out_channels[-1], 1)
        )
        last: Any = self.head[0] if isinstance(self.head, nn.Sequential) else self.head
        start = float(torch.logit(torch.tensor(min(max(spec.prior, 0.02), 0.98)))) if self.method.output == "map" else 0.0
        nn.init.constant_(last.bias, start)

    def forward(self, inputs: Tensor) -> Tensor:
        """(V, C, h, w) -> (V, h, w) logits, or (V,) numbers."""
        features = self.encoder(inputs)
        if self.decoder is None:
            number: Tensor = self.head(features[-1].mean(dim=(2, 3)))
            return number[:, 0]
        logits: Tensor = self.head(self.decoder(features))
        return logits[:, 0]

    def inputs(self, views: Views, offset_hu: Tensor | None = None) -> Tensor:
        """The channels of some views."""
        worth = self.spec.pixel_mm**2 / self.task.unit_worth  # about: a volume's increment is a factor near 1
        return make_inputs(self.task, views, self.spec.size, worth, self.method.sees_candidates, offset_hu)

    def values(self, output: Tensor, views: Views) -> Tensor:
        """(samples,) float32 values, in the task's unit: the sum of worth * map, or of the regressor's numbers."""
        output = output.float()
        if self.method.output == "map":
            return views.sums((views.worth * torch.sigmoid(output)).sum(dim=(1, 2)))
        if self.task.volume:
            return views.sums(self.spec.scale * nn.functional.softplus(output))
        return self.spec.offset + self.spec.scale * views.sums(output)


def channels_last(network: Network) -> Network:
    """The network with its weights laid out as convolutions on processors like them."""
    module: Any = network  # torch's stubs lack this argument
    module.to(memory_format=torch.channels_last)
    return network


def _build_unet(spec: Spec, channels: int) -> Any:
    _, smp = import_backbones()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # timm's deprecations are not the user's
            return smp.Unet(
                f"tu-{spec.encoder}",
                encoder_weights=None,
                encoder_depth=len(spec.decoder_channels),
                decoder_channels=list(spec.decoder_channels),
                in_channels=channels,
                classes=1,
            )
    except (RuntimeError, ValueError, KeyError, AssertionError, IndexError) as error:
        raise UsageError(
            f"encoder '{spec.encoder}' gives no pyramid that a U-Net of depth {len(spec.decoder_channels)} can use: {error}"
        ) from error
