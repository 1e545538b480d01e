"""What a path that leads nowhere is told: the model where it broke off, and what that model has."""

from __future__ import annotations

import pytest

from covet import CharField, FieldError, ForeignKey, Model


class Shelf(Model):
    room = CharField(max_length=20)


class Box(Model):
    shelf = ForeignKey(Shelf, on_delete="CASCADE", related_name="boxes")


def test_an_unknown_name_after_a_relation_is_looked_for_on_the_other_model() -> None:
    for ask in (Box.objects.values, Box.objects.order_by):
        with pytest.raises(FieldError, match=r"^Shelf has no field 'rom' \(in 'shelf__rom'\)\. Did you mean 'room'\?"):
            ask("shelf__rom")
    with pytest.raises(FieldError, match=r"^Shelf has no field 'rom' \(in 'shelf__rom__upper'\)\."):
        Box.objects.filter(shelf__rom__upper="A")


def test_an_unknown_name_after_a_reverse_relation_is_looked_for_on_the_other_model() -> None:
    with pytest.raises(FieldError, match=r"^Box has no field 'label' \(in 'boxes__label'\)\. Choices: id, shelf\.$"):
        Shelf.objects.values("boxes__label")


def test_a_name_after_a_plain_field_leads_nowhere() -> None:
    with pytest.raises(FieldError, match=r"^Shelf\.room is a field; 'colour' after it .* leads nowhere\.$"):
        Shelf.objects.values("room__colour")
