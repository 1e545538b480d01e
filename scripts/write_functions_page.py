"""Write ``docs/functions.md`` from the cases that are tested: ``python -m scripts.write_functions_page``."""

from __future__ import annotations

from tests.functions.page import PATH, render

if __name__ == "__main__":
    PATH.write_text(render(), "utf-8")
