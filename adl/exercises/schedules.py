"""The exercises of chapter 3: two callbacks, a rate from the finder, what a cut does."""

import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from adl.exercises._answer import Answer, Mistake, NotAttempted
from adl.exercises._exercise import Exercise
from adl.exercises._numbers import kind, nothing_returned, one, several

# --- 3.1 and 3.2 Callbacks ------------------------------------------------------------------------


def _examine_scheduler(answer: Answer, rng: np.random.Generator) -> None:
    from adl.exercises import _callbacks  # torch, which only these two need

    _callbacks.examine_scheduler(answer, rng)


def _examine_norms(answer: Answer, rng: np.random.Generator) -> None:
    from adl.exercises import _callbacks

    _callbacks.examine_norms(answer, rng)


# --- 3.3 A rate from the finder -------------------------------------------------------------------

# Of the rate at which the smoothed loss is lowest. With a fifth and with a sixth of it, all of 32
# digits networks recognised more than 0.8 of the digits after two epochs (with a tenth more than
# 0.9), with a hundredth 31, with a quarter 28, with the whole 4.
_MOST, _LEAST = 1 / 6, 1 / 100


@dataclass(frozen=True)
class _Found:
    """A table of the finder, and what can be read off it."""

    table: pd.DataFrame
    where: str

    @property
    def rates(self) -> np.ndarray:
        return self.table["step_size"].to_numpy()

    @property
    def losses(self) -> np.ndarray:
        return self.table["loss"].to_numpy()

    @property
    def smooth(self) -> np.ndarray:
        loss = self.table["loss"]
        return loss.where(np.isfinite(loss)).ewm(alpha=0.2, ignore_na=True).mean().to_numpy()

    @property
    def finite(self) -> bool:
        return bool(np.isfinite(self.losses).all())

    @property
    def lowest(self) -> float:
        """Rate at which the smoothed loss is lowest; a loss that is not finite counts as high."""
        loss = np.where(np.isfinite(self.losses), self.smooth, np.inf)
        return float(self.rates[np.argmin(loss)])

    def is_right(self, rate: float) -> bool:
        # A fifth passes, too: other smoothings than the one asked for find the lowest loss later.
        return 0.999 * _LEAST * self.lowest <= rate <= 1.25 * _MOST * self.lowest


def _draw_table(
    rng: np.random.Generator, lowest: float, reach: np.ndarray, end: float, where: str
) -> _Found:
    """Draw the finder's table of a loss that is lowest near a rate.

    Its rates reach so many powers of e below that rate and above it; ``end`` is its last loss.
    """
    below, above = reach + rng.uniform(-0.3, 0.3, 2)
    factor = rng.uniform(1.15, 1.25)
    rates = lowest * rng.uniform(0.9, 1.1) * math.exp(-below) * factor ** np.arange(200)
    distance = np.log(rates / lowest)
    floor, start = rng.uniform(0.2, 0.4), rng.uniform(2.0, 2.6)
    losses = floor + (start - floor) / (1 + np.exp((distance + 3.2) / 0.45))
    losses += 0.02 * np.exp(5 * distance)
    losses *= 1 + rng.normal(0, 0.02, len(losses))
    losses = losses[: np.argmax(distance > above)]
    rates = rates[: len(losses)]
    if not math.isfinite(end):
        losses[-1] = end
    return _Found(pd.DataFrame({"step_size": rates, "loss": losses}), where)


# Powers of e from the lowest loss to the first and to the last rate of a table: no row that is
# counted from either end, nor any between, is right in all three.
_REACHES = ((6.0, 4.8), (9.0, 1.6), (14.0, 1.3))


def _draw_tables(rng: np.random.Generator) -> list[_Found]:
    """Draw three tables for which no rate is right in two."""
    lowest = 10.0 ** (np.array([-2.6, -0.9, 0.8]) + rng.uniform(-0.2, 0.2, 3))
    rng.shuffle(lowest)
    ends = {
        1.0: "for a table of finite losses",
        math.nan: "for a table whose last loss is nan",
        math.inf: "for a table whose last loss is inf",
    }
    return [
        _draw_table(rng, float(rate), reach, end, where)
        for rate, reach, (end, where) in zip(
            lowest, rng.permutation(_REACHES), ends.items(), strict=True
        )
    ]


