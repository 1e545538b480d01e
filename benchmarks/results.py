"""What was measured, in numbers: medians, quartiles and their form in JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median, quantiles

from benchmarks.operations import BY_NAME
from benchmarks.rounds import Samples


@dataclass(frozen=True, slots=True)
class Ratio:
    """A peer's time over the measure's in the same round: the median of the rounds and the middle half of them."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, seconds: Sequence[float], measure: Sequence[float]) -> Ratio:
        each = [one / other for one, other in zip(seconds, measure, strict=True)]
        low, _, high = quantiles(each, n=4, method="inclusive") if len(each) > 1 else (each[0],) * 3
        return cls(median(each), low, high)


@dataclass(frozen=True, slots=True)
class OperationResult:
    """One operation: the measure's median time, and the ratios of the other peers by name."""

    name: str
    microseconds: float
    ratios: dict[str, Ratio]


@dataclass(frozen=True, slots=True)
class MemoryResult:
    """Resident growth in bytes with 10,000 rows held, by peer."""

    bytes: dict[str, int]
    ratios: dict[str, float]


@dataclass(frozen=True, slots=True)
class DatabaseResult:
    """What was measured on one database."""

    name: str
    version: str
    measure: str
    operations: list[OperationResult]
    memory: MemoryResult | None
    #: covet's awaited loop over its explicit prefetch of the same.
    awaited: Ratio | None = None


@dataclass(frozen=True, slots=True)
class Results:
    """A whole run."""

    environment: dict[str, str]
    databases: list[DatabaseResult]
    imports: dict[str, float]
    """Milliseconds that an import takes, by what is imported."""

    def as_json(self) -> dict[str, object]:
        return asdict(self)


def summarise(samples: Samples, measure: str) -> list[OperationResult]:
    """Turn the samples of each operation into a median and ratios."""
    return [
        OperationResult(
            name,
            median(by_peer[measure]) * 1e6,
            {peer: Ratio.of(seconds, by_peer[measure]) for peer, seconds in by_peer.items() if peer != measure},
        )
        for name in BY_NAME
        if (by_peer := samples.seconds.get(name))
    ]


def awaited(samples: Samples, peer: str) -> Ratio | None:
    """Return the time of an awaited loop over that of the explicit prefetch, by the same peer in the same round."""
    loop = samples.seconds["fk_awaited_1000"].get(peer)
    prefetch = samples.seconds["fk_prefetch_1000"].get(peer)
    return Ratio.of(loop, prefetch) if loop and prefetch else None
