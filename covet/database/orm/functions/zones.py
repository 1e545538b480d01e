"""Time zones as databases know them: by a name, or by an offset. Pure."""

from __future__ import annotations

import datetime as dt

from covet.database.orm.expressions import Value
from covet.database.orm.fields import TextField

_TEXT = TextField()


def zone_value(zone: dt.tzinfo) -> Value[str]:
    """Return the name of a zone as an expression; it becomes a parameter."""
    return Value(zone_name(zone), output_field=_TEXT)


def zone_name(zone: dt.tzinfo) -> str:
    """Return the name of a zone, or its offset.

    >>> from zoneinfo import ZoneInfo
    >>> zone_name(ZoneInfo("Europe/Berlin")), zone_name(dt.timezone(dt.timedelta(hours=5, minutes=30)))
    ('Europe/Berlin', '+05:30')
    """
    key = getattr(zone, "key", None)  # of a ZoneInfo; to import the class would find the paths of its data, always
    if isinstance(key, str):
        return key
    if isinstance(zone, dt.timezone):
        seconds = int(zone.utcoffset(None).total_seconds())
        hours, rest = divmod(abs(seconds), 3600)
        minutes, seconds_left = divmod(rest, 60)
        if not seconds_left:
            return "UTC" if seconds == 0 else f"{'-' if seconds < 0 else '+'}{hours:02}:{minutes:02}"
    raise TypeError(
        "tzinfo= takes a zoneinfo.ZoneInfo with a name or a datetime.timezone of whole minutes, "
        f"not {type(zone).__name__}."
    )
