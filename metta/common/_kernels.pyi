"""CPU kernels for learning: numpy arrays in and out, no copies, GIL released while they run.

Arrays must be C-contiguous and of the exact dtype: nothing is converted. Faults raise ValueError or TypeError.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

def adam_step(
    groups: Sequence[tuple[float, float, float, float, float, bool, Sequence[tuple[int, int, int, int, int, int]]]],
    max_norm: float | None,
    num_threads: int,
) -> float:
    """Clip all gradients together and take one step of Adam, in place. Bits do not depend on ``num_threads``.

    ``groups``: lr, beta1, beta2, eps, weight decay, whether weights decay by themselves (AdamW), and for each parameter
    the addresses of weights, gradient, first and second mean, the address of the number of steps, which is counted up,
    and how many numbers there are. All are contiguous float32. Addresses are taken as they are, unlike everywhere else
    in this module: making arrays of them takes longer than stepping a small parameter.

    Returns the norm of the gradients, which are left scaled to ``max_norm`` if it is larger; 0: none is. With
    ``max_norm`` None neither is done, and the answer is 0.
    """

def categorical_forward(
    logits: NDArray[np.float32],
    mask: NDArray[np.bool_] | None,
    actions: NDArray[np.int64],
    log_probs: NDArray[np.float32],
    chosen: NDArray[np.float32],
    entropy: NDArray[np.float32],
    num_threads: int,
) -> None:
    """Logarithms of each row's masked softmax, that of its action, and its entropy in nats.

    Shapes: logits, mask and log_probs [B, A], actions, chosen and entropy [B].
    """

def categorical_backward(
    log_probs: NDArray[np.float32],
    mask: NDArray[np.bool_] | None,
    actions: NDArray[np.int64],
    entropy: NDArray[np.float32],
    grad_chosen: NDArray[np.float32],
    grad_entropy: NDArray[np.float32],
    grad_logits: NDArray[np.float32],
    num_threads: int,
) -> None:
    """Overwrite ``grad_logits [B, A]`` with the gradient of ``categorical_forward``'s ``chosen`` and ``entropy``."""

def dense_forward(
    x: NDArray[np.float32],
    w: NDArray[np.float32],
    bias: NDArray[np.float32] | None,
    relu: bool,
    y: NDArray[np.float32],
    num_threads: int,
) -> None:
    """``y = x w^T + bias``, then relu if wanted. Bits do not depend on ``num_threads``.

    Shapes: x [B, K], w [N, K], bias [N], y [B, N].
    """

def dense_backward(
    x: NDArray[np.float32],
    w: NDArray[np.float32],
    y: NDArray[np.float32],
    grad_y: NDArray[np.float32],
    relu: bool,
    grad_x: NDArray[np.float32] | None,
    grad_w: NDArray[np.float32],
    grad_bias: NDArray[np.float32] | None,
    num_threads: int,
    x_relu: bool = ...,
) -> None:
    """Overwrite ``grad_x [B, K]``, ``grad_w [N, K]`` and ``grad_bias [N]`` with the gradients of ``dense_forward``.

    ``x_relu``: a relu gave ``x``, and ``grad_x`` is to be the gradient before it.
    """

def gae(
    values: NDArray[np.float32],
    rewards: NDArray[np.float32],
    terminated: NDArray[np.bool_],
    truncated: NDArray[np.bool_],
    bootstrap: NDArray[np.float32],
    gamma: float,
    gae_lambda: float,
    advantages: NDArray[np.float32],
) -> None:
    """Generalised advantage estimates ``[S, T]``, written to ``advantages``."""

