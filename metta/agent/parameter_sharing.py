"""Shared parameters: two components of a network that compute with the same weights."""

from __future__ import annotations

from torch import nn

from metta.common.errors import ShapeContractError


def share_parameters(component: nn.Module, owner: nn.Module) -> None:
    """Make ``component`` use the parameters of ``owner``, which has the same ones by name and shape.

    Both keep their names in ``state_dict``; gradients add up. Swapping one of the two ends the sharing.

    Raises:
        ShapeContractError: names or shapes differ; nothing is changed.
    """
    if fault := sharing_fault(component, owner):
        raise ShapeContractError(fault)
    parameters = dict(owner.named_parameters())
    for name in parameters:
        path, _, leaf = name.rpartition(".")
        setattr(component.get_submodule(path), leaf, parameters[name])


def sharing_fault(component: nn.Module, owner: nn.Module) -> str | None:
    """Why the two cannot share parameters; None when they can."""
    mine = {name: tuple(parameter.shape) for name, parameter in component.named_parameters()}
    theirs = {name: tuple(parameter.shape) for name, parameter in owner.named_parameters()}
    if mine == theirs:
        return None
    different = sorted(name for name in mine.keys() | theirs.keys() if mine.get(name) != theirs.get(name))
    shown = ", ".join(f"{name} {theirs.get(name, 'missing')} and {mine.get(name, 'missing')}" for name in different[:4])
    return f"parameters cannot be shared, they differ (owner and sharer): {shown}. Make class and sizes equal."
