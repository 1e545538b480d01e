"""delete() counts every row that goes, also where rows refer to each other in a circle."""

from __future__ import annotations

from covet import CASCADE, CharField, ForeignKey, Model, create_all
from tests.conftest import Database


class Ring(Model):
    name = CharField(max_length=10)
    previous = ForeignKey("self", null=True, on_delete=CASCADE, related_name="followers")


async def test_rows_that_refer_to_each_other_are_counted_once_each(database: Database) -> None:
    await create_all([Ring])
    first = await Ring.create(name="a")
    second = await Ring.create(name="b", previous=first)
    third = await Ring.create(name="c", previous=second)
    first.previous = third
    await first.save()
    apart = await Ring.create(name="d")
    assert await second.delete() == (3, {"Ring": 3})
    assert await Ring.objects.all() == [apart]