def lstm_forward(
    x: NDArray[np.float32],
    first: NDArray[np.bool_],
    h0: NDArray[np.float32],
    c0: NDArray[np.float32],
    w_ih: NDArray[np.float32],
    w_hh: NDArray[np.float32],
    bias: NDArray[np.float32],
    h: NDArray[np.float32],
    hn: NDArray[np.float32],
    cn: NDArray[np.float32],
    gates: NDArray[np.float32] | None,
    cells: NDArray[np.float32] | None,
    num_threads: int,
) -> None:
    """One layer of LSTM over segments, its state zeroed before each step whose ``first`` is true.

    Gates in torch's order. ``h`` is the result, ``hn`` and ``cn`` the state after the last step; ``gates``, ``cells``
    are for the backward pass, in an order of its own; None: nothing is kept. Bits do not depend on
    ``num_threads``.

    Shapes: x [S, T, F], first [S, T], h0, c0, hn and cn [S, H], w_ih [4H, F], w_hh [4H, H], bias [4H] (both of torch's
    added), h [S, T, H], gates [S * T, 4H], cells [S * T, H].
    """

def lstm_backward(
    x: NDArray[np.float32],
    first: NDArray[np.bool_],
    h0: NDArray[np.float32],
    c0: NDArray[np.float32],
    w_ih: NDArray[np.float32],
    w_hh: NDArray[np.float32],
    bias: NDArray[np.float32],
    h: NDArray[np.float32],
    gates: NDArray[np.float32],
    cells: NDArray[np.float32],
    grad_h: NDArray[np.float32],
    grad_hn: NDArray[np.float32],
    grad_cn: NDArray[np.float32],
    grad_x: NDArray[np.float32] | None,
    grad_h0: NDArray[np.float32],
    grad_c0: NDArray[np.float32],
    grad_w_ih: NDArray[np.float32],
    grad_w_hh: NDArray[np.float32],
    grad_bias: NDArray[np.float32],
    num_threads: int,
) -> None:
    """Gradients of ``lstm_forward`` from those of ``h``, ``hn`` and ``cn``; ``grad_bias`` is each of torch's two.

    ``h``, ``gates`` and ``cells`` are what it gave. Bits do not depend on ``num_threads``.
    """

def latent_read_forward(
    tokens: NDArray[np.float32],
    mask: NDArray[np.bool_],
    reads: NDArray[np.float32],
    out: NDArray[np.float32],
    eps: float,
    num_threads: int,
) -> None:
    """``out[n, r]``: the mean of the layer-normed tokens (mean 0, variance 1) by the attention of ``reads[n, r]``.

    Shapes: tokens [N, K, C], mask [N, K], reads [1 or N, R, C], out [N, R, C]. Bits do not depend on ``num_threads``.
    """

def latent_read_backward(
    tokens: NDArray[np.float32],
    mask: NDArray[np.bool_],
    reads: NDArray[np.float32],
    grad_out: NDArray[np.float32],
    grad_tokens: NDArray[np.float32],
    grad_reads: NDArray[np.float32],
    eps: float,
    num_threads: int,
) -> None:
    """Overwrite ``grad_tokens`` and ``grad_reads`` with the gradients of ``latent_read_forward``."""

def normalize_advantages(advantages: NDArray[np.float32], valid: NDArray[np.bool_], out: NDArray[np.float32]) -> None:
    """Mean 0 and standard deviation 1 over the valid steps. Shapes: all alike."""

def ppo_actor(
    log_prob: NDArray[np.float32],
    old_log_prob: NDArray[np.float32],
    advantages: NDArray[np.float32],
    entropy: NDArray[np.float32],
    valid: NDArray[np.bool_],
    clip: float,
    entropy_coefficient: float,
    grad_log_prob: NDArray[np.float32],
    grad_entropy: NDArray[np.float32],
) -> tuple[float, float, float, float, float, float]:
    """Loss, policy loss, entropy, KL, clipped share and mean ratio; overwrites the gradients of the loss.

    Shapes: all alike.
    """

