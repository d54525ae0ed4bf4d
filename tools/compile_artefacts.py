"""Compiles what `sam build` made, so that no cold start has to.

The .pyc are marked as valid whatever the source's time and hash say (`unchecked-hash`): zipping and unzipping change
times, and Lambda's file system can't be written to. The Python that runs this is the one whose byte code is shipped,
so it has to be the runtime's, 3.13.
"""

from __future__ import annotations

import compileall
import sys
from pathlib import Path
from py_compile import PycInvalidationMode
from typing import Final

RUNTIME: Final = (3, 13)
# Where Lambda unpacks: tracebacks show these paths, not the build machine's.
_LAYER_ROOT: Final = "/opt"
_FUNCTION_ROOT: Final = "/var/task"


def compile_artefact(folder: Path) -> bool:
    """Compile one built function or layer; False if a file in it doesn't compile."""
    root = _LAYER_ROOT if folder.name.endswith("Layer") else _FUNCTION_ROOT
    return bool(
        compileall.compile_dir(
            folder,
            maxlevels=50,
            stripdir=str(folder),
            prependdir=root,
            force=True,
            quiet=1,
            invalidation_mode=PycInvalidationMode.UNCHECKED_HASH,
        )
    )


def main(build: Path) -> int:
    """Compile every artefact under the build folder; the exit code of the program."""
    if sys.version_info[:2] != RUNTIME:
        sys.stderr.write(f"compile with Python 3.13, the runtime's; this is {sys.version.split()[0]}\n")
        return 1
    folders = sorted(path for path in build.iterdir() if path.is_dir())
    # All of them first: every broken file is reported, not only the first folder's.
    compiled = [compile_artefact(folder) for folder in folders]
    return 0 if folders and all(compiled) else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
