"""What a facade exports exists and says what it is; that the list is sorted is the linter's to say."""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path

import pytest

from tests.architecture.sources import ROOT, exported, modules

_FACADES = [path for path in modules("covet") if exported(path.read_text("utf-8")) is not None]


def _module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def test_the_list_of_exports_names_what_exists_once() -> None:
    for path in _FACADES:
        names = exported(path.read_text("utf-8"))
        assert names is not None
        assert len(names) == len(set(names)), f"{path.relative_to(ROOT)}: __all__ repeats a name"
        module = importlib.import_module(_module_name(path))
        missing = [name for name in names if not hasattr(module, name)]
        assert missing == [], f"{path.relative_to(ROOT)}: __all__ names what is not there"


def test_every_exported_class_and_function_has_a_docstring_of_its_own() -> None:
    silent = []
    for path in _FACADES:
        module = importlib.import_module(_module_name(path))
        for name in exported(path.read_text("utf-8")) or []:
            value = getattr(module, name)
            if (inspect.isclass(value) or inspect.isfunction(value)) and not value.__doc__:
                silent.append(f"{module.__name__}.{name}")
    assert silent == []


@pytest.mark.parametrize(
    ("source", "names"),
    [("x = 1\n", None), ('__all__ = ["b", "a"]\n', ["b", "a"]), ('__all__ = ("a",)\n', ["a"])],
)
def test_exports_are_read_from_the_source(source: str, names: list[str] | None) -> None:
    assert exported(source) == names
