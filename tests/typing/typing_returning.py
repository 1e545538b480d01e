"""What returning(), into() and increments are to mypy --strict and pyright strict."""

from __future__ import annotations

from typing import Any, NamedTuple

from typing_extensions import assert_type

from covet import F
from covet.database.orm.query.returning import Returning
from spec_models import User


class Named(NamedTuple):
    number: int
    username: str


async def returned() -> None:
    qs = User.objects.filter(age__gt=3)
    assert_type(qs.returning(), Returning[User])
    assert_type(await qs.returning().update(age=F("age") + 1), list[User])
    assert_type(await qs.returning().delete(), list[User])
    assert_type(await qs.returning(User.id).delete(), list[tuple[int]])
    assert_type(await qs.returning(User.id, User.username).update(age=1), list[tuple[int, str]])
    assert_type(await qs.returning(User.username, flat=True).delete(), list[str])
    assert_type(await qs.returning("id", "username").delete(), list[tuple[Any, ...]])
    assert_type(await qs.values("id").returning().delete(), list[dict[str, Any]])
    assert_type(await qs.into(Named, number="id").returning().update(age=1), list[Named])
    assert_type(await User.objects.returning(User.id, flat=True).update(age=1), list[int])
    await qs.returning(3).delete()  # type: ignore[call-overload]


async def counted(user: User) -> None:
    assert_type(await User.objects.filter(age=3).increment(age=1), int)
    assert_type(await User.objects.decrement(age=F("age")), int)
    assert_type(await user.increment(age=1), User)


async def shaped() -> None:
    assert_type(await User.objects.into(Named, number=User.id), list[Named])
    assert_type(await User.objects.all().into(Named, number="id").first(), Named | None)
    assert_type(await User.objects.raw("SELECT * FROM users", translations={"n": "username"}), list[User])
