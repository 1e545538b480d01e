"""db_collation reaches the column: text is sorted by it."""

from __future__ import annotations

from typing import Any

from covet import CharField, Model, create_all
from covet.database.orm.metaclass import ModelMeta
from tests.conftest import Database

#: A collation of each database in which upper case sorts before lower case, and the name that shows it was used.
COLLATIONS = {"sqlite": "RTRIM", "postgresql": "C"}


async def test_the_collation_of_a_field_is_the_collation_of_its_column(database: Database) -> None:
    name = CharField(max_length=20, db_collation=COLLATIONS[database.name])
    namespace = {"name": name, "__module__": __name__, "Meta": type("Meta", (), {"db_table": "collated"})}
    model: Any = ModelMeta(f"Collated{database.name.title()}", (Model,), namespace)
    await create_all([model])
    for text in ("b", "a", "B "):
        await model.create(name=text)
    assert await model.objects.order_by("name").values_list("name", flat=True) == ["B ", "a", "b"]
    # RTRIM takes trailing blanks for nothing; C does not.
    assert await model.objects.filter(name="B").count() == (1 if database.name == "sqlite" else 0)
