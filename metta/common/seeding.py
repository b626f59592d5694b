"""Seeds for every purpose, derived from the one seed of a run. Knows no torch."""

from __future__ import annotations

import hashlib

_SEED_BITS = 63  # fits a signed 64-bit integer, which torch and numpy both take


def derive_seed(seed: int, *purpose: str | int) -> int:
    """A 63-bit seed for ``purpose``, independent of every other purpose and equal on every platform.

    Deriving instead of counting up keeps streams apart: adding a consumer never shifts the numbers of another one.

    >>> derive_seed(0, "actions") == derive_seed(0, "actions")
    True
    >>> derive_seed(0, "rank", 1) == derive_seed(0, "rank1")
    False
    """
    digest = hashlib.sha256(f"int:{int(seed)}".encode())
    for part in purpose:
        data = f"{'str' if isinstance(part, str) else 'int'}:{part}".encode()
        digest.update(len(data).to_bytes(8, "little") + data)  # the length keeps ("a", "b") and ("ab",) apart
    return int.from_bytes(digest.digest()[:8], "little") >> (64 - _SEED_BITS)