def ppo_critic(
    values: NDArray[np.float32],
    old_values: NDArray[np.float32],
    returns: NDArray[np.float32],
    valid: NDArray[np.bool_],
    clip: float,
    weight: float,
    grad_values: NDArray[np.float32],
) -> float:
    """Value loss (``clip`` below 0: unclipped); overwrites the gradient of ``weight`` times it. Shapes: all alike."""

def sample_actions(
    logits: NDArray[np.float32],
    mask: NDArray[np.bool_] | None,
    draws: NDArray[np.float32],
    actions: NDArray[np.int64],
    log_probs: NDArray[np.float32],
) -> None:
    """Draw an action from each row's masked softmax with one uniform number a row; write its log-probability.

    Shapes: logits and mask [B, A], draws, actions and log_probs [B].
    """

def small_attention_forward(
    queries: NDArray[np.float32],
    keys_values: NDArray[np.float32],
    out: NDArray[np.float32],
    num_heads: int,
    num_threads: int,
) -> None:
    """Scaled dot-product attention among a few vectors, heads next to each other as linear layers leave them.

    Shapes: queries [N, Q, A], keys_values [N, K, A + F], out [N, Q, F]. Bits do not depend on ``num_threads``.
    """

def small_attention_backward(
    queries: NDArray[np.float32],
    keys_values: NDArray[np.float32],
    grad_out: NDArray[np.float32],
    grad_queries: NDArray[np.float32],
    grad_keys_values: NDArray[np.float32],
    num_heads: int,
    num_threads: int,
) -> None:
    """Overwrite ``grad_queries`` and ``grad_keys_values`` with the gradients of ``small_attention_forward``."""

class TokenTables:
    """Where each token's vector stands in a token bag's table (see ``FeatureTable``). Cannot be changed.

    Shapes: positions [3, 256], scopes [256], rows and weights [256, 256].
    """

    def __init__(
        self,
        positions: NDArray[np.int32],
        scopes: NDArray[np.uint8],
        rows: NDArray[np.int32],
        weights: NDArray[np.float32],
    ) -> None: ...

def token_bag_forward(
    tables: TokenTables,
    obs: NDArray[np.uint8],
    table: NDArray[np.float32],
    bias: NDArray[np.float32],
    relu: bool,
    out: NDArray[np.float32],
    num_threads: int,
    layers: Sequence[tuple[NDArray[np.float32], NDArray[np.float32], bool, NDArray[np.float32]]] = ...,
    heads: tuple[NDArray[np.float32], ...] | None = ...,
    kept: tuple[NDArray[np.int64], NDArray[np.int32]] | None = ...,
) -> None:
    """``out[b] = bias + sum of weight * table[row]`` over the tokens of ``obs[b]``, then relu if wanted; then each of
    ``layers``: (weight [outputs, inputs], bias [outputs], relu, where its result goes [B, outputs]); then ``heads``:
    weight and bias of the actor, of the critic, and where logits [B, A] and values [B] go.

    ``kept``, entries [B, K] and bounds [2, B], is overwritten with the decoded tokens, for the backward pass.

    Shapes: obs [B, K, 3], table [N, F], bias [F], out [B, F]. Bits do not depend on ``num_threads``.
    """

def joint_heads_forward(x: NDArray[np.float32], heads: tuple[NDArray[np.float32], ...], num_threads: int) -> None:
    """What an actor and a critic say about the features ``x [B, K]``; ``heads`` as for ``token_bag_forward``."""

def token_bag_backward(
    tables: TokenTables,
    obs: NDArray[np.uint8],
    out: NDArray[np.float32] | None,
    grad_out: NDArray[np.float32],
    grad_table: NDArray[np.float32],
    grad_bias: NDArray[np.float32],
    num_threads: int,
    kept: tuple[NDArray[np.int64], NDArray[np.int32]] | None = ...,
) -> None:
    """Overwrite ``grad_table [N, F]`` and ``grad_bias [F]`` with the gradients of ``token_bag_forward``.

    ``out`` is its result if it ended with a relu, else None; ``kept`` what it wrote for the same ``obs``, if it did.
    """

