"""Models with a column of every common type and a relation of every kind; ``properties.oracle`` has Django's twins."""

from __future__ import annotations

from covet import (
    BooleanField,
    CharField,
    DateField,
    DateTimeField,
    DecimalField,
    DurationField,
    FloatField,
    ForeignKey,
    IntegerField,
    JSONField,
    ManyToManyField,
    Model,
    OneToOneField,
    ReverseManager,
    TextField,
    TimeField,
    UUIDField,
)


class Tag(Model):
    name = CharField(max_length=20, unique=True)
    weight = IntegerField(nullable=True)

    books: ReverseManager[Book]


class Author(Model):
    name = CharField(max_length=40)
    nick = CharField(max_length=40, nullable=True)
    age = IntegerField(nullable=True)
    level = IntegerField()
    rating = DecimalField(max_digits=8, decimal_places=2, nullable=True)
    score = FloatField(nullable=True)
    active = BooleanField(nullable=True)
    born = DateField(nullable=True)
    joined = DateTimeField(nullable=True)
    wakes = TimeField(nullable=True)
    rest = DurationField(nullable=True)
    uid = UUIDField(nullable=True)
    data = JSONField(nullable=True)
    mentor = ForeignKey("self", on_delete="CASCADE", related_name="pupils", nullable=True)


class Profile(Model):
    bio = TextField(nullable=True)
    points = IntegerField(nullable=True)
    author = OneToOneField(Author, on_delete="CASCADE", related_name="profile")


class Book(Model):
    title = CharField(max_length=40)
    pages = IntegerField(nullable=True)
    price = DecimalField(max_digits=8, decimal_places=2, nullable=True)
    published = DateField(nullable=True)
    sold = DateTimeField(nullable=True)
    data = JSONField(nullable=True)
    author = ForeignKey(Author, on_delete="CASCADE", related_name="books", nullable=True)
    editor = ForeignKey(Author, on_delete="CASCADE", related_name="edited", nullable=True)
    tags = ManyToManyField(Tag, related_name="books")


class Review(Model):
    stars = IntegerField(nullable=True)
    text = TextField(nullable=True)
    written = DateTimeField()
    book = ForeignKey(Book, on_delete="CASCADE", related_name="reviews")


MODELS = [Tag, Author, Profile, Book, Review]
