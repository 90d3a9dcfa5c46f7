"""The training loop: the same for every method, but for the loss."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from tqdm import tqdm

from bioloc.networks.network import Network, channels_last
from bioloc.params import Training
from bioloc.training.checkpoint import Progress, load_checkpoint, save_checkpoint
from bioloc.training.data import Split, augmented, batches, resident
from bioloc.training.losses import to_loss_space
from bioloc.training.objective import losses
from bioloc.training.teacher import lesson_steps, teach

_FIRST_CHECK = 0.6
"""Share of the training before the first check: earlier networks are not kept, or seldom the best."""
_FORGOTTEN = 5.0
"""Time constants of the weights' average after which what came before is forgotten (e^-5 = 0.7 %): it need not be averaged."""
_SHARP = 0.9
"""Share of the training after which maps have their final sharpness."""
_EVALUATED_AT_ONCE = 16


@dataclass(frozen=True)
class Setting:
    """What a training needs beside its data; `is_sharp` where the network's first weights have learnt their final sharpness."""

    params: Training
    seed: int
    precision: str
    accelerator: str = "auto"
    is_sharp: bool = False


class Loop:
    """Trains a network; the averaged weights with the best validation value error are the result."""

    def __init__(
        self, network: Network, train: Split, val: Split, setting: Setting, checkpoint: Path, key: dict[str, Any]
    ) -> None:
        """Set everything up; a checkpoint of the same `key` is picked up."""
        self.task, self.method, self.setting = network.task, network.method, setting
        self.steps = max(setting.params.images_seen // setting.params.batch_size, 2)
        self.lessons = lesson_steps(setting.params, self.method, self.steps)
        self.spread = float(to_loss_space(self.task, train.values).std().clamp(min=1e-6))
        self.fabric = Fabric(accelerator=setting.accelerator, devices=1, precision=setting.precision)
        self.train, self.val = (resident(split, self.fabric.device) for split in (train, val))
        self.network = channels_last(network)
        chosen = setting.params
        optimizer = torch.optim.AdamW(network.parameters(), lr=chosen.learning_rate, weight_decay=chosen.weight_decay, fused=True)
        self.model, self.optimizer = self.fabric.setup(self._compiled(), optimizer)
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, setting.params.learning_rate, total_steps=self.steps + 1, pct_start=0.15
        )
        averaging: Any = get_ema_multi_avg_fn  # torch leaves it untyped
        self.average = AveragedModel(self.network, multi_avg_fn=averaging(setting.params.ema), use_buffers=True)
        first_used = min(self.lessons | {int(_FIRST_CHECK * self.steps)})
        self.averaged_from = first_used - _FORGOTTEN / max(1 - setting.params.ema, 1e-6)
        self.best: dict[str, Tensor] = {}
        self.sharp = False
        self.progress = Progress()
        self.folder, self.key = checkpoint, key
        self._resume()

    def run(self) -> Network:
        """Train to the end and return the network with the best weights, in float32, for evaluation."""
        checks = set(np.linspace(self.steps, _FIRST_CHECK * self.steps, self.setting.params.checks).round().astype(int).tolist())
        order = batches(len(self.train.views), self.setting.params.batch_size, self.setting.seed)
        for _ in range(self.progress.step):
            next(order)
        seen: list[dict[str, Tensor]] = []
        for step in tqdm(
            range(self.progress.step + 1, self.steps + 1),
            initial=self.progress.step,
            total=self.steps,
            desc=f"train {self.task.name}-{self.method.name}",
            mininterval=5.0,
            disable=None,
        ):
            self._sharpen(step / self.steps)
            if step in self.lessons:
                self._take_lesson()
            seen.append(self._step(step, next(order)))
            if step in checks:
                self._check(step, _means(seen))
                seen.clear()
        self.network.load_state_dict(self.best)
        self.network.eval()
        return self.network

    def _compiled(self) -> Any:
        """The network as it goes through training; its weights are the same, and keep their names, where it is compiled."""
        return torch.compile(self.network) if self.setting.params.compiled and self.fabric.device.type == "cuda" else self.network

    def _step(self, step: int, numbers: Any) -> dict[str, Tensor]:
        self.model.train()
        rng = np.random.default_rng([self.setting.seed, step])
        size = self.network.spec.size
        views, offsets, growth = augmented(self.train.views.batch(numbers), self.setting.params.augment, size, rng)
        device = self.fabric.device
        views, known = views.to(device), growth * self.train.values[torch.as_tensor(numbers)].to(device)
        if not len(views.sample):
            self.schedule.step()
            return {}
        output = self.network.logits(self.model(self.network.inputs(views, offsets.to(device))), views)
        parts = dict(losses(self.network, self.setting.params, output, views, known, self.spread, step / self.steps))
        total = torch.stack(list(parts.values())).sum()
        self.optimizer.zero_grad(set_to_none=True)
        self.fabric.backward(total)
        self.fabric.clip_gradients(self.model, self.optimizer, max_norm=1.0)
        self.optimizer.step()
        self.schedule.step()
        if step >= self.averaged_from:
            self.average.update_parameters(self.network)
        return {name: value.detach() for name, value in parts.items()}  # reading them would have a GPU wait for each step

    def _take_lesson(self) -> None:
        network: Any = self.average.module
        target = teach(network, self.train, self.setting.params, self.fabric.device, self.fabric.autocast())
        self.train.views.set_target(target)

    def _sharpen(self, done: float) -> None:
        """Maps become masks little by little, from where self-training starts; no network from before their end is kept."""
        start = min(self.setting.params.self_training.start, _SHARP)
        share = 1.0 if self.setting.is_sharp else min(max(done - start, 0) / max(_SHARP - start, 1e-6), 1)
        self.sharp = share == 1 or self.network.spec.sharpness == 1
        averaged: Any = self.average.module
        for network in (self.network, averaged):
            network.sharpness = 1 + share * (self.network.spec.sharpness - 1)

    def _check(self, step: int, losses: dict[str, float]) -> None:
        error = self._validation_error()
        self.progress.history.append(
            {"step": step, "images": step * self.setting.params.batch_size, "val_value_error": error, **losses}
        )
        if error < self.progress.best_error and self.sharp:
            self.progress.best_error, self.progress.best_step = error, step
            self.best = {name: tensor.clone() for name, tensor in self._averaged().items()}
        self.progress.step = step
        tensors = {"network": self.network.state_dict(), "average": self._averaged(), "best": self.best}
        lesson = self.train.views.views.target
        if self.lessons and lesson is not None:
            tensors["lesson"] = {"target": lesson}
        save_checkpoint(self.folder, self.key, self.progress, tensors, self.optimizer.state_dict())
        _stop_here_if_asked(step, self.steps)

    @torch.inference_mode()
    def _validation_error(self) -> float:
        """Mean absolute error of the averaged network's values on the validation split, in the loss space."""
        network: Any = self.average.module.eval()
        predicted = []
        for first in range(0, len(self.val.views), _EVALUATED_AT_ONCE):
            views = self.val.views.batch(range(first, min(first + _EVALUATED_AT_ONCE, len(self.val.views)))).to(
                self.fabric.device
            )
            with self.fabric.autocast():
                output = network(network.inputs(views)) if len(views.sample) else torch.zeros(0)
            values = network.values(network.logits(output, views), views) if len(views.sample) else torch.zeros(views.samples)
            predicted.append(values.cpu())
        error = to_loss_space(self.task, torch.cat(predicted)) - to_loss_space(self.task, self.val.values.cpu())
        return float(error.abs().mean())

    def _averaged(self) -> dict[str, Tensor]:
        state: dict[str, Tensor] = self.average.module.state_dict()
        return state

    def _resume(self) -> None:
        found = load_checkpoint(self.folder, self.key)
        if found is None:
            return
        self.progress, tensors, optimizer = found
        self.network.load_state_dict(tensors["network"])
        self.average.module.load_state_dict(tensors["average"])
        self.average.n_averaged += self.progress.step
        self.best = tensors["best"]
        if "lesson" in tensors:
            self.train.views.set_target(tensors["lesson"]["target"])
        self.optimizer.load_state_dict(optimizer)
        self._lay_out_moments()
        self.schedule.last_epoch = self.progress.step

    @torch.no_grad()
    def _lay_out_moments(self) -> None:
        """A fused step walks through memory: what a file gave is laid out like the weights again."""
        unwrapped: Any = self.optimizer.optimizer
        for weight, state in unwrapped.state.items():
            state |= {name: torch.empty_like(weight).copy_(value) for name, value in state.items() if value.shape == weight.shape}


def _means(losses: list[dict[str, Tensor]]) -> dict[str, float]:
    """Mean of each loss over the steps that had it."""
    names = {name: None for step in losses for name in step}
    together = {name: torch.stack([step[name] for step in losses if name in step]) for name in names}
    return {name: float(values.cpu().numpy().mean(dtype=np.float64)) for name, values in together.items()}


def _stop_here_if_asked(step: int, steps: int) -> None:
    """For the test of resuming: BIOLOC_KILL_AFTER_CHECK ends the process like a power cut."""
    if os.environ.get("BIOLOC_KILL_AFTER_CHECK") and step < steps:
        os.kill(os.getpid(), signal.SIGKILL)
