"""join_tokens: a token bag, the layers that read it and the heads on them are computed in one native call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from metta.agent.components.dense import all_run_natively, dense_backward
from metta.agent.components.token_bag import KeptTokens, token_bag_backward
from metta.agent.joint_heads import run_joint
from metta.agent.module import TensorMap
from metta.common import _kernels


@dataclass(frozen=True, slots=True)
class TokenChain:
    """Names of components, each of which reads what the one before writes."""

    bag: str
    mlps: tuple[str, ...]
    heads: tuple[str, str] | None


Step = str | tuple[str, str] | TokenChain


def join_tokens(steps: Sequence[str | tuple[str, str]], components: Mapping[str, nn.Module]) -> tuple[Step, ...]:
    """``steps``, with a token bag, the relu layers that follow it and the joint heads that follow those made one.

    A few observations go through all layers while they are in the cache, and threads are woken once: acting takes half
    the time. Wrapped components stay as they are.
    """
    from metta.agent.components.linear import MLP  # components' modules know the container
    from metta.agent.components.token_bag import TokenBag

    joined: list[Step] = []
    key: str | None = None  # what the chain at the end of `joined` writes
    for step in steps:
        chain = joined[-1] if joined else None
        component = components[step] if isinstance(step, str) else components[step[0]]
        if type(component) is TokenBag and component.activate is torch.relu_:
            assert isinstance(step, str)
            joined.append(TokenChain(step, (), None))
            key = component.out_key
        elif isinstance(chain, TokenChain) and chain.heads is None and key in _keys_read(component):
            if isinstance(step, str) and type(component) is MLP and _joins(component):
                joined[-1] = TokenChain(chain.bag, (*chain.mlps, step), None)
                key = component.out_key
            elif isinstance(step, tuple):
                joined[-1] = TokenChain(chain.bag, chain.mlps, step)
            else:
                joined.append(step)
        else:
            joined.append(step)
    return tuple(
        step.bag if isinstance(step, TokenChain) and not step.mlps and step.heads is None else step for step in joined
    )


def _keys_read(component: Any) -> list[Any]:
    return list(component.in_keys)


def _joins(mlp: Any) -> bool:
    return mlp.activate is torch.relu_ and mlp.in_dims == 1 and len(mlp.layers) > 0


def run_chain(chain: TokenChain, modules: Mapping[str, nn.Module | None], td: TensorMap) -> dict[str, Tensor]:
    """What the chain's components write; on the CPU in one native call."""
    bag: Any = modules[chain.bag]
    mlps: list[Any] = [modules[name] for name in chain.mlps]
    heads: list[Any] = [] if chain.heads is None else [modules[name] for name in chain.heads]
    obs = td[bag.in_key]
    linears: list[nn.Linear] = [layer for mlp in mlps for layer in mlp.layers]
    linears += [head.linear for head in heads]
    parameters: list[Any] = [parameter for module in (bag, *linears) for parameter in module._parameters.values()]
    if not (bag.native and _runs_natively(linears, parameters, obs)):
        data = dict(td)
        for module in (bag, *mlps):
            data |= module._compute(data)
        written = {module.out_key: data[module.out_key] for module in (bag, *mlps)}
        return written | (run_joint(heads[0], heads[1], data) if heads else {})
    tokens = obs if obs.ndim == 3 else obs.reshape(-1, *obs.shape[-2:])
    if torch.is_grad_enabled() and any(parameter.requires_grad for parameter in parameters):
        found = _TokenNetwork.apply(bag.tables, tokens, len(heads), *parameters)
    else:
        found = _run_layers(bag.tables, tokens, len(heads), parameters, None)
    shaped = found if obs.ndim == 3 else [out.view(*obs.shape[:-2], *out.shape[1:]) for out in found]
    written, index = {bag.out_key: shaped[0]}, 0
    for mlp in mlps:
        index += len(mlp.layers)
        written[mlp.out_key] = shaped[index]
    for head, out in zip(heads, shaped[len(shaped) - len(heads) :], strict=True):
        written[head.out_key] = out
    return written


def _runs_natively(linears: Sequence[nn.Linear], parameters: Sequence[Tensor | None], obs: Tensor) -> bool:
    return (
        all_run_natively(obs.shape[:-2].numel(), parameters)
        and obs.device.type == "cpu"
        and not any(linear._forward_hooks or linear._forward_pre_hooks for linear in linears)
    )


