"""The three hooks of a training run, put together from its config. Here training meets simulations and sinks."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from metta.common.run_dir import RunDir
from metta.sim.evaluator_config import EvaluatorConfig
from metta.tools.resolved import resolved_tree

if TYPE_CHECKING:
    import torch

    from metta.rl.hooks.base import TrainerHook
    from metta.rl.hooks.checkpoint import PolicyCopies
    from metta.rl.hooks.evaluation import RunningEvaluation
    from metta.rl.monitor.part import MonitorPart
    from metta.tools.train import TrainTool
    from metta.tracking.console import ConsoleLogger
    from metta.tracking.logger import Logger


def make_hooks(tool: TrainTool, run_dir: RunDir, device: torch.device, console: ConsoleLogger) -> list[TrainerHook]:
    """In this order: the policy is written, evaluated, and then everything is logged.

    Raises:
        ConfigError: a sink that was asked for cannot be used.
    """
    from metta.checkpoint.manager import CheckpointManager
    from metta.rl.hooks.checkpoint import CheckpointHook
    from metta.rl.hooks.evaluation import EvaluationHook
    from metta.rl.hooks.metrics import MetricsHook
    from metta.tracking.jsonl import JsonlLogger
    from metta.tracking.tensorboard import make_tensorboard_logger
    from metta.tracking.wandb import make_wandb_logger

    rows = max(1, tool.checkpointer.epoch_interval // tool.metrics.interval)  # written between two saved policies
    interval = tool.evaluator.epoch_interval if tool.evaluator.is_on else 0
    wandb = make_wandb_logger(tool.wandb, run=run_dir.run, folder=run_dir.root, run_config=resolved_tree(tool))
    return [
        CheckpointHook(CheckpointManager(run_dir), tool.checkpointer, interval, _copies(tool, run_dir, wandb)),
        EvaluationHook(
            _evaluator(tool.evaluator, str(device)),
            interval,
            tool.evaluator.seed,
            console.phase,
            start=_starter(tool.evaluator, str(device)) if tool.evaluator.background else None,
            result_after=tool.evaluator.result_after,
        ),
        MetricsHook(
            JsonlLogger(run_dir.metrics_path, rows),
            JsonlLogger(run_dir.timing_path, rows),
            console,
            [wandb, make_tensorboard_logger(run_dir.root / "tensorboard", on=tool.metrics.tensorboard)],
            tool.metrics,
            _parts(tool, wandb),
        ),
    ]


def _copies(tool: TrainTool, run_dir: RunDir, wandb: Logger) -> list[PolicyCopies]:
    from metta.checkpoint.uploader import Uploader
    from metta.tracking.wandb import WandbArtifacts, WandbLogger

    copies: list[PolicyCopies] = []
    if (uri := tool.checkpointer.upload_uri) is not None:
        copies.append(Uploader(uri, run_dir, tool.checkpointer.upload_timeout))
    if isinstance(wandb, WandbLogger) and tool.wandb.artifact_interval:
        copies.append(WandbArtifacts(wandb, tool.wandb.artifact_interval))
    return copies


def _parts(tool: TrainTool, wandb: Logger) -> list[MonitorPart]:
    from metta.rl.monitor.abort import AbortByTag
    from metta.rl.monitor.registry import build_parts
    from metta.tracking.wandb import WandbLogger

    abort: list[MonitorPart] = []
    if isinstance(wandb, WandbLogger) and wandb.mode == "online" and tool.wandb.abort_interval:
        abort.append(AbortByTag(wandb.remote_tags, tool.wandb.abort_interval))
    return [*abort, *build_parts(tool.metrics)]


def _evaluator(config: EvaluatorConfig, device: str) -> Any:
    """What EvaluationHook calls: training knows no simulations, so this is where the two meet."""

    def evaluate(uri: str, seed: int, tick: Callable[[], None]) -> dict[str, dict[str, float]]:
        from metta.eval.scorecard import evaluate_policies

        evaluation = evaluate_policies(
            config.planned(),
            (uri,),
            seed=seed,
            greedy=not config.sampled,
            device=device,
            on_progress=lambda *_: tick(),
        )
        (resolved,) = evaluation.scorecard.policies
        return evaluation.scorecard.means(resolved)

    return evaluate


def _starter(config: EvaluatorConfig, device: str) -> Callable[[str, int], RunningEvaluation]:
    def start(uri: str, seed: int) -> RunningEvaluation:
        import torch

        from metta.eval.evaluation_process import EvaluationProcess

        return EvaluationProcess(
            config.planned(),
            uri,
            seed=seed,
            greedy=not config.sampled,
            device=device,
            threads=torch.get_num_threads(),  # equal scores need as many as training has
        )

    return start
