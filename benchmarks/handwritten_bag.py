"""The `bag` policy's network written by hand, as one would without components; measures what composition costs."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from metta.agent.container import ComponentContainer
from metta.agent.executors.registry import EXECUTORS


class HandwrittenBag(nn.Module):
    """Bag, linear layers with ReLU, two heads: plain attribute access, no keys, no dicts between. Shares weights."""

    def __init__(self, network: ComponentContainer) -> None:
        super().__init__()
        parts: dict[str, Any] = dict(network.items())
        self.bag, self.layers = parts["bag"], nn.ModuleList(parts["mlp"].layers)
        self.actor, self.critic = parts["actor"].linear, parts["critic"].linear

    def forward(self, obs: Tensor) -> tuple[Tensor, Tensor]:
        """Logits and values."""
        x = self.bag._compute({"env_obs": obs})["features"]  # the kernel call itself, which both sides need
        for layer in self.layers:
            x = torch.relu_(layer(x))
        return self.actor(x), self.critic(x).squeeze(-1)


def compare(network: ComponentContainer, obs: Tensor, repeats: int) -> dict[str, dict[str, float]]:
    """By executor: microseconds of the hand-written network, and the cost over it in percent.

    Each repeat times both, one right after the other and in turns first; the figures are medians of the ratios.
    ``forward`` is without gradients, ``train`` is forward and backward.

    Shapes: ``obs [B, K, 3] uint8``.
    """
    hand = HandwrittenBag(network)

    def forward(run: Callable[[], tuple[Tensor, Tensor]]) -> None:
        with torch.no_grad():
            run()

    def train(run: Callable[[], tuple[Tensor, Tensor]]) -> None:
        logits, values = run()
        network.zero_grad()
        (logits.mean() + values.mean()).backward()

    inputs: Mapping[str, Tensor] = {"env_obs": obs}
    found: dict[str, dict[str, float]] = {}
    for name, executor_class in EXECUTORS.items():
        executor = executor_class(network)

        def composed(executor: Any = executor) -> tuple[Tensor, Tensor]:
            outputs = executor.run(inputs)
            return outputs["logits"], outputs["values"]

        found[name] = {}
        for word, mode in (("forward", forward), ("train", train)):
            by_hand, ratios = _paired(lambda m=mode: m(lambda: hand(obs)), lambda m=mode: m(composed), repeats)
            found[name][f"{word}_hand_us"] = round(1e6 * by_hand, 1)
            found[name][f"{word}_over_percent"] = round(100 * (ratios - 1), 2)
    return found


def _paired(one: Callable[[], None], other: Callable[[], None], repeats: int) -> tuple[float, float]:
    """Median seconds of ``one``, median of ``other`` / ``one``."""
    times: list[tuple[float, float]] = []
    for index in range(repeats + 5):
        pair: dict[int, float] = {}
        for which, run in ((0, one), (1, other)) if index % 2 else ((1, other), (0, one)):
            start = time.perf_counter()
            run()
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            pair[which] = time.perf_counter() - start
        if index >= 5:
            times.append((pair[0], pair[1]))
    return statistics.median(a for a, _ in times), statistics.median(b / a for a, b in times)
