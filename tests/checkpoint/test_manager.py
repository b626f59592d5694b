from __future__ import annotations

import re

import pytest
import torch

from metta.agent.policy import Policy
from metta.checkpoint.artifact import load_artifact, save_artifact
from metta.checkpoint.manager import CheckpointManager, load_policy, load_trained
from metta.common.env_spec import EnvSpec
from metta.common.errors import CheckpointError, ConfigError, NotANumberError
from metta.common.run_dir import RunDir


@pytest.fixture
def manager(run_dir: RunDir) -> CheckpointManager:
    return CheckpointManager(run_dir)


def act(policy: Policy, spec: EnvSpec) -> torch.Tensor:
    obs = torch.linspace(0, 1, 8).reshape(4, 2)
    policy.init_memory(4)
    return policy.act({"env_obs": obs, "first": torch.ones(4, dtype=torch.bool)}, greedy=True)["act_log_prob"]


def test_a_saved_policy_acts_as_before(manager: CheckpointManager, policy: Policy, spec: EnvSpec) -> None:
    uri = manager.save_policy(policy, epoch=5, agent_step=320)
    assert uri == f"file://{manager.folder}/demo:v5.mpt"
    for place in (uri, str(manager.folder), str(manager.folder.parent)):
        loaded = load_trained(place, spec)
        assert torch.equal(act(loaded, spec), act(policy, spec))
        assert loaded.config == policy.config


def test_equal_policies_of_two_runs_are_equal_files(
    manager: CheckpointManager, policy: Policy, run_dir: RunDir
) -> None:
    other = CheckpointManager(RunDir.at(run_dir.root.parent, "other").create())
    manager.save_policy(policy, 5, 320)
    other.save_policy(policy, 5, 320)
    assert manager.path_of(5).read_bytes() == other.path_of(5).read_bytes()


def test_latest_is_the_highest_epoch_not_the_last_name(manager: CheckpointManager, policy: Policy) -> None:
    assert manager.latest() is None
    for epoch in (9, 10, 2):
        manager.save_policy(policy, epoch, 0)
    (manager.folder / "notes.mpt").write_text("a person put this here")
    (manager.folder / "other:v99.mpt").write_text("")
    assert manager.epochs() == [2, 9, 10]
    latest = manager.latest()
    assert latest is not None
    assert latest.endswith("demo:v10.mpt")


@pytest.mark.parametrize(
    ("keep_last", "keep_best", "scores", "kept"),
    [
        (2, 0, {}, [4, 5]),
        (1, 1, {1: 3.0, 2: 9.0, 4: 5.0}, [2, 5]),
        (1, 2, {1: 7.0, 2: 7.0, 3: 7.0}, [2, 3, 5]),  # of equal scores the later ones
        (9, 9, {}, [1, 2, 3, 4, 5]),
        (1, 1, {99: 1.0}, [5]),  # a score of a policy that is gone
    ],
)
def test_prune_keeps_newest_and_best(
    manager: CheckpointManager,
    policy: Policy,
    keep_last: int,
    keep_best: int,
    scores: dict[int, float],
    kept: list[int],
) -> None:
    for epoch in range(1, 6):
        manager.save_policy(policy, epoch, 0)
    removed = manager.prune(keep_last, keep_best, scores)
    assert manager.epochs() == kept
    assert sorted(removed + kept) == [1, 2, 3, 4, 5]


def test_weights_that_are_no_numbers_are_never_written(manager: CheckpointManager, policy: Policy) -> None:
    with torch.no_grad():
        next(policy.parameters()).fill_(float("nan"))
    with pytest.raises(NotANumberError, match="epoch 3"):
        manager.save_policy(policy, 3, 0)
    assert manager.epochs() == []


def test_a_policy_of_another_game_is_refused_with_the_differences(
    manager: CheckpointManager, policy: Policy, spec: EnvSpec
) -> None:
    uri = manager.save_policy(policy, 1, 0)
    other = spec.replace({"name": "maze", "action_names": ("left", "right", "jump")})
    with pytest.raises(CheckpointError, match=r"trained on 'corridor' and cannot act in 'maze':\n  - action_names: "):
        load_policy(uri, other)
    assert load_policy(uri, spec.replace({"name": "longer corridor", "num_agents": 3})).spec.num_agents == 3


def test_scripted_policies_have_no_weights_to_train(spec: EnvSpec) -> None:
    assert load_policy("mock://random", spec).spec == spec
    with pytest.raises(CheckpointError, match="scripted policy without weights"):
        load_trained("mock://random", spec)
    with pytest.raises(ConfigError, match="mock://random"):
        load_policy("mock://randm", spec)


def test_a_named_policy_that_is_broken_is_refused(manager: CheckpointManager, policy: Policy, spec: EnvSpec) -> None:
    uri = manager.save_policy(policy, 1, 0)
    manager.save_policy(policy, 2, 0)
    path = manager.path_of(2)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(CheckpointError, match=re.escape("demo:v2.mpt")):
        load_policy(str(manager.folder), spec)  # not silently version 1
    load_policy(uri, spec)


def test_architecture_and_weights_must_fit(manager: CheckpointManager, policy: Policy, spec: EnvSpec) -> None:
    manager.save_policy(policy, 1, 0)
    weights, meta = load_artifact(manager.path_of(1))
    unknown, wider = manager.path_of(2), manager.path_of(3)
    save_artifact(unknown, weights, meta.replace({"architecture": {"type": "transformer"}}))
    save_artifact(wider, weights, meta.replace({"architecture": {"type": "mlp", "hidden_sizes": [9]}}))
    with pytest.raises(CheckpointError, match="its architecture is unknown here"):
        load_policy(str(unknown), spec)
    with pytest.raises(CheckpointError, match="weights do not fit its architecture"):
        load_policy(str(wider), spec)
