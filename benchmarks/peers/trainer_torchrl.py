"""TorchRL's collector, GAE and ClipPPOLoss on the released wheel's arena, without LSTM. Prints one JSON line.

.peers/bin/python benchmarks/peers/trainer_torchrl.py --no-lstm
"""

from __future__ import annotations

import time
import warnings
from typing import Any

import torch
import torchrl
from tensordict import TensorDict
from tensordict.nn import TensorDictModule
from torch import Tensor, nn
from torchrl.collectors import Collector
from torchrl.data import Binary, Categorical, Composite, Unbounded
from torchrl.envs import EnvBase
from torchrl.modules import ActorValueOperator, ProbabilisticActor, ValueOperator
from torchrl.objectives import ClipPPOLoss
from torchrl.objectives.value import GAE
from wheel_arenas import TOKENS, Arenas, Encoder, parse_args, report


class ArenaEnv(EnvBase):
    """All agents of all arenas as the batch of one environment."""

    def __init__(self, arenas: Arenas) -> None:
        size = arenas.num_agents
        super().__init__(batch_size=[size], device="cpu")
        self.arenas = arenas
        flags = {key: Binary(1, (size, 1), dtype=torch.bool) for key in ("done", "terminated")}
        self.observation_spec = Composite(observation=Unbounded((size, TOKENS, 3), dtype=torch.uint8), shape=[size])
        self.action_spec = Categorical(arenas.num_actions, shape=(size,))
        self.reward_spec = Unbounded((size, 1))
        self.done_spec = Composite(**flags, shape=[size])

    def _reset(self, tensordict: Any = None, **kwargs: Any) -> TensorDict:
        return TensorDict(self._read(), self.batch_size)

    def _step(self, tensordict: Any) -> TensorDict:
        self.arenas.step(tensordict["action"].numpy())
        rewards = torch.from_numpy(self.arenas.rewards.copy())[:, None]
        return TensorDict({**self._read(), "reward": rewards}, self.batch_size)

    def _read(self) -> dict[str, Tensor]:
        observations = torch.from_numpy(self.arenas.observations.copy())
        done = torch.from_numpy(self.arenas.dones.copy())[:, None]
        return {"observation": observations, "done": done, "terminated": done.clone()}

    def _set_seed(self, seed: int | None) -> None:
        pass


class Features(nn.Module):
    """The shared encoder, for any batch dimensions."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = Encoder()

    def forward(self, tokens: Tensor) -> Tensor:
        return self.encoder(tokens.flatten(0, -3)).view(*tokens.shape[:-2], -1)


def make_policy(num_actions: int) -> ActorValueOperator:
    logits = TensorDictModule(nn.Linear(128, num_actions), ["hidden"], ["logits"])
    actor = ProbabilisticActor(
        logits, in_keys=["logits"], distribution_class=torch.distributions.Categorical, return_log_prob=True
    )
    features = TensorDictModule(Features(), ["observation"], ["hidden"])
    return ActorValueOperator(features, actor, ValueOperator(nn.Linear(128, 1), in_keys=["hidden"]))


def main() -> None:
    args = parse_args(__doc__)
    args.no_lstm = True
    warnings.filterwarnings("ignore")  # its own deprecations
    env = ArenaEnv(Arenas(args.envs))
    policy, batch = make_policy(env.arenas.num_actions), args.steps * env.arenas.num_agents
    actor = policy.get_policy_operator()
    gae = GAE(gamma=0.99, lmbda=0.95, value_network=policy.get_value_operator(), shifted=True)
    losses = ClipPPOLoss(actor, policy.get_value_operator(), clip_epsilon=0.2)
    optimizer = torch.optim.Adam(losses.parameters(), 1e-3)
    speeds, start = [], time.perf_counter()
    for data in Collector(env, actor, frames_per_batch=batch, total_frames=batch * (args.updates + 1)):
        with torch.no_grad():
            gae(data)
        flat = data.reshape(-1)
        for rows in torch.randperm(batch).split(args.minibatch):
            found = losses(flat[rows])
            optimizer.zero_grad()
            (found["loss_objective"] + found["loss_critic"] + found["loss_entropy"]).backward()
            nn.utils.clip_grad_norm_(losses.parameters(), 0.5)
            optimizer.step()
        end = time.perf_counter()
        speeds.append(batch / (end - start))
        start = end
    report("torchrl", torchrl.__version__, speeds[1:], losses, args)


if __name__ == "__main__":
    main()
