"""The five tables of the data set. Columns are named as in the files, except that ``flight`` is ``number``.

The data is dirty, and the models take it as it is:

- A value that was not recorded (``NA`` in the files) is NULL; every column that has one is nullable.
- 52,606 flights carry no tail number, or one that the table of planes does not have, and 7,602 go to airports in the
  Caribbean that the table of airports does not have. So ``tailnum`` and ``dest`` keep what the file says, and beside
  each stands a foreign key that is set where its row exists and NULL where not. The database vouches for every key
  that is set, and no flight is lost: not when it is stored, and not when it is read together with its plane, since a
  nullable key makes a LEFT JOIN. One column for both (``db_constraint=False``) would be smaller, but a key could then
  point at nothing, and each query would have to remember that.
- Times of the day are the numbers that were reported (``517`` is 5:17), since some say ``2400``, which is no time.
- An hour of weather is identified by its UTC hour: on the night in November when the clocks go back, each airport has
  1 o'clock twice.
"""

from __future__ import annotations

from covet import (
    CharField,
    DateField,
    DateTimeField,
    FloatField,
    ForeignKey,
    Index,
    IntegerField,
    Model,
    ReverseManager,
    SmallIntegerField,
)


class Airline(Model[str]):
    carrier = CharField(max_length=2, primary_key=True)
    name = CharField(max_length=50)

    flights: ReverseManager[Flight]

    class Meta:
        db_table = "demo_airlines"


class Airport(Model[str]):
    faa = CharField(max_length=3, primary_key=True)
    name = CharField(max_length=100)
    lat = FloatField()
    lon = FloatField()
    alt = IntegerField()
    tz = SmallIntegerField()
    dst = CharField(max_length=1)
    tzone = CharField(max_length=50, null=True)

    departures: ReverseManager[Flight]
    arrivals: ReverseManager[Flight]
    weather: ReverseManager[Weather]

    class Meta:
        db_table = "demo_airports"


class Plane(Model[str]):
    tailnum = CharField(max_length=6, primary_key=True)
    year = SmallIntegerField(null=True)
    type = CharField(max_length=30)
    manufacturer = CharField(max_length=50)
    model = CharField(max_length=30)
    engines = SmallIntegerField()
    seats = SmallIntegerField()
    speed = SmallIntegerField(null=True)
    engine = CharField(max_length=20)

    flights: ReverseManager[Flight]

    class Meta:
        db_table = "demo_planes"


class Weather(Model):
    origin = ForeignKey(Airport, on_delete="CASCADE", related_name="weather", db_index=False)
    time_hour = DateTimeField()
    temp = FloatField(null=True)
    dewp = FloatField(null=True)
    humid = FloatField(null=True)
    wind_dir = SmallIntegerField(null=True)
    wind_speed = FloatField(null=True)
    wind_gust = FloatField(null=True)
    precip = FloatField()
    pressure = FloatField(null=True)
    visib = FloatField()

    class Meta:
        db_table = "demo_weather"
        unique_together = (("origin", "time_hour"),)


class Flight(Model):
    # The local day and time of the schedule, and the hour of the schedule in UTC.
    date = DateField()
    sched_dep_time = SmallIntegerField()
    sched_arr_time = SmallIntegerField()
    time_hour = DateTimeField()
    # NULL: the flight was cancelled, diverted, or not recorded.
    dep_time = SmallIntegerField(null=True)
    dep_delay = SmallIntegerField(null=True)
    arr_time = SmallIntegerField(null=True)
    arr_delay = SmallIntegerField(null=True)
    air_time = SmallIntegerField(null=True)
    distance = SmallIntegerField()
    number = SmallIntegerField()
    # An index on one of 16 airlines or of 3 airports would find too many rows to be of use.
    carrier = ForeignKey(Airline, on_delete="CASCADE", related_name="flights", db_index=False)
    origin = ForeignKey(Airport, on_delete="CASCADE", related_name="departures", db_index=False)
    # What the file says, and the row that it means if there is one.
    tailnum = CharField(max_length=6, null=True)
    plane = ForeignKey(Plane, null=True, on_delete="SET_NULL", related_name="flights")
    dest = CharField(max_length=3)
    destination = ForeignKey(Airport, null=True, on_delete="SET_NULL", related_name="arrivals")

    class Meta:
        db_table = "demo_flights"
        indexes = (Index(fields=["origin", "time_hour"]),)
