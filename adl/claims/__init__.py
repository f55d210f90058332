"""The statements of the course that could be false, each with the experiment that measures it.

A claim is a function that measures one number. A chapter shows it with `show`, the tests assert its
bounds, and the page "What we checked" lists it with the values in ``book/claims.json``. The claims
of a chapter are a module of this package, found by itself.
"""

import inspect
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from html import escape
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from textwrap import fill

__all__ = ["SEEDS", "Claim", "Shown", "claim", "every", "find", "measure_all", "show", "stored"]

SEEDS = range(5)
"""Seeds over which a claim with a random element is asserted and stored."""

_REGISTER: dict[str, "Claim"] = {}


@dataclass(frozen=True)
class Claim:
    """A statement and the function that measures it.

    Attributes
    ----------
    id : str
        Chapter, a dot, and a few words: ``"1.half-critical-lands"``.
    sentence : str
        What the course says.
    function : callable
        Measures the number; takes ``seed`` if anything is random.
    low, high : float or None
        Bounds that are asserted, None where there is none; if they are equal, exactly that number.
    place : str
        Anchor of the section where the chapter says it.
    digits : int or None
        Decimal places that are shown; -4 shows ten thousands. None if the experiment is chaotic:
        two machines agree on the bounds then, and on no digit.

    Examples
    --------
    >>> landing = find("1.half-critical-lands")
    >>> landing.random, landing.bounds
    (True, 'below 1e-12')
    >>> landing.holds(landing.measure(seed=3))
    True
    """

    id: str
    sentence: str
    function: Callable[..., float]
    low: float | None
    high: float | None
    place: str
    digits: int | None

    @property
    def chapter(self) -> int:
        """Number of the chapter that makes the claim."""
        return int(self.id.split(".")[0])

    @property
    def random(self) -> bool:
        """Whether the measurement depends on a seed."""
        return "seed" in inspect.signature(self.function).parameters

    @property
    def bounds(self) -> str:
        """The bounds in words."""
        if self.low == self.high:
            return f"exactly {_short(self.low)}"
        if self.low is None:
            return f"below {_short(self.high)}"
        if self.high is None:
            return f"above {_short(self.low)}"
        return f"between {_short(self.low)} and {_short(self.high)}"

    def measure(self, seed: int = 0) -> float:
        """Measure once; the seed matters only where something is random."""
        return float(self.function(seed=seed) if self.random else self.function())

    def holds(self, value: float) -> bool:
        """Whether a measured value is within the bounds; nan never is."""
        if self.low == self.high:
            return value == self.low
        above = self.low is None or value > self.low
        below = self.high is None or value < self.high
        return value == value and above and below

    def kept(self, value: float) -> float:
        """Value to store: without what is only rounding, and the same on every machine.

        Examples
        --------
        >>> find("1.half-critical-lands").kept(3e-17)
        0.0
        """
        if self.digits is None:
            return float(f"{value:.2g}")
        if self.low is None and abs(value) < 10.0**-self.digits / 2:
            return 0.0
        return float(f"{value:.10g}")

    def show(self, value: float) -> str:
        """Write a number with the digits that its spread supports.

        Of a chaotic experiment it says only whether the number is within the bounds.

        Examples
        --------
        >>> find("1.half-critical-lands").show(3e-17)
        'below 1e-12'
        """
        if self.digits is None:
            return "holds" if self.holds(value) else f"fails: {value:.2g}"
        step = 10.0**-self.digits
        if self.low is None and abs(value) < step / 2:
            return f"below {_short(step)}"  # rounding, which differs from machine to machine
        rounded = round(value, self.digits) + 0.0  # no minus before a zero
        return f"{rounded:.{max(self.digits, 0)}f}"


def _short(number: float) -> str:
    return f"{number:.10g}".replace("e-0", "e-")


def claim(
    claim_id: str,
    sentence: str,
    *,
    low: float | None = None,
    high: float | None = None,
    place: str,
    digits: int | None,
) -> Callable[[Callable[..., float]], Callable[..., float]]:
    """Register a function as the measurement of a claim.

    Parameters
    ----------
    claim_id, sentence, low, high, place, digits
        As in `Claim`.

    Returns
    -------
    callable
        Decorator that registers a function and leaves it as it is.

    Raises
    ------
    ValueError
        If the id is taken, or there is neither a lower nor an upper bound.

    Examples
    --------
    >>> find("1.critical").sentence[:37]
    'The step size above which the error g'
    """
    if low is None and high is None:
        raise ValueError(f"low, high: expected at least one bound for claim {claim_id}, got none")

    def register(function: Callable[..., float]) -> Callable[..., float]:
        if claim_id in _REGISTER:
            raise ValueError(f"claim_id: {claim_id} is taken already")
        _REGISTER[claim_id] = Claim(claim_id, sentence, function, low, high, place, digits)
        return function

    return register


