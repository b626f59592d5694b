"""Long trial: coverage-guided fuzzing of the engine on (config bytes, action bytes). Prints one JSON line.

    python benchmarks/trials/fuzz_engine.py --seconds 600 --seed 1

Builds ``cpp/fuzz`` under the address and undefined-behaviour sanitizers into ``build/cpp-fuzz`` and searches. An input
that breaks a promise is written there; ``build/cpp-fuzz/cpp/fuzz/fuzz_engine FILE`` tells the game that it means and
plays it again. Put it into ``cpp/fuzz/corpus`` once it is mended: the check plays it ever after.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "cpp-fuzz"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    options = ["-DMETTA_FUZZ=ON", "-DMETTA_PYTHON=OFF", "-DMETTA_SANITIZE=address,undefined"]
    configure = [
        "cmake",
        "-S",
        str(ROOT),
        "-B",
        str(BUILD),
        "-G",
        "Ninja",
        "-DCMAKE_BUILD_TYPE=RelWithDebInfo",
        *options,
    ]
    for command in (configure, ["cmake", "--build", str(BUILD), "--target", "fuzz_engine"]):
        subprocess.run(command, check=True, stdout=sys.stderr)
    fuzz = [str(BUILD / "cpp" / "fuzz" / "fuzz_engine"), "--artifacts", str(BUILD)]
    search = ["--corpus", str(ROOT / "cpp" / "fuzz" / "corpus"), "--seconds", str(arguments.seconds)]
    return subprocess.run([*fuzz, *search, "--seed", str(arguments.seed)], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
