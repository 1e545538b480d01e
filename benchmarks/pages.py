"""The page with the figures: what stands between its two marks is what the command printed last."""

from __future__ import annotations

from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
_BEGIN = "<!-- figures: written by `python -m benchmarks --markdown` -->"
_END = "<!-- end of figures -->"


def write_figures(page: Path, figures: str) -> None:
    """Put the tables between the marks of the page."""
    text = page.read_text(encoding="utf-8")
    before, begin, rest = text.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not (begin and end):
        raise ValueError(f"{page.name} has no place for figures: {_BEGIN} and {_END} are missing.")
    page.write_text(f"{before}{begin}\n\n{figures}\n\n{end}{after}", encoding="utf-8")
