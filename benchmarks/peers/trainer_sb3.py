"""Stable-Baselines3's PPO on the released wheel's arena. Prints one JSON line. Its core has no LSTM.

.peers/bin/python benchmarks/peers/trainer_sb3.py --no-lstm
"""

from __future__ import annotations

import time
from typing import Any

import gymnasium
import numpy as np
import stable_baselines3
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from stable_baselines3.common.vec_env import VecEnv
from torch import Tensor
from wheel_arenas import TOKENS, Arenas, Encoder, parse_args, report


class ArenaEnvs(VecEnv):
    """Each agent is an environment of the batch."""

    def __init__(self, arenas: Arenas) -> None:
        self.arenas = arenas
        self.infos: list[dict[str, Any]] = [{} for _ in range(arenas.num_agents)]
        space = gymnasium.spaces.Box(0, 255, (TOKENS, 3), np.uint8)
        super().__init__(arenas.num_agents, space, gymnasium.spaces.Discrete(arenas.num_actions))

    def reset(self) -> np.ndarray:
        return self.arenas.observations.copy()

    def step_async(self, actions: np.ndarray) -> None:
        self.arenas.step(actions)

    def step_wait(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[dict[str, Any]]]:
        arenas = self.arenas
        return arenas.observations.copy(), arenas.rewards.copy(), arenas.dones.copy(), self.infos

    def close(self) -> None:
        pass

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        return [None] * self.num_envs

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        pass

    def env_method(self, method_name: str, *args: Any, indices: Any = None, **kwargs: Any) -> list[Any]:
        return [None] * self.num_envs

    def env_is_wrapped(self, wrapper_class: Any, indices: Any = None) -> list[bool]:
        return [False] * self.num_envs


class Features(BaseFeaturesExtractor):
    """The shared encoder."""

    def __init__(self, space: gymnasium.Space[Any]) -> None:
        super().__init__(space, 128)
        self.encoder = Encoder()

    def forward(self, tokens: Tensor) -> Tensor:
        return self.encoder(tokens)


class Clock(BaseCallback):
    """When each rollout begins."""

    def __init__(self) -> None:
        super().__init__()
        self.starts: list[float] = []

    def _on_step(self) -> bool:
        return True

    def _on_rollout_start(self) -> None:
        self.starts.append(time.perf_counter())


def main() -> None:
    args = parse_args(__doc__)
    args.no_lstm = True
    arenas = Arenas(args.envs)
    batch = args.steps * arenas.num_agents
    ppo = stable_baselines3.PPO(
        "CnnPolicy",
        ArenaEnvs(arenas),
        learning_rate=1e-3,
        n_steps=args.steps,
        batch_size=args.minibatch,
        n_epochs=1,
        device="cpu",
        policy_kwargs={"features_extractor_class": Features, "net_arch": [], "normalize_images": False},
    )
    clock = Clock()
    ppo.learn((args.updates + 1) * batch, callback=clock)
    ends = [*clock.starts[1:], time.perf_counter()]
    speeds = [batch / (end - start) for start, end in zip(clock.starts, ends, strict=True)]
    report("stable-baselines3", stable_baselines3.__version__, speeds[1:], ppo.policy, args)


if __name__ == "__main__":
    main()
