"""Stable-Baselines3's PPO learns to play a game of ours, with our token encoder as its features extractor.

``python docs/examples/sb3_ppo.py`` (needs ``pip install 'metta[sb3]'``; ``--timesteps 2_000`` for a quick look).

The arena with one agent and episodes of 500 steps: fetch ore, charge batteries, bring them to the altar. Prints the
mean return of recent episodes as it goes, then the returns of the policy before and after.
"""

from __future__ import annotations

import argparse
from typing import Any

import torch
from gymnasium import spaces
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor

import metta.mettagrid.wrappers.gymnasium  # noqa: F401 - registers the ids
from metta.agent.components.feature_table import FeatureTable
from metta.agent.components.token_bag import TokenBag
from metta.mettagrid.builder.envs import make_arena
from metta.mettagrid.spec import env_spec


class TokenFeatures(BaseFeaturesExtractor):
    """Tokens to features: a linear layer over the whole window, at the cost of the used tokens."""

    def __init__(self, observation_space: spaces.Box, width: int = 128) -> None:
        super().__init__(observation_space, width)
        table = FeatureTable.from_spec(env_spec(make_arena(1)))
        self.bag = TokenBag(table, observation_space.shape[0], width, activation="relu")

    def forward(self, observations: torch.Tensor) -> torch.Tensor:
        return self.bag({"env_obs": observations.to(torch.uint8)})["features"]  # SB3 makes floats of them


class Curve(BaseCallback):
    """Prints the mean return of the last episodes after every rollout."""

    def _on_step(self) -> bool:
        return True

    def _on_rollout_end(self) -> None:
        returns = [episode["r"] for episode in self.model.ep_info_buffer or ()]
        if returns:
            print(f"{self.num_timesteps:>9,} steps  return {sum(returns) / len(returns):6.2f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--timesteps", type=int, default=300_000)
    parser.add_argument("--envs", type=int, default=16)
    parser.add_argument("--max-steps", type=int, default=500, help="steps of an episode")
    parser.add_argument("--rollout", type=int, default=128, help="steps of each environment between updates")
    parser.add_argument("--episodes", type=int, default=10, help="episodes of the evaluations")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    torch.set_num_threads(1)
    env_kwargs: dict[str, Any] = {"max_steps": args.max_steps}
    env = make_vec_env("MettaGrid/Arena-v0", n_envs=args.envs, seed=args.seed, env_kwargs=env_kwargs)
    model = PPO(
        "MlpPolicy",
        env,
        n_steps=args.rollout,
        batch_size=min(512, args.envs * args.rollout),
        n_epochs=4,
        gamma=0.99,
        ent_coef=0.01,
        learning_rate=1e-3,
        policy_kwargs={"features_extractor_class": TokenFeatures, "net_arch": [128]},
        seed=args.seed,
        device="cpu",
    )
    held_out = make_vec_env("MettaGrid/Arena-v0", n_envs=1, seed=10_000, env_kwargs=env_kwargs)

    def score() -> float:
        held_out.seed(10_000)
        mean, _ = evaluate_policy(model, held_out, n_eval_episodes=args.episodes, deterministic=False)
        return float(mean)  # pyright: ignore[reportArgumentType] - a list only with return_episode_rewards

    before = score()
    model.learn(args.timesteps, callback=Curve())
    print(f"return before {before:.2f}, after {score():.2f}")
    env.close()
    held_out.close()


if __name__ == "__main__":
    main()
