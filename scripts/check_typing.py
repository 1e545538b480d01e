"""Check the acceptance files of the types: ``python scripts/check_typing.py PYTHON``, PYTHON being one that has covet.

They are what a user's code looks like to mypy and pyright, both strict: each line that must be an error carries an
ignore with the error's code, and an ignore that nothing needs is an error itself. They import each other from their own
folder, as a user's project does; so they are checked in a copy of it, away from the settings and packages of this one.
The examples of docs/typing.md are one more module there.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
ACCEPTANCE = ROOT / "tests" / "typing"
PAGE = ROOT / "docs" / "typing.md"

_MYPY = """\
[mypy]
strict = True
warn_unused_ignores = True
cache_dir = /dev/null
"""
_PYRIGHT = {
    "typeCheckingMode": "strict",
    "reportUnnecessaryTypeIgnoreComment": "error",
    "reportUnusedExpression": "none",
    "extraPaths": ["."],
}


def examples(page: str) -> str:
    """Return the Python of a page as one module. A block that awaits at its top level is no part of one."""
    blocks = re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    return "\n\n".join(block for block in blocks if not re.search(r"^await ", block, re.MULTILINE))


def check(python: str) -> int:
    """Run both checkers as ``python`` sees covet; return how many of them found something."""
    tools = Path(sys.executable).parent
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve() / "acceptance"
        shutil.copytree(ACCEPTANCE, folder, ignore=shutil.ignore_patterns("__pycache__"))
        (folder / "page_of_types.py").write_text(examples(PAGE.read_text("utf-8")), "utf-8")
        (folder / "mypy.ini").write_text(_MYPY, "utf-8")
        (folder / "pyrightconfig.json").write_text(json.dumps(_PYRIGHT), "utf-8")
        commands = (
            [str(tools / "mypy"), "--config-file", "mypy.ini", "--python-executable", python, "."],
            [str(tools / "basedpyright"), "--project", "pyrightconfig.json", "--pythonpath", python],
        )
        return sum(subprocess.run(command, cwd=folder, check=False).returncode != 0 for command in commands)  # noqa: S603 - no text of a user


if __name__ == "__main__":
    # Made absolute, but not resolved: the interpreter of an environment is a link to another one.
    sys.exit(check(str(Path(sys.argv[1]).absolute())))
