"""The engine's random numbers once more in Python: Philox4x32-10, Lemire's bounded draw, Fisher-Yates.

Source: Salmon et al., SC 2011 (Philox); Lemire, TOMACS 2019, algorithm 5.
"""

from __future__ import annotations

from collections.abc import Iterator

ACTION_ORDER = 2
"""Purpose of the stream that orders the agents of a step."""
_WORD = 0xFFFFFFFF


def philox4x32(counter: tuple[int, int, int, int], key: int) -> tuple[int, int, int, int]:
    """Four random words as a pure function of counter and 64-bit key.

    The known answer of the Random123 distribution:

    >>> [f"{word:08x}" for word in philox4x32((0, 0, 0, 0), 0)]
    ['6627e8d5', 'e169c58d', 'bc57ac4c', '9b00dbd8']
    """
    key0, key1 = key & _WORD, key >> 32
    c0, c1, c2, c3 = counter
    for _ in range(10):
        product0, product1 = 0xD2511F53 * c0, 0xCD9E8D57 * c2
        c0, c1, c2, c3 = (product1 >> 32) ^ c1 ^ key0, product1 & _WORD, (product0 >> 32) ^ c3 ^ key1, product0 & _WORD
        key0, key1 = (key0 + 0x9E3779B9) & _WORD, (key1 + 0xBB67AE85) & _WORD
    return c0, c1, c2, c3


def words(seed: int, env: int, episode: int, step: int, purpose: int, lane: int = 0) -> Iterator[int]:
    """The words of one stream; ``lane`` tells apart those of one purpose."""
    block = lane << 8
    while True:
        yield from philox4x32((env, episode, step, (purpose << 24) + block), seed)
        block += 1


def below(stream: Iterator[int], bound: int) -> int:
    """Uniform in 0 .. bound - 1."""
    product = next(stream) * bound
    while product & _WORD < (2**32 - bound) % bound:
        product = next(stream) * bound
    return product >> 32


def agent_order(seed: int, env: int, episode: int, step: int, num_agents: int) -> list[int]:
    """The order in which agents act in a step."""
    order, stream = list(range(num_agents)), words(seed, env, episode, step, ACTION_ORDER)
    for i in range(num_agents - 1):
        j = i + below(stream, num_agents - i)
        order[i], order[j] = order[j], order[i]
    return order
