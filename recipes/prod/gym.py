"""Any Gymnasium environment with discrete actions, through PufferLib's vectoriser. Status: prod."""

from __future__ import annotations

from metta.envs.gym_env_config import GymEnvConfig
from metta.rl.loss.ppo_critic_config import PPOCriticConfig
from metta.rl.trainer_config import OptimizerConfig, TrainerConfig
from metta.sim.evaluator_config import EvaluatorConfig
from metta.sim.simulation_config import SimulationConfig
from metta.tools.evaluate import EvaluateTool
from metta.tools.train import TrainTool


def simulations(env_id: str = "CartPole-v1") -> tuple[SimulationConfig, ...]:
    """``gym/<env_id>``, 100 episodes."""
    name = env_id.replace("/", ".")  # ids with a namespace, such as ALE/Pong-v5
    return (SimulationConfig(suite="gym", name=name, env=GymEnvConfig(env_id=env_id), num_episodes=100),)


def train(env_id: str = "CartPole-v1") -> TrainTool:
    """Train on ``env_id`` with the usual settings for small control tasks."""
    return TrainTool(
        training_env=GymEnvConfig(env_id=env_id, num_envs=8),
        trainer=TrainerConfig(
            total_timesteps=500_000,
            batch_size=1024,
            minibatch_size=256,
            bptt_horizon=16,
            update_epochs=4,
            gamma=0.99,
            gae_lambda=0.95,
            optimizer=OptimizerConfig(learning_rate=1e-3),
            losses={"ppo_critic": PPOCriticConfig(vf_coef=0.5, clip_vloss=True)},
        ),
        evaluator=EvaluatorConfig(simulations=simulations(env_id)),
    )


def evaluate(env_id: str = "CartPole-v1") -> EvaluateTool:
    """Score policies on ``env_id``."""
    return EvaluateTool(simulations=simulations(env_id))
