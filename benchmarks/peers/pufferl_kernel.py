"""PufferLib's advantage kernel on machines without CUDA, whose libraries its wheel's compiled module needs.

The kernel's source stands in the installed package and needs none of them; it is compiled once and put in the place of
the module that cannot be loaded.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import sysconfig
from pathlib import Path
from types import ModuleType

import torch
import torch.utils.cpp_extension


def ensure_kernel() -> None:
    """Make ``pufferlib._C`` importable.

    Raises:
        CalledProcessError: the compiler failed; its message stands on stderr.
    """
    spec = importlib.util.find_spec("pufferlib")
    assert spec is not None, "setup_venv.py installs pufferlib-core"
    assert spec.origin is not None
    package = Path(spec.origin).parent
    if any(_loads(path) for path in package.glob("_C*.so")):
        return
    library = package / "cpu_kernel.so"
    if not library.exists():
        _compile(package / "extensions" / "pufferlib.cpp", library)
    torch.ops.load_library(str(library))
    sys.modules["pufferlib._C"] = ModuleType("pufferlib._C")


def _loads(path: Path) -> bool:
    try:
        torch.ops.load_library(str(path))
    except OSError:
        return False
    return True


def _compile(source: Path, library: Path) -> None:
    includes = [*torch.utils.cpp_extension.include_paths(), sysconfig.get_paths()["include"]]
    libraries = torch.utils.cpp_extension.library_paths()
    flags = [
        "-O3",
        "-std=c++20",
        "-shared",
        "-fPIC",
        f"-D_GLIBCXX_USE_CXX11_ABI={int(torch.compiled_with_cxx11_abi())}",
    ]
    command = ["g++", *flags, *(f"-I{folder}" for folder in includes), str(source), "-o", str(library)]
    linked = [*(f"-L{folder}" for folder in libraries), "-ltorch", "-ltorch_cpu", "-lc10", "-ltorch_python"]
    subprocess.run([*command, *linked], check=True, stdout=sys.stderr)