class _Digits:
    """The digits network, with weights drawn for the check."""

    def __init__(self, rng: np.random.Generator) -> None:
        from adl.images import digits
        from adl.learner import find_lr

        self._seed = int(rng.integers(2**31))
        self._images = digits(seed=self._seed)
        self.found = _Found(find_lr(self._learner(), start=1e-4), "for the digits network")

    def _learner(self, lr: float = 1e-3, *callbacks: Any) -> Any:
        from adl.images import loaders, small_convnet
        from adl.learner import Learner

        batches = loaders(self._images, seed=self._seed)
        return Learner(small_convnet(self._seed), *batches, lr=lr, callbacks=callbacks)

    def accuracy(self, rate: float) -> float:
        """Share of the validation images recognised after two epochs."""
        from adl.learner import MetricsCB, accuracy

        metrics = MetricsCB(accuracy=accuracy)
        self._learner(rate, metrics).fit(2)
        return float(metrics.history["valid_accuracy"].iloc[-1])


def _examine_choose_rate(answer: Answer, rng: np.random.Generator) -> None:
    drawn = _draw_tables(rng)
    rates = [_choose(answer, found) for found in drawn]
    wrong = [
        (found, rate) for found, rate in zip(drawn, rates, strict=True) if not found.is_right(rate)
    ]
    if wrong and len(set(rates)) == 1 and math.isfinite(rates[0]):
        if rates[0] == 0:
            raise Mistake(
                "Your function returns 0 whatever the table, and a rate is above 0. Is it rounded "
                "away, by `round` or by `//`?"
            )
        raise Mistake(
            f"Your function returns {rates[0]:.4g} whatever the table. The rates that can be used "
            "differ by powers of ten from network to network: read the rate off `found`."
        )
    if wrong:
        if all(_is_right_without_last(answer, found) for found, _ in wrong):
            raise Mistake(_not_finite(*wrong[0]))
        raise Mistake(
            _blind(answer, *wrong[0]) or _recognise_rate(*wrong[0]) or _too_far(*wrong[0])
        )
    network = _Digits(rng)
    rate = _choose(answer, network.found)
    if not network.found.is_right(rate):
        # Its losses are noisy: what trains the network well is right, wherever it was read off.
        learnt = network.accuracy(rate) if 0 < rate < math.inf else 0.0
        if learnt < 0.8:
            said = _recognise_rate(network.found, rate) or _too_far(network.found, rate)
            raise Mistake(
                f"{said} After two epochs with your rate the "
                f"network recognises {learnt:.0%} of the digits that it had not seen."
            )


_TABLE_ADVICE = (
    (
        r"^KeyError: '|'DataFrame' object has no attribute",
        "The columns of the table are `step_size` and `loss`.",
    ),
    (
        r"'ExponentialMovingWindow' object has no attribute|'Rolling' object has no attribute",
        "That says only over which rows to smooth: `.mean()` behind it takes the mean.",
    ),
)


def _choose(answer: Answer, found: _Found) -> float:
    """Call the reader's function for its rate."""
    value = answer(found.table, where=found.where, advice=_TABLE_ADVICE)
    if value is None:
        raise Mistake(nothing_returned(answer, "end with `return` and the rate"))
    if isinstance(value, pd.Series | pd.DataFrame | pd.Index | np.ndarray) and value.ndim:
        shape = "of one number" if value.size == 1 else f"of {value.size} numbers"
        raise Mistake(
            f"Your function returns {kind(value)} {shape}; asked for is one plain number. A single "
            'cell is `found["step_size"][row]`, where `row` is for example from `.idxmin()`.'
        )
    return one(value, of="a rate")


def _is_right_without_last(answer: Answer, found: _Found) -> bool:
    """Whether it is the last loss, not finite, that misleads the reader's function."""
    with suppress(Mistake):
        shorter = replace(found, table=found.table.iloc[:-1])
        return not found.finite and shorter.is_right(_choose(answer, shorter))
    return False


