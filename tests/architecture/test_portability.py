"""The files of the project speak of no machine that somebody happened to work on."""

from __future__ import annotations

import re

from tests.architecture.sources import ROOT, tracked_files

# Written so that this file does not find itself.
_MACHINE_PATHS = re.compile(r"(?<![\w.}*-])/(?:work|tmp|root|home)(?:/|\b(?![\w-]))")


def test_no_file_names_a_path_of_one_machine() -> None:
    found = []
    for path in tracked_files():
        if path.suffix in {".png", ".gz", ".ico"}:
            continue
        for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
            if _MACHINE_PATHS.search(line) and path.name != "test_portability.py":
                found.append(f"{path.relative_to(ROOT).as_posix()}:{number}: {line.strip()}")
    assert found == []


def test_a_path_of_one_machine_is_seen_and_a_path_of_the_project_is_not() -> None:
    for line in ("cd /work/main", "see /tmp/x.log", '"/home/me/.venv"', "sqlite:////tmp/a.db"):
        assert _MACHINE_PATHS.search(line), line
    for line in ("docs/work/plan.md", "$HOME/tmp/x", "https://example.org/a/root.html", "GET /workers"):
        assert not _MACHINE_PATHS.search(line), line
