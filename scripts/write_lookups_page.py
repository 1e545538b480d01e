"""Write ``docs/lookups.md`` from the cases that are tested: ``python -m scripts.write_lookups_page``."""

from __future__ import annotations

from tests.lookups.page import PATH, render

if __name__ == "__main__":
    PATH.write_text(render(), "utf-8")