def _blind(answer: Answer, found: _Found, rate: float) -> str | None:
    """What to say of a function that gives the same when the losses are others."""
    if not math.isfinite(rate) or _is_close(
        rate, np.array([*found.rates[[0, -1]], len(found.rates)])
    ):
        return None  # has words of its own
    highest = found.losses[np.isfinite(found.losses)].max()
    turned = found.table.assign(loss=1 + 1.5 * (highest - found.losses))
    with suppress(Mistake):
        if _choose(answer, replace(found, table=turned)) == rate:
            return (
                f"{_got(rate, found)}, and the same when the losses are others. At which rates a "
                "finder begins and ends says nothing about the network: read off where its loss is "
                "lowest."
            )
    return None


def _not_finite(found: _Found, rate: float) -> str:
    """What to say when only the table fails whose last loss is not finite."""
    last = found.losses[-1]
    return (
        f"{_got(rate, found)}, and all is well while the losses are finite. "
        + (
            "An `argmin` takes a nan for the least, and whatever is computed with a nan is nan. "
            if math.isnan(last)
            else "A difference or a mean with inf in it is inf or nan. "
        )
        + 'Leave such losses out first: `found[found["loss"].abs() < math.inf]`.'
    )


def _got(rate: float, found: _Found) -> str:
    return f"Your function returns {rate:.4g} {found.where}"


_SHARES = (1, 6, 10, 20, 100)


def _recognise_rate(found: _Found, rate: float) -> str | None:
    """Say in words what is wrong with a rate, if it is one that was foreseen."""
    got = _got(rate, found)
    if not math.isfinite(rate):
        return f"{got}: a rate is a finite number above 0."
    if rate == 0:
        return f"{got}: a rate is above 0. Is it rounded away, by `round` or by `//`?"
    finite = np.flatnonzero(np.isfinite(found.losses))
    rows = {int(finite[np.argmin(values[finite])]) for values in (found.losses, found.smooth)}
    least = [float(found.rates[row]) for row in rows]
    if any(_is_close(share * rate, np.array([*rows])) for share in _SHARES[1:] if 0 not in rows):
        return (
            f"{got}. That is the number of a row, divided; the rate stands in that row of "
            '`found["step_size"]`.'
        )
    if rate in rows or (rate == int(rate) and rate in (len(found.rates), len(found.rates) - 1)):
        return f'{got}. That is the number of a row; the rate stands there in `found["step_size"]`.'
    if any(_is_close(rate, values) for values in (found.losses[finite], found.smooth[finite])):
        return f"{got}. That is a loss; asked for is the rate in the same row, or smaller."
    least_losses = np.array([found.losses[finite].min(), found.smooth[finite].min()])
    if any(_is_close(share * rate, least_losses) for share in _SHARES[1:]):
        return f"{got}. That is the lowest loss, divided; it is the rate there that is to be."
    if rate <= 0:
        as_rate = [power for power in (10.0**rate, math.exp(rate)) if found.is_right(power)]
        logarithm = " That is the logarithm of a rate: take the power again." if as_rate else ""
        return f"{got}: a rate is above 0.{logarithm}"
    if _is_close(rate, found.rates[-1:]) or _is_close(rate, found.rates[finite[-1:]]):
        return f"{got}. That is the last rate of the table, at which the loss has blown up."
    if _is_close(rate, found.rates[:1]):
        return f"{got}. That is the first rate of the table, at which hardly anything is learnt."
    if _is_close(rate, np.array(least)):
        return (
            f"{got}. That is where the loss is lowest, and too near the edge: the steps there are "
            f"too large to gain anything. {_FARTHER}"
        )
    if any(_is_close(rate, factor * np.array(least)) for factor in (3, 4, 5, 10)):
        return (
            f"{got}. That is above the rate at which the loss is lowest, by a whole factor. Should "
            "it be divided by it?"
        )
    for against, words in _STEEPEST.items():
        if _is_close(rate, found.rates[_steepest(found, against(found.rates))]):
            return f"{got}. {words}"
    return None


def _too_far(found: _Found, rate: float) -> str:
    """Say on which side of its range a rate is."""
    got, lowest = _got(rate, found), found.lowest
    if rate > lowest:
        return (
            f"{got}. There the loss has turned up already: smoothed, it is lowest at "
            f"{lowest:.4g}. {_FARTHER}"
        )
    if rate > _MOST * lowest:
        return (
            f"{got}. Smoothed with `.ewm(alpha=0.2).mean()`, the loss is lowest at {lowest:.4g}: "
            f"too near. {_FARTHER} A stronger smoothing lags behind, and is lowest later."
        )
    return (
        f"{got}. Smoothed, the loss is lowest at {lowest:.4g}, {lowest / rate:.0f} times as high: "
        "training would work, and take far longer than it needs to."
    )