def token_conv_forward(
    positions: NDArray[np.int32],
    scopes: NDArray[np.uint8],
    rows: NDArray[np.int32],
    weights: NDArray[np.float32],
    first_touch: NDArray[np.int32],
    touches: NDArray[np.int32],
    obs: NDArray[np.uint8],
    kernel: NDArray[np.float32],
    constants: NDArray[np.float32],
    bias: NDArray[np.float32],
    out: NDArray[np.float32],
    num_taps: int,
    relu: bool,
    num_threads: int,
) -> None:
    """A convolution without padding over the planes that the tokens of ``obs`` stand for, written to ``out``.

    Shapes: positions [3, 256], scopes [256], rows and weights [256, 256], first_touch [cells + 1], touches [M, 2] (see
    ``TokenConv``), obs [B, K, 3], kernel [N, F], constants [G, F], bias [F], out [B, O, F]. With ``relu`` negative
    outputs become 0. Bits do not depend on ``num_threads``.
    """

def token_conv_backward(
    positions: NDArray[np.int32],
    scopes: NDArray[np.uint8],
    rows: NDArray[np.int32],
    weights: NDArray[np.float32],
    first_touch: NDArray[np.int32],
    touches: NDArray[np.int32],
    obs: NDArray[np.uint8],
    out: NDArray[np.float32],
    grad_out: NDArray[np.float32],
    grad_kernel: NDArray[np.float32],
    grad_constants: NDArray[np.float32],
    grad_bias: NDArray[np.float32],
    num_taps: int,
    relu: bool,
    num_threads: int,
) -> None:
    """Overwrite ``grad_kernel [N, F]``, ``grad_constants [G, F]`` and ``grad_bias [F]`` with the gradients."""

def token_vectors_forward(
    channels: NDArray[np.int64],
    cells: NDArray[np.int64],
    scopes: NDArray[np.int64],
    weights: NDArray[np.float32],
    obs: NDArray[np.uint8],
    attributes: NDArray[np.float32],
    places: NDArray[np.float32],
    out: NDArray[np.float32],
    mask: NDArray[np.bool_],
    num_threads: int,
) -> None:
    """Attribute, place and weight of each observation's first K tokens, one after the other, and whether each is used.

    Shapes: channels and weights [256, 256], cells [3, 256], scopes [256] (see ``ObsTokens``), obs [N, K or more, 3],
    attributes [A, E], places [P, D], out [N, K, E + D + 1], mask [N, K].
    """

def token_vectors_backward(
    channels: NDArray[np.int64],
    cells: NDArray[np.int64],
    scopes: NDArray[np.int64],
    weights: NDArray[np.float32],
    obs: NDArray[np.uint8],
    grad_out: NDArray[np.float32],
    grad_attributes: NDArray[np.float32],
    num_places: int,
    num_threads: int,
) -> None:
    """Overwrite ``grad_attributes`` with the gradient of ``token_vectors_forward``."""

class RowGather:
    """Copies chosen rows of many tables at once, from ``sources`` to ``destinations``, which are the same ever after.

    Shapes: each source [R, bytes], its destination [N, bytes]; R and N are the same for all.
    """

    def __init__(self, sources: Sequence[NDArray[np.uint8]], destinations: Sequence[NDArray[np.uint8]]) -> None: ...
    def run(self, rows: NDArray[np.int64], num_threads: int) -> None:
        """Row i of each destination becomes row ``rows[i]`` of its source.

        Shapes: rows [N].
        """

def spread_columns(columns: Sequence[tuple[int, int, int, int]], rows: int, num_threads: int) -> None:
    """Copy ``rows`` cells that lie one after the other to places that lie apart.

    Each of ``columns``: address of the cells, address of the first place, bytes of a cell, bytes from one place to the
    next. Addresses are taken as they are.
    """
