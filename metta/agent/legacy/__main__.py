"""``python -m metta.agent.legacy FILE``: what becomes of an older agent config, and the new one as YAML."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from metta.agent.legacy.translate import translate_file
from metta.common.errors import ConfigError, ExitCode


def main(arguments: Sequence[str]) -> int:
    """Print the report as comments and the network below, so that the output is a file for ``configs/network``."""
    if len(arguments) != 1 or arguments[0].startswith("-"):
        print("usage: python -m metta.agent.legacy FILE", file=sys.stderr)
        return ExitCode.USAGE
    try:
        translation = translate_file(arguments[0])
    except ConfigError as error:
        print(error, file=sys.stderr)
        return ExitCode.USAGE
    report = "".join(f"# {line}".rstrip() + "\n" for line in translation.report().splitlines())
    print(f"# Translated from {arguments[0]}\n#\n{report}\n{translation.to_yaml()}", end="")
    return ExitCode.OK


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
