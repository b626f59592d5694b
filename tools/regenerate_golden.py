#!/usr/bin/env python3
"""Rewrite the golden files under tests/golden from what the engine does now. Review the diff before you commit it.

    .venv/bin/python tools/regenerate_golden.py            # all playthroughs
    .venv/bin/python tools/regenerate_golden.py attack     # those whose name starts with "attack"

The part of a playthrough above its line of ``=`` is the script; it is never changed.
"""

from __future__ import annotations

import sys
from pathlib import Path

from metta.mettagrid.render.playthrough import parse_script, play_script

PLAYTHROUGHS = Path(__file__).resolve().parent.parent / "tests" / "golden" / "playthroughs"


def main(prefixes: list[str]) -> int:
    """Rewrite the playthroughs that start with one of ``prefixes`` (all without any); print those that changed."""
    chosen = [path for path in sorted(PLAYTHROUGHS.glob("*.txt")) if path.stem.startswith(tuple(prefixes or [""]))]
    if not chosen:
        print(f"No playthrough in {PLAYTHROUGHS} starts with {' or '.join(prefixes)}.", file=sys.stderr)
        return 2
    changed = 0
    for path in chosen:
        old = path.read_text(encoding="utf-8")
        new = play_script(parse_script(old))
        if new != old:
            path.write_text(new, encoding="utf-8")
            print(f"rewrote {path.name}")
            changed += 1
    print(f"{changed} of {len(chosen)} playthroughs changed")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
