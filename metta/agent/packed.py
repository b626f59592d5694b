"""Segments with resets in the middle, run as packed sequences through torch's fused recurrent layers."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence


def run_fused(
    layer: nn.LSTM | nn.GRU, x: Tensor, first: Tensor, states: tuple[Tensor, ...]
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """``layer`` over segments; its states are zeroed before each step whose ``first`` is true.

    ``states`` are (h, c) of an LSTM or (h,) of a GRU, already zeroed where ``first[:, 0]``. Without resets after the
    first step all segments run at once; otherwise they are cut there, with the same results.

    Shapes: ``x [s, T, F]``, ``first [s, T] bool``, each state ``[s, L, H]`` -> ``[s, T, H]``, states ``[s, L, H]``.
    """
    if bool(first[:, 1:].any()):  # on a GPU this waits for the device, once per minibatch
        return _run_cut(layer, x, first, states)
    out, states = _call(layer, x, tuple(state.transpose(0, 1).contiguous() for state in states))
    return out, tuple(state.transpose(0, 1) for state in states)


def _run_cut(
    layer: nn.LSTM | nn.GRU, x: Tensor, first: Tensor, states: tuple[Tensor, ...]
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Cut segments at resets, run the pieces together, put the results back in place::

    segment 0:  a a a|b b      pieces by length:  c c c c c    packed: c a d b | c a d b | c a d | c d | c
    segment 1:  c c c c c                         a a a
    segment 2:  d d d|e e ...                     ...
    """
    num_segments, horizon = first.shape
    starts = first.clone()
    starts[:, 0] = True
    begin = starts.flatten().nonzero().squeeze(1)  # step (counted over all segments) at which each piece begins
    piece = starts.flatten().cumsum(0) - 1  # piece of each step
    steps = torch.arange(piece.shape[0], device=x.device)
    age = steps - begin[piece]
    order = age.new_zeros(begin.shape[0]).scatter_reduce_(0, piece, age, "amax").argsort(descending=True, stable=True)
    rank = torch.empty_like(order).scatter_(0, order, torch.arange(order.shape[0], device=x.device))
    packing = (age * order.shape[0] + rank[piece]).argsort()
    unpacking = torch.empty_like(packing).scatter_(0, packing, steps)
    data = PackedSequence(x.flatten(0, 1).index_select(0, packing), age.bincount().cpu())
    # Pieces at a segment's start go on from its memory, the others from zeros (appended as one more segment).
    source = torch.where(begin % horizon == 0, begin // horizon, num_segments)[order]
    padded = tuple(nn.functional.pad(state, (0, 0, 0, 0, 0, 1)).transpose(0, 1)[:, source] for state in states)
    packed, states = _call(layer, data, padded)
    last = rank[piece.view(num_segments, horizon)[:, -1]]
    out = packed.data.index_select(0, unpacking).view(num_segments, horizon, -1)
    return out, tuple(state[:, last].transpose(0, 1) for state in states)


def _call(layer: nn.LSTM | nn.GRU, x: Tensor | PackedSequence, states: tuple[Tensor, ...]):
    out, after = layer(x, states if isinstance(layer, nn.LSTM) else states[0])
    return out, after if isinstance(after, tuple) else (after,)