@cache
def every() -> list[Claim]:
    """All claims of the course, chapter by chapter, in the order in which they are written.

    Examples
    --------
    >>> every()[0].id
    '1.slope'
    """
    for module in iter_modules(__path__):
        if not module.name.startswith("_"):
            import_module(f"{__name__}.{module.name}")
    return sorted(_REGISTER.values(), key=lambda found: found.chapter)


def find(claim_id: str) -> Claim:
    """Return the claim of this id.

    Parameters
    ----------
    claim_id : str

    Returns
    -------
    Claim

    Raises
    ------
    ValueError
        If there is none.

    Examples
    --------
    >>> find("1.stalled").bounds
    'between 0.99 and 0.993'
    """
    for found in every():
        if found.id == claim_id:
            return found
    raise ValueError(f"claim_id: expected a registered claim, got {claim_id!r}")


@dataclass(frozen=True, repr=False)
class Shown:
    """Claims with what has just been measured, as a table in a notebook and as plain text.

    Attributes
    ----------
    rows : list of (measured, sentence, bounds)

    Examples
    --------
    >>> Shown([("1590", "The error halves in 1590 steps.", "between 1585 and 1595")])
    1590  The error halves in 1590 steps. (Expected: between 1585 and 1595.)
    """

    rows: list[tuple[str, str, str]]

    def __repr__(self) -> str:
        width = max(len(measured) for measured, _, _ in self.rows)
        return "\n".join(
            fill(
                f"{sentence} (Expected: {bounds}.)",
                80,
                initial_indent=f"{measured:>{width}}  ",
                subsequent_indent=" " * (width + 2),
            )
            for measured, sentence, bounds in self.rows
        )

    def _repr_html_(self) -> str:
        left = "text-align:left"
        head = "".join(
            f'<th style="{left}">{title}</th>' for title in ("measured", "statement", "expected")
        )
        body = "".join(
            f'<tr><td style="{left};white-space:nowrap"><strong>{escape(measured)}</strong></td>'
            f'<td style="{left}">{escape(sentence, quote=False)}</td>'
            f'<td style="{left}">{escape(bounds)}</td></tr>'
            for measured, sentence, bounds in self.rows
        )
        return (
            f'<table class="adl-measured dataframe"><thead><tr>{head}</tr></thead>'
            f"<tbody>{body}</tbody></table>"
        )


def show(*claim_ids: str, seed: int = 0) -> Shown:
    """Measure claims, and show what comes out beside what is claimed.

    Parameters
    ----------
    *claim_ids : str
        One or more ids.
    seed : int, default 0
        For claims with a random element.

    Returns
    -------
    Shown

    Raises
    ------
    ValueError
        If no id is given, or one is not registered.

    Examples
    --------
    >>> show("1.half-critical-lands")
    below 1e-12  One step of half the critical size lands on the optimum: the share
                 of the error that is left. (Expected: below 1e-12.)
    """
    if not claim_ids:
        raise ValueError("claim_ids: expected at least one id, got none")
    found = [find(claim_id) for claim_id in claim_ids]
    return Shown(
        [(claim.show(claim.measure(seed)), claim.sentence, claim.bounds) for claim in found]
    )


def measure_all(chapter: int | None = None) -> dict[str, list[float]]:
    """Measure every claim, over all `SEEDS` if it is random and once if not.

    Parameters
    ----------
    chapter : int, optional
        Only the claims of this chapter; all of them take some minutes.

    Returns
    -------
    dict
        For each id the values in the order of the seeds, as `Claim.kept` leaves them.

    Examples
    --------
    >>> measured = measure_all(chapter=1)
    >>> len(measured["1.slope"]), len(measured["1.half-critical-lands"])
    (1, 5)
    """
    return {
        found.id: [found.kept(found.measure(seed)) for seed in (SEEDS if found.random else [0])]
        for found in every()
        if chapter in (None, found.chapter)
    }


def stored(path: str | Path = "book/claims.json") -> dict[str, list[float]]:
    """Values of all claims as ``make data`` stored them.

    Parameters
    ----------
    path : str or Path
        The file, relative to the top of the repository.

    Returns
    -------
    dict
        As `measure_all` gave it.

    Examples
    --------
    >>> stored()["1.half-life"]
    [1590.0]
    """
    return json.loads(Path(path).read_text("utf8"))["values"]