class _TokenNetwork(torch.autograd.Function):
    """Results of all layers, so that whoever reads one in between finds it; actor and critic are one layer.

    ``parameters`` are table and bias of the bag, then weight and bias of each layer, the heads' last.
    """

    @staticmethod
    def forward(
        ctx: Any, tables: _kernels.TokenTables, tokens: Tensor, num_heads: int, *parameters: Tensor
    ) -> tuple[Tensor, ...]:
        kept = KeptTokens(tokens) if any(ctx.needs_input_grad[3:5]) else None
        outs = _run_layers(tables, tokens, num_heads, parameters, kept)
        ctx.hidden = len(outs) - 1 - num_heads
        weights = parameters[2::2]
        ctx.save_for_backward(tokens, *outs[: ctx.hidden + 1], *weights)
        ctx.tables, ctx.num_rows, ctx.num_heads, ctx.kept = tables, parameters[0].shape[0], num_heads, kept
        ctx.set_materialize_grads(False)
        return tuple(outs)

    @staticmethod
    @once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride] - the decorator hides the parameters' names
        ctx: Any, *grad_outputs: Tensor | None
    ) -> tuple[Tensor | None, ...]:
        tokens, *saved = ctx.saved_tensors
        outs, weights = saved[: ctx.hidden + 1], saved[ctx.hidden + 1 :]
        needed: list[bool] = list(ctx.needs_input_grad[3:])
        alone = [grad is None for grad in grad_outputs]  # nobody else reads what this layer gave
        found: list[Tensor | None] = []  # of the parameters, from the last to the first
        grad: Tensor | None = None
        last = ctx.hidden
        if ctx.num_heads:
            weight = torch.cat(weights[-2:])
            both = _joint(grad_outputs[-2], grad_outputs[-1], weight.shape[0])
            grad, *pairs = _through(outs[last], weight, None, both, needed[: 2 + 2 * last], x_relu=alone[last])
            found += [part for pair in pairs for part in ((None, None) if pair is None else (pair[-1:], pair[:-1]))]
            found = [found[0], found[2], found[1], found[3]]  # bias and weight of the critic, then of the actor
        for index in range(last, 0, -1):
            y = None if grad is not None and alone[index] else outs[index]  # else the relu is passed already
            grad = _add(grad, grad_outputs[index])
            if not any(needed[: 2 + 2 * index]):
                grad = None
            below = needed[: 2 * index]
            grad, of_bias, of_weight = _through(
                outs[index - 1], weights[index - 1], y, grad, below, x_relu=alone[index - 1]
            )
            found += [of_bias, of_weight]
        y = None if grad is not None and alone[0] else outs[0]
        grad = _add(grad, grad_outputs[0])
        of_table = of_offset = None
        if grad is not None and any(needed[:2]):
            of_table, of_offset = token_bag_backward(ctx.tables, tokens, y, grad, ctx.num_rows, ctx.kept)
        return None, None, None, of_table, of_offset, *reversed(found)


def _run_layers(
    tables: _kernels.TokenTables, tokens: Tensor, num_heads: int, parameters: Sequence[Tensor], kept: KeptTokens | None
) -> list[Tensor]:
    """What each layer gives, logits and values last."""
    count, arrays = tokens.shape[0], [parameter.detach().numpy() for parameter in parameters]
    outs = [torch.empty(count, array.shape[0]) for array in arrays[1::2]]
    if num_heads:
        outs[-1] = torch.empty(count)
    results = [out.numpy() for out in outs]
    hidden = len(outs) - num_heads
    layers = [(arrays[2 * index], arrays[2 * index + 1], True, results[index]) for index in range(1, hidden)]
    _kernels.token_bag_forward(
        tables,
        tokens.contiguous().numpy(),
        arrays[0],
        arrays[1],
        True,
        results[0],
        torch.get_num_threads(),
        layers,
        (*arrays[-4:], *results[-2:]) if num_heads else None,
        None if kept is None else kept.arrays,
    )
    return outs


def _through(
    x: Tensor, weight: Tensor, y: Tensor | None, grad: Tensor | None, below: Sequence[bool], *, x_relu: bool
) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
    """Gradients of ``x`` (where one of ``below`` needs it), bias and weight of a layer."""
    if grad is None:
        return None, None, None
    of_x, of_weight, of_bias = dense_backward(x, weight, y, grad, with_x=any(below), x_relu=x_relu)
    return of_x, of_bias, of_weight


def _joint(logits: Tensor | None, values: Tensor | None, width: int) -> Tensor | None:
    """``[N, width]``: the gradient of both heads' outputs, next to each other; None where there is none."""
    there = logits if logits is not None else values
    if there is None:
        return None
    logits = there.new_zeros(there.shape[0], width - 1) if logits is None else logits
    values = there.new_zeros(there.shape[0]) if values is None else values
    return torch.cat((logits, values.unsqueeze(1)), dim=1)


def _add(one: Tensor | None, other: Tensor | None) -> Tensor | None:
    return one if other is None else other if one is None else one + other