_FARTHER = "Keep away from it by a factor of six at least."


_STEEPEST = {
    np.asarray: "That is where the loss falls most steeply against the rate itself. Among the "
    "smallest rates the rows lie so close together that noise looks steep: take the slope against "
    "the logarithm of the rate.",
    np.log: "That is where the loss falls most steeply from one row to the next, by the noise of "
    "single batches: smooth the losses first, and look only up to the lowest.",
}


def _steepest(found: _Found, position: np.ndarray) -> list[int]:
    """Rows at which the loss, as it is and smoothed, falls most steeply against a position."""
    finite = np.flatnonzero(np.isfinite(found.losses))
    rows = []
    for values in (found.losses[finite], found.smooth[finite]):
        slopes = np.diff(values) / np.diff(position[finite])
        steepest = np.gradient(values, position[finite])
        rows += [np.argmin(steepest), np.argmin(slopes), np.argmin(slopes) + 1]
    return finite[rows].tolist()


def _is_close(value: float, candidates: np.ndarray) -> bool:
    return bool(np.isclose(value, candidates, rtol=1e-6, atol=0).any())


# --- 3.4 What a cut of the rate does --------------------------------------------------------------

_ASKED = ("step size × curvature directly after the cut", "the number of steps until it is 2 again")


def _draw_cuts(rng: np.random.Generator) -> list[tuple[float, float, float]]:
    """Draw two cuts that share no argument; the constant of neither is one known by heart."""
    cuts = []
    for low, high in rng.permutation([(0.96, 0.97), (0.992, 0.998)]):
        old = 10.0 ** rng.uniform(-2, -1)
        cuts.append((float(old), float(old / rng.uniform(2.5, 7)), float(rng.uniform(low, high))))
    return cuts


def _examine_after_cut(answer: Answer, rng: np.random.Generator) -> None:
    cuts = _draw_cuts(rng)
    found = [_call_after_cut(answer, cut) for cut in cuts]
    if any(... in pair for pair in found):
        raise Mistake(_half_done(found, cuts))
    if all(map(_is_product, found, cuts)) and all(map(_is_wait, found, cuts)):
        return
    if found[0] == found[1]:
        raise Mistake(
            "Your function returns the same two numbers whatever it is called with: compute them "
            "from `old_rate`, `new_rate` and `beta2`."
        )
    turned = [pair[::-1] for pair in found]
    if all(map(_is_product, turned, cuts)) and all(map(_is_wait, turned, cuts)):
        raise Mistake("Both numbers are right, in the other order: return `product, steps`.")
    if not all(map(_is_product, found, cuts)):
        raise Mistake(_recognise_product(found, cuts))
    raise Mistake(_recognise_wait(found, cuts))


_Cut = tuple[float, float, float]
_Pair = tuple[float, float]


_LOGARITHMS = (
    (
        "math domain error|nonnegative|expected a positive",
        "All three arguments are above 0, and so are their quotients: is the logarithm taken of a "
        "difference, or of a whole quotient `//`?",
    ),
)


def _call_after_cut(answer: Answer, cut: _Cut) -> _Pair:
    value = answer(*cut, advice=_LOGARITHMS, seconds=5)
    if value is None:
        raise Mistake(nothing_returned(answer, "end with `return product, steps`"))
    if isinstance(value, tuple) and value and all(part is ... for part in value):
        raise NotAttempted
    if (
        isinstance(value, tuple)
        and len(value) == len(_ASKED)
        and any(part is ... for part in value)
    ):
        numbers = [part if part is ... else one(part, of="a number") for part in value]
        return numbers[0], numbers[1]
    product, steps = several(value, names=_ASKED)
    return product, steps


def _half_done(found: list[_Pair], cuts: list[_Cut]) -> str:
    """What to say where one of the two numbers is still to be written."""
    if any(product is ... for product, _ in found):
        right = all(map(_is_wait, found, cuts))
        said = "The number of steps is right" if right else _recognise_wait(found, cuts)
        missing = "product"
    else:
        right = all(map(_is_product, found, cuts))
        said = "The product is right" if right else _recognise_product(found, cuts)
        missing = "steps"
    return f"{said}{'; and' if right else ' And'} `{missing}` is still `...`."


