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
from bioloc.networks.inputs import Seen, input_channels, make_inputs
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
        head_channels: Width of the head, which puts the decoder's features and the inputs together.
        subpixels: Side of the blocks of grid pixels that are one pixel to the network: it works on a coarser grid, with a
            block's pixels as channels (`make_inputs`), and gives each of them its own logit.
        whole_lesions: Whether a lesion counts as a whole or not at all in the end (`inference/native.py`).
        pooled: Whether a lesion's pixels share one logit, their mean.
        depth: Whether it sees how deep a pixel lies under the skin.
        fat_depth: Whether it sees how far it is from the skin along the fat.
        folded: Whether the places it sees are the same left and right of the middle.
        sharpness: What a map's logits are multiplied with: the larger, the nearer the map is to a mask.
        deviation: Whether it sees the unsigned distance from the healthy organ's HU too.
        mirrored: Whether its answer is the mean of an image's and its mirror image's (`networks/answers.py`).
        smoothing: Side of the squares over which a map's logits are averaged, in training too; 1 for none.
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
    head_channels: int = 16
    subpixels: int = 1
    whole_lesions: bool = False
    pooled: bool = False
    depth: bool = False
    fat_depth: bool = False
    folded: bool = False
    deviation: bool = False
    sharpness: float = 1.0
    mirrored: bool = False
    smoothing: int = 1
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
        self.sharpness = spec.sharpness
        self.seen = Seen(self.method.sees_candidates, spec.depth, spec.fat_depth, spec.folded, spec.deviation, spec.subpixels)
        self.channels = input_channels(self.task, self.seen)
        check_encoder(spec.encoder)
        unet = _build_unet(spec, self.channels)
        self.encoder = unet.encoder
        self.decoder = unet.decoder if self.method.output == "map" else None
        deepest = unet.encoder.out_channels[-1]
        self.head = _map_head(spec, self.channels) if self.decoder is not None else nn.Sequential(nn.Linear(deepest, 1))
        last: Any = self.head[-1]
        start = float(torch.logit(torch.tensor(min(max(spec.prior, 0.02), 0.98)))) if self.method.output == "map" else 0.0
        nn.init.constant_(last.bias, start)

    def forward(self, inputs: Tensor) -> Tensor:
        """Channels as `inputs` gives them -> (V, h, w) logits, or (V,) numbers."""
        features = self.encoder(inputs)
        if self.decoder is None:
            number: Tensor = self.head(features[-1].mean(dim=(2, 3)))
            return number[:, 0]
        logits: Tensor = self.head(torch.cat([self.decoder(features), inputs], dim=1))
        return nn.functional.pixel_shuffle(logits, self.spec.subpixels)[:, 0]

    def logits(self, output: Tensor, views: Views) -> Tensor:
        """What the network gave, in float32; a map's logits averaged over squares or lesions where the specification says so.

        Squares are averaged in training too: a network that is not can meet a value with a pattern of scattered pixels.
        """
        output = output.float()
        if self.method.output != "map":
            return output
        if self.spec.smoothing > 1:
            output = _smoothed(output, self.spec.smoothing)
        return self.sharpness * (views.lesion_means(output) if self.spec.pooled else output)

    def asked(self, views: Views) -> Tensor:
        """`logits` of some views: (V, h, w), or (V,) numbers."""
        return self.logits(self(self.inputs(views)), views)

    def inputs(self, views: Views, offset_hu: Tensor | None = None) -> Tensor:
        """(V, C, h / subpixels, w / subpixels) channels of some views."""
        worth = self.spec.pixel_mm**2 / self.task.unit_worth  # about: a volume's increment is a factor near 1
        return make_inputs(self.task, views, self.spec.size, worth, self.seen, offset_hu)

    def values(self, output: Tensor, views: Views) -> Tensor:
        """(samples,) float32 values of what `logits` gave, in the task's unit: sums of worth * map, or a regressor's."""
        if self.method.output == "map":
            return views.sums((views.worth * torch.sigmoid(output)).sum(dim=(1, 2)))
        if self.task.volume:
            return views.sums(self.spec.scale * nn.functional.softplus(output))
        return self.spec.offset + self.spec.scale * views.sums(output)


def _smoothed(logits: Tensor, side: int) -> Tensor:
    """(V, h, w) means over squares of `side` pixels; the image's edge is repeated beyond it."""
    padded = nn.functional.pad(logits[:, None], (side // 2,) * 4, mode="replicate")
    return nn.functional.avg_pool2d(padded, side, 1)[:, 0]


def _map_head(spec: Spec, inputs: int) -> nn.Sequential:
    """From the decoder's features, and the inputs once more for what is finer than they are, to the logits."""
    return nn.Sequential(
        nn.Conv2d(spec.decoder_channels[-1] + inputs, spec.head_channels, 1),
        nn.ReLU(inplace=True),
        nn.Conv2d(spec.head_channels, spec.subpixels**2, 3, padding=1),
    )


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
