"""Gradients averaged over ranks by torch's DistributedDataParallel, and what must be equal beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from tensordict import TensorDict
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from metta.rl.context import RolloutStats
from metta.rl.episode_metrics import EpisodeSums, sum_episodes
from metta.rl.objective import Objective
from metta.rl.shared_state import SharedState
from metta.rl.world import World, mean_of

if TYPE_CHECKING:
    from metta.agent.policy import Policy


class AveragedObjective:
    """Called like the objective; a backward pass through the total leaves each gradient's mean over the ranks.

    What learns may change between epochs (components are frozen, swapped, thawed): the buckets that gradients travel in
    are made anew then. Their order is fixed by the parameters' order, never by the order in which gradients arrive, so
    that a resumed run adds in the order of an undisturbed one.
    """

    def __init__(self, objective: Objective, world: World) -> None:
        self.objective = objective
        self.world = world
        self._parallel: DistributedDataParallel | None = None
        self._learning: list[nn.Parameter] = []

    def __call__(self, minibatch: TensorDict) -> tuple[Tensor, dict[str, Tensor]]:
        if self.world.size == 1:
            return self.objective(minibatch)
        learning = [parameter for parameter in self.objective.parameters() if parameter.requires_grad]
        if len(learning) != len(self._learning) or any(
            a is not b for a, b in zip(learning, self._learning, strict=True)
        ):
            self._learning, self._parallel = learning, self._wrap() if learning else None
        if self._parallel is None:
            return self.objective(minibatch)
        return self._parallel(minibatch)

    def _wrap(self) -> DistributedDataParallel:
        # find_unused_parameters: losses may leave a head alone; it also keeps torch from reordering the buckets.
        return DistributedDataParallel(self.objective, forward_sync_buffers=False, find_unused_parameters=True)


def share_rollout(world: World, mine: RolloutStats) -> RolloutStats:
    """What all ranks' rollouts brought; ``records`` stay this rank's own."""
    if world.size == 1:
        return mine
    told = world.gather([sum_episodes(mine.records).to_json(), mine.agent_steps], "episodes")
    sums = EpisodeSums.total([EpisodeSums.from_json(data) for data, _ in told])
    return RolloutStats(
        episodes=sums.means(),
        num_episodes=sums.episodes,
        agent_steps=sum(steps for _, steps in told),
        records=mine.records,
    )


def share_metrics(world: World, mine: dict[str, float]) -> dict[str, float]:
    """Means over the ranks; those over experience are weighted with each rank's valid steps."""
    if world.size == 1 or not mine:
        return mine
    told: list[dict[str, float]] = world.gather(mine, "metrics")
    weights = [row.get("experience/valid", 1.0) for row in told]
    plain, weighted = mean_of(told), mean_of(told, weights)
    return {key: weighted[key] if _counts_steps(key) else plain[key] for key in mine if key in plain}


def first_told(world: World, mine: str) -> str:
    """What the ranks found wrong: those whose own data is bad before those who only see its consequences."""
    if world.size == 1:
        return mine
    told = [f"{text} (rank {rank})" for rank, text in enumerate(world.gather(mine, "what is wrong"))]
    return next((text for text in told if "in the rollout's" in text), told[0])


def share_statistics(world: World, policy: Policy) -> None:
    """Running statistics of normalising wrappers become their means over the ranks: each saw other steps."""
    if world.size == 1:
        return
    state = policy.wrapper_state()
    names = [name for name, value in state.items() if ".normalization/" in name and value.is_floating_point()]
    known = world.gather(names, "statistics")
    if names := [name for name in names if all(name in others for others in known)]:
        policy.load_behavior_state({**state, **{name: world.mean(state[name]) for name in names}})


def share_state(world: World, shared: SharedState) -> None:
    """What hooks told each other on the master, where most of them are, is known on all ranks."""
    if world.size > 1:
        data, end_reason = world.broadcast([shared.to_json(), shared.end_reason], "what hooks share")
        if not world.is_master:
            shared.restore(data)
            shared.end_reason = end_reason


def check_weights(world: World, objective: Objective, epoch: int, every: int) -> None:
    """The ranks hold the same weights, byte for byte; looked at after ``every`` epochs (0: never).

    Raises:
        RanksDifferError: names the first parameter that differs.
    """
    if world.size > 1 and every and epoch % every == 0:
        named = [*objective.policy.named_parameters(), *objective.named_own_parameters()]
        world.check_equal(cast(Any, dict(named)), "weights")


def _counts_steps(key: str) -> bool:
    return key == "losses/explained_variance" or (key.startswith("experience/") and key != "experience/valid")
