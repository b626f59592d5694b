"""Cortex: columns of different recurrences side by side, chosen by a pattern of letters."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor, nn

from metta.agent.components.axon import Axon
from metta.agent.components.causal_conv import CausalConv
from metta.agent.components.lstm import LSTM
from metta.agent.components.mlstm import MLSTM
from metta.agent.components.slstm import SLSTM
from metta.agent.components.transformer_xl import XLAttention, residual_mlp
from metta.agent.policy_config import CORTEX_LETTERS
from metta.agent.recurrent import RecurrentModule, State, chain_state_shapes, state_of, state_under
from metta.common.errors import ConfigError

Projection = Literal["auto", "pre_up", "post_up", "none"]

CELLS: dict[str, tuple[Callable[[int, int, int, int], RecurrentModule], Projection]] = {
    "A": (lambda size, heads, memory, kernel: Axon(size, size), "pre_up"),
    "S": (lambda size, heads, memory, kernel: SLSTM(size, size, heads), "post_up"),
    "M": (lambda size, heads, memory, kernel: MLSTM(size, size, heads), "pre_up"),
    "L": (lambda size, heads, memory, kernel: LSTM(size, size), "post_up"),
    "X": (lambda size, heads, memory, kernel: XLAttention(size, size, memory, num_heads=heads), "post_up"),
    "C": (lambda size, heads, memory, kernel: CausalConv(size, size, kernel), "none"),
}
"""By letter: the cell (width, heads, steps of memory, kernel of the convolution) and the projection it usually has."""


class Cortex(RecurrentModule):
    """``num_layers`` columns; each runs a block per letter of ``pattern`` on the same input and mixes what they add.

    Letters: A ``Axon``, S ``SLSTM``, M ``MLSTM``, L ``LSTM``, X ``XLAttention``, C ``CausalConv``. How much of each
    block a step takes is a softmax over a linear layer of the column's input (a column of one block has none).
    ``projection``: ``pre_up`` widens before the cell (by ``ratio``, with a gate), ``post_up`` has an MLP of that width
    after it, ``none`` is the bare cell, ``auto`` what suits the letter. Every block has a
    layer norm in front and is residual.

    Shapes: see ``RecurrentModule``; memory of the cell at ``<name>_<block>_<part>``, blocks counted over all columns.
    ``features [s, T, F]`` -> ``core [s, T, out_features]``.
    Source: projections and cells of arXiv:2405.04517 (fig. 3), arXiv:2303.06349, arXiv:1901.02860; the mixture of
    blocks: arXiv:1701.06538 sec. 2 without sparsity.

    Raises:
        ConfigError: a letter that there is not, or heads that do not share the width.
    """

    def __init__(
        self,
        in_features: int,
        hidden_size: int,
        pattern: str = "AXMS",
        num_layers: int = 1,
        in_key: str = "features",
        out_key: str = "core",
        *,
        out_features: int | None = None,
        num_heads: int = 4,
        memory_size: int = 32,
        kernel: int = 4,
        ratio: int = 2,
        projection: Projection = "auto",
        post_norm: bool = True,
        first_key: str = "first",
        memory_name: str = "cortex",
    ) -> None:
        _check_pattern(pattern)
        blocks: list[Block] = []
        for letter in pattern * num_layers:
            make, usual = CELLS[letter]
            kind = BLOCKS[usual if projection == "auto" else projection]
            blocks.append(kind(lambda size, make=make: make(size, num_heads, memory_size, kernel), hidden_size, ratio))
        shapes = chain_state_shapes(block.cell for block in blocks)
        out_size = hidden_size if out_features is None else out_features
        super().__init__(in_features, out_size, shapes, in_key, out_key, first_key=first_key, memory_name=memory_name)
        self.into = nn.Linear(in_features, hidden_size)
        self.blocks = nn.ModuleList(blocks)
        self.per_column = len(pattern)
        routers = [nn.Linear(hidden_size, len(pattern)) for _ in range(num_layers)] if len(pattern) > 1 else []
        for router in routers:
            nn.init.zeros_(router.weight)
            nn.init.zeros_(router.bias)
        self.routers = nn.ModuleList(routers)
        self.norms = nn.ModuleList(nn.LayerNorm(hidden_size) if post_norm else nn.Identity() for _ in range(num_layers))
        self.out = nn.Identity() if out_features is None else nn.Linear(hidden_size, out_features)

    def run(self, x: Tensor, first: Tensor, state: State) -> tuple[Tensor, State]:
        """See ``RecurrentModule``."""
        x, after = self.into(x), {}
        for column, norm in enumerate(self.norms):
            added: list[Tensor] = []
            for index in range(column * self.per_column, (column + 1) * self.per_column):
                block = self.blocks[index]
                assert isinstance(block, Block)
                change, kept = block.change(x, first, state_of(index, state))
                added.append(change)
                after |= state_under(index, kept)
            x = norm(x + self._mix(column, x, added))
        return self.out(x), after

    def _mix(self, column: int, x: Tensor, added: list[Tensor]) -> Tensor:
        if len(added) == 1:
            return added[0]
        shares = self.routers[column](x).softmax(-1)
        return torch.einsum("stn,nsth->sth", shares, torch.stack(added))


class Block(nn.Module):
    """A cell with what stands before and after it; ``change`` is what it adds to its input."""

    cell: RecurrentModule

    def __init__(self, make_cell: Callable[[int], RecurrentModule], size: int, ratio: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(size)

    @abstractmethod
    def change(self, x: Tensor, first: Tensor, state: State) -> tuple[Tensor, State]:
        """Shapes: as ``RecurrentModule.run``, from ``[s, T, H]`` to ``[s, T, H]``."""
        raise NotImplementedError


class BareBlock(Block):
    """Norm, cell."""

    def __init__(self, make_cell: Callable[[int], RecurrentModule], size: int, ratio: int) -> None:
        super().__init__(make_cell, size, ratio)
        self.cell = make_cell(size)

    def change(self, x: Tensor, first: Tensor, state: State) -> tuple[Tensor, State]:
        """See ``Block``."""
        return self.cell.run(self.norm(x), first, state)


class PostUpBlock(Block):
    """Norm, cell; then an MLP on the sum, with its own norm."""

    def __init__(self, make_cell: Callable[[int], RecurrentModule], size: int, ratio: int) -> None:
        super().__init__(make_cell, size, ratio)
        self.cell = make_cell(size)
        self.mlp = residual_mlp(size, ratio)

    def change(self, x: Tensor, first: Tensor, state: State) -> tuple[Tensor, State]:
        """See ``Block``."""
        mixed, after = self.cell.run(self.norm(x), first, state)
        return mixed + self.mlp(x + mixed), after


class PreUpBlock(Block):
    """Norm, up to ``ratio`` times the width, cell, a gate, and down again."""

    def __init__(self, make_cell: Callable[[int], RecurrentModule], size: int, ratio: int) -> None:
        super().__init__(make_cell, size, ratio)
        self.up = nn.Linear(size, 2 * ratio * size)
        self.cell = make_cell(ratio * size)
        self.down = nn.Linear(ratio * size, size)

    def change(self, x: Tensor, first: Tensor, state: State) -> tuple[Tensor, State]:
        """See ``Block``."""
        wide, gate = self.up(self.norm(x)).chunk(2, dim=-1)
        mixed, after = self.cell.run(wide, first, state)
        return self.down(mixed * nn.functional.silu(gate)), after


BLOCKS: dict[Projection, type[Block]] = {"none": BareBlock, "post_up": PostUpBlock, "pre_up": PreUpBlock}


def _check_pattern(pattern: str) -> None:
    unknown = sorted(set(pattern) - set(CELLS))
    if not pattern or unknown:
        raise ConfigError(
            f"pattern={pattern!r} of a cortex: "
            + (f"there are no cells {unknown}. " if pattern else "it is empty. ")
            + "Letters: "
            + ", ".join(f"{letter} {name}" for letter, name in CORTEX_LETTERS.items())
        )