def _is_product(pair: _Pair, cut: _Cut) -> bool:
    old, new, _ = cut
    return math.isclose(pair[0], 2 * new / old, rel_tol=1e-4)


def _wait(cut: _Cut) -> float:
    """Steps in which the root of an average, decaying by beta2 each, falls by the cut."""
    old, new, beta2 = cut
    return 2 * math.log(old / new) / -math.log(beta2)


def _is_wait(pair: _Pair, cut: _Cut) -> bool:
    # To first order -log(beta2) is 1 - beta2, or twice 1 - sqrt(beta2); and rounding is welcome.
    return abs(pair[1] - _wait(cut)) <= 0.6 * (1 - cut[2]) * _wait(cut) + 1


_Slips = dict[str, Callable[[float, float, float], float]]

_WRONG_PRODUCTS: _Slips = {
    "stays at 2 in your answer. The curvature is the same directly after the cut, the rate is "
    "not.": lambda old, new, beta2: 2.0,
    "is new/old in your answer: by how much the product falls. At the edge it falls from 2.": (
        lambda old, new, beta2: new / old
    ),
    "grows in your answer: the quotient is upside down. A smaller rate makes it smaller.": (
        lambda old, new, beta2: 2 * old / new
    ),
    "is old/new in your answer: the quotient is upside down, and at the edge the product falls "
    "from 2.": lambda old, new, beta2: old / new,
    "has a root in it in your answer. The product has the rate as a factor, and Adam's average is "
    "still the same directly after the cut.": lambda old, new, beta2: 2 * math.sqrt(new / old),
    "has a square in it in your answer; it has the rate as a factor, once.": (
        lambda old, new, beta2: 2 * (new / old) ** 2
    ),
    "is in your answer what it has lost; asked for is what it is.": (
        lambda old, new, beta2: 2 - 2 * new / old
    ),
    "is 38 · new/old in your answer. The 38 belongs to the curvature alone; the product is "
    "measured so that its limit is 2 whatever the momentum.": (
        lambda old, new, beta2: 38 * new / old
    ),
    "is your new rate alone; the product at the edge was 2 with the old one.": (
        lambda old, new, beta2: new
    ),
    "is twice your new rate: the product at the edge was 2 with the old one, which is missing.": (
        lambda old, new, beta2: 2 * new
    ),
    "is the limit of the curvature at the new rate in your answer, 2/new; asked for is the "
    "product.": lambda old, new, beta2: 2 / new,
    "is that of one step later in your answer; asked for is the value directly after the cut.": (
        lambda old, new, beta2: 2 * new / old / math.sqrt(beta2)
    ),
}


def _recognise_product(found: list[_Pair], cuts: list[_Cut]) -> str:
    if all(pair[0] == 0 for pair in found):
        return (
            "The product is 0 in your answer. Is something divided with `//`, which keeps the "
            "whole part of the quotient only?"
        )
    if all(2 < pair[0] <= 2 / beta2 for pair, (*_, beta2) in zip(found, cuts, strict=True)):
        return (
            "The product is back at 2 in your answer: does a loop write over it? Keep the one "
            "directly after the cut, under a name of its own."
        )
    for words, formula in _WRONG_PRODUCTS.items():
        if all(
            math.isclose(pair[0], formula(*cut), rel_tol=1e-4)
            for pair, cut in zip(found, cuts, strict=True)
        ):
            return f"The product directly after the cut {words}"
    (old, new, _), yours = cuts[0], found[0][0]
    right = 2 * new / old
    for digits in (0, 1, 2, 3, 4):
        if yours == round(right, digits):
            return f"The product is rounded to {digits} digits: round when you print."
    return (
        f"From {old:.4g} to {new:.4g}, the product directly after the cut is {yours:.4g} in your "
        "answer, and it should not be. Directly before, at the edge, it was 2. Which of its two "
        "factors has changed?"
    )


def _decay(beta2: float) -> float:
    return -math.log(beta2)


