#!/usr/bin/env python3
"""Rewrite the golden files under tests/golden from what the engine does now. Review the diff before you commit it.

    .venv/bin/python tools/regenerate_golden.py            # everything
    .venv/bin/python tools/regenerate_golden.py attack     # the playthroughs whose name starts with "attack"
    .venv/bin/python tools/regenerate_golden.py hashes     # tests/golden/state_hashes.json
    .venv/bin/python tools/regenerate_golden.py maps       # tests/golden/maps.txt
    .venv/bin/python tools/regenerate_golden.py components # the list of components in docs/agents.md

The part of a playthrough above its line of ``=`` is the script; it is never changed.
"""

from __future__ import annotations

import sys
from pathlib import Path

from metta.mettagrid.render.playthrough import parse_script, play_script

ROOT = Path(__file__).resolve().parent.parent
PLAYTHROUGHS = ROOT / "tests" / "golden" / "playthroughs"
HASHES = "hashes"
MAPS = "maps"
COMPONENTS = "components"
AGENTS_PAGE = ROOT / "docs" / "agents.md"


def main(prefixes: list[str]) -> int:
    """Rewrite what starts with one of ``prefixes`` (everything without any); print what changed."""
    chosen = [path for path in sorted(PLAYTHROUGHS.glob("*.txt")) if path.stem.startswith(tuple(prefixes or [""]))]
    with_hashes = not prefixes or HASHES in prefixes
    with_maps = not prefixes or MAPS in prefixes
    with_components = not prefixes or COMPONENTS in prefixes
    if not chosen and not with_hashes and not with_maps and not with_components:
        print(
            f"No playthrough in {PLAYTHROUGHS} starts with {' or '.join(prefixes)}, nor is one '{HASHES}', '{MAPS}', "
            f"'{COMPONENTS}'.",
            file=sys.stderr,
        )
        return 2
    if with_hashes:
        rewrite_hashes()
    if with_maps:
        rewrite_maps()
    if with_components:
        rewrite_components()
    if chosen:
        print(f"{sum(map(rewrite_playthrough, chosen))} of {len(chosen)} playthroughs changed")
    return 0


def rewrite_playthrough(path: Path) -> bool:
    """Play the script of ``path`` again; whether the file changed."""
    old = path.read_text(encoding="utf-8")
    new = play_script(parse_script(old))
    if new == old:
        return False
    path.write_text(new, encoding="utf-8")
    print(f"rewrote {path.name}")
    return True


def rewrite_maps() -> None:
    """Draw the scenes of ``tests/mettagrid/maps/golden_maps.py`` again."""
    sys.path.insert(0, str(ROOT))
    from tests.mettagrid.maps import golden_maps

    golden_maps.PATH.write_text(golden_maps.golden_text(), encoding="utf-8")
    print(f"rewrote {golden_maps.PATH.name}")


def rewrite_components() -> None:
    """Write the registry's table into the agents' page."""
    from metta.agent.components.catalogue import component_table

    old = AGENTS_PAGE.read_text(encoding="utf-8")
    start = old.index("| component |")
    end = old.index("\n\n", start) + 1
    AGENTS_PAGE.write_text(old[:start] + component_table() + old[end:], encoding="utf-8")
    print(f"rewrote {AGENTS_PAGE.name}")


def rewrite_hashes() -> None:
    """Play the games of ``tests/mettagrid/state_hashes.py`` again."""
    sys.path.insert(0, str(ROOT))
    from tests.mettagrid import state_hashes

    new = state_hashes.golden_text()
    changed = not state_hashes.PATH.exists() or state_hashes.PATH.read_text(encoding="utf-8") != new
    if changed:
        state_hashes.PATH.write_text(new, encoding="utf-8")
    print(f"{state_hashes.PATH.name} {'changed' if changed else 'is unchanged'}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