_WRONG_WAITS: _Slips = {
    "is half of what it should be: `beta2` is how the average of the squares decays. What Adam "
    "divides by is its root, which decays half as fast.": (
        lambda old, new, beta2: math.log(old / new) / _decay(beta2)
    ),
    "is twice what it should be: the root of an average decays half as fast, and no slower.": (
        lambda old, new, beta2: 4 * math.log(old / new) / _decay(beta2)
    ),
    "is what the decimal logarithm gives. Of two logarithms the quotient is the same to any base, "
    "as long as both have it; next to `1 - beta2` only the natural one, `math.log`, is right.": (
        lambda old, new, beta2: 2 * math.log10(old / new) / (1 - beta2)
    ),
    "is what the logarithm to base 2 gives. Of two logarithms the quotient is the same to any "
    "base, as long as both have it; next to `1 - beta2` only the natural one, `math.log`, is "
    "right.": lambda old, new, beta2: 2 * math.log2(old / new) / (1 - beta2),
    "is what the decimal logarithm gives, and half of that: the root decays half as fast as the "
    "average of the squares.": lambda old, new, beta2: math.log10(old / new) / (1 - beta2),
    "has the logarithm of a whole number: `//` cuts the quotient of the rates off. `/` keeps the "
    "rest.": lambda old, new, beta2: 2 * math.log(old // new) / _decay(beta2),
    "has the quotient of the rates in place of its logarithm. In each step the product is "
    "multiplied by the same factor: it grows as a power.": (
        lambda old, new, beta2: 2 * (old / new) / (1 - beta2)
    ),
    "has the quotient of the rates in place of its logarithm, and the root is forgotten.": (
        lambda old, new, beta2: old / new / (1 - beta2)
    ),
    "is for growth by the same amount in each step. It is by the same factor: take the "
    "logarithm of the quotient.": lambda old, new, beta2: 2 * (old / new - 1) / (1 - beta2),
    "is for growth by the same amount in each step. By the same factor, it grows as a "
    "power.": lambda old, new, beta2: (old / new - 1) / (1 - beta2),
    "does not depend on the cut: it is the memory of the average. By what factor does the product "
    "have to grow?": lambda old, new, beta2: 1 / (1 - beta2),
    "does not depend on the cut: it is the memory of the root. By what factor does the product "
    "have to grow?": lambda old, new, beta2: 2 / (1 - beta2),
    "is for a product that starts at new/old and ends at 2; it starts at 2 · new/old.": (
        lambda old, new, beta2: 2 * math.log(2 * old / new) / _decay(beta2)
    ),
    "is for a product that starts at 2 · new/old and ends at 1; at the edge it is 2.": (
        lambda old, new, beta2: 2 * math.log(old / new / 2) / _decay(beta2)
    ),
    "has `beta2` in place of `1 - beta2`: the larger `beta2`, the longer the memory.": (
        lambda old, new, beta2: 2 * math.log(old / new) / beta2
    ),
    "is the logarithm of the quotient alone: by what factor does the product grow in one step?": (
        lambda old, new, beta2: math.log(old / new)
    ),
    "is twice the logarithm of the quotient: by what factor does the product grow in one step?": (
        lambda old, new, beta2: 2 * math.log(old / new)
    ),
    "is multiplied by `1 - beta2` where it should be divided by it.": (
        lambda old, new, beta2: 2 * math.log(old / new) * (1 - beta2)
    ),
}
_BY_HEART = {
    0.9: ": that is `beta1`, Adam's memory of the gradients themselves",
    0.99: ": use the argument",
    0.999: ": use the argument",
}


def _recognise_wait(found: list[_Pair], cuts: list[_Cut]) -> str:
    steps = [pair[1] for pair in found]
    if not all(map(math.isfinite, steps)):
        return f"The number of steps is {steps[0]:g} in your answer. Is something divided by 0?"
    if all(_is_wait((0.0, -pair[1]), cut) for pair, cut in zip(found, cuts, strict=True)):
        return (
            "The number of steps is right but for its sign. The logarithm of a number below 1 is "
            "negative: `beta2` is below 1, and so is new/old."
        )
    for beta, why in _BY_HEART.items():
        if all(
            _is_wait(pair, (old, new, beta))
            for pair, (old, new, _) in zip(found, cuts, strict=True)
        ):
            return f"The number of steps has {beta} in the place of `beta2`{why}."
    for words, formula in _WRONG_WAITS.items():
        for sign, also in ((1, ""), (-1, " And it is negative: mind the logarithms.")):
            if all(
                _is_near(sign * yours, formula(*cut), cut)
                for yours, cut in zip(steps, cuts, strict=True)
            ):
                return f"The number of steps {words}{also}"
    (old, new, beta2), yours = cuts[0], steps[0]
    should = f"should take {'fewer' if yours > _wait(cuts[0]) else 'more'}"
    return (
        f"From {old:.4g} to {new:.4g} at beta2 = {beta2:.4g} it takes {yours:.4g} steps in your "
        f"answer, and {should}. In each step the root of the averaged squares is multiplied by "
        f"{math.sqrt(beta2):.5g}: after how many has it fallen to new/old?"
    )


def _is_near(yours: float, wrong: float, cut: _Cut) -> bool:
    """Whether a number of steps is a wrong one, in any of its first-order forms, or rounded."""
    whole = 0.51 if yours == round(yours) else 0.0
    return abs(yours - wrong) <= 0.6 * (1 - cut[2]) * abs(wrong) + whole


EXERCISES = (
    Exercise(
        id="3.1",
        title="the scheduler callback",
        signature="StepEachBatch(factory)",
        hints=(
            "Two moments matter: one at which the optimiser is there and nothing has been trained "
            "yet, and one that comes after each update. Which hooks are they?",
            "In `before_fit` the factory makes the scheduler of `learn.opt`; keep it in `self`. "
            "`after_step` is called after each update; `after_batch` in validation, too.",
            "`before_fit`: `self.scheduler = self.factory(learn.opt)`. Then "
            "`def after_step(self, learn):` with one line, `self.scheduler.step()`.",
        ),
        praise="Every rate is the schedule's, with three schedules, validation and two parameter "
        "groups.",
        examine=_examine_scheduler,
    ),
    Exercise(
        id="3.2",
        title="a recorder of the gradient's norm",
        signature="GradientNorm()",
        hints=(
            "When are the gradients of a batch there? And how does the length of a vector come "
            "from the lengths of its parts?",
            "`after_backward` and `after_step` are called in training only, with the gradients in "
            "`parameter.grad`. Square each entry, add up over all of `learn.model.parameters()`, "
            "take the root once.",
            "In `after_backward`: `total = sum(p.grad.square().sum() for p in "
            "learn.model.parameters())`, then `self.norms.append(total.sqrt().item())`.",
        ),
        praise="The length of every gradient, in networks that your recorder had never seen, and "
        "nothing in them was changed by it.",
        examine=_examine_norms,
    ),
    Exercise(
        id="3.3",
        title="a rate from the finder",
        signature="choose_rate(found)",
        hints=(
            "Two things happen along the table: the loss begins to fall, and it turns up again. "
            "Between which of its rows is the rate that you want?",
            "Find the row of the lowest loss, smoothed and without the losses that are not "
            "finite. Its rate is too large: go down by a factor.",
            '`finite = found[found["loss"].abs() < math.inf]`, then '
            '`row = finite["loss"].ewm(alpha=0.2).mean().idxmin()`, and a tenth of '
            '`finite["step_size"][row]`.',
        ),
        praise="Each rate is in its range, for tables drawn for this check and for the digits "
        "network.",
        examine=_examine_choose_rate,
    ),
    Exercise(
        id="3.4",
        title="what a cut of the rate does",
        signature="after_cut(old_rate, new_rate, beta2)",
        hints=(
            "Step size × curvature was 2. Which of the two factors does a cut change at once, and "
            "which one slowly, as Adam's averages forget?",
            "The product is 2·new/old. Adam divides by the root of an average that is multiplied "
            "by `beta2` in each step, when gradients are small: by what is its root multiplied?",
            "The root is multiplied by sqrt(beta2) in each step, so the product grows by "
            "1/sqrt(beta2). After t steps: 2·new/old·beta2^(-t/2) = 2. Take logarithms and solve "
            "for t.",
        ),
        praise="Both numbers follow from one thought: the cut changes the rate at once, and the "
        "rest is Adam forgetting.",
        examine=_examine_after_cut,
    ),
)
