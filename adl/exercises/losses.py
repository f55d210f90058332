"""The exercises of chapter 4: two functions to write, and two tables of losses to fill in."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from adl.exercises._answer import Answer, Mistake, NotAttempted
from adl.exercises._exercise import Exercise
from adl.exercises._numbers import kind, nothing_returned

# --- 4.1 and 4.2 Functions ------------------------------------------------------------------------


def _examine_two_sided_log(answer: Answer, rng: np.random.Generator) -> str | None:
    from adl.exercises import _loss_functions  # torch, which only these two need

    return _loss_functions.examine_two_sided_log(answer, rng)


def _examine_relative_loss(answer: Answer, rng: np.random.Generator) -> None:
    from adl.exercises import _loss_functions

    _loss_functions.examine_relative_loss(answer, rng)


# --- 4.3 Which loss wins for which measure of error -----------------------------------------------

# Left after 2000 steps of Adam on fresh batches of 200 at epsilon 1e-3, on 20,000 other examples:
# medians over five networks of two layers of 32. The tests measure them again. In each of 20 other
# networks the least of each row was the same.
_ERRORS = {
    "mean squared error": {
        "MSE": 8800,
        "L1": 15400,
        "two-sided log": 17300,
        "relative L1": 18400,
    },
    "mean absolute error": {
        "MSE": 20.7,
        "L1": 17.8,
        "two-sided log": 20.6,
        "relative L1": 22.1,
    },
    "median absolute error": {
        "MSE": 3.37,
        "L1": 0.296,
        "two-sided log": 0.221,
        "relative L1": 0.0668,
    },
    "mean relative error": {
        "MSE": 2.00,
        "L1": 0.214,
        "two-sided log": 0.224,
        "relative L1": 0.157,
    },
    "mean squared log difference": {
        "MSE": 2.27,
        "L1": 0.219,
        "two-sided log": 0.340,
        "relative L1": 0.689,
    },
}
_OWN = (
    "It is this loss's own measure, and another loss brings it down further: what a loss asks for "
    "and what a network reaches in 2000 steps are two things."
)
# Why a tempting guess is wrong.
_TEMPTING = {
    ("median absolute error", "L1"): "The constant with the least mean absolute error is the "
    "median of the targets; that says nothing about the median of the errors. Under L1 all "
    "examples pull alike, however large their targets.",
    ("mean squared log difference", "two-sided log"): _OWN,
}


def _examine_winners(answer: Answer, rng: np.random.Generator) -> None:
    asked = next(iter(_ERRORS.values()))
    guesses = _read_table(answer, "winners", keys=_ERRORS, losses=asked)
    winners = {measure: min(errors, key=errors.__getitem__) for measure, errors in _ERRORS.items()}
    wrong = [measure for measure, loss in guesses.items() if loss != winners[measure]]
    if wrong:
        measure, guess = wrong[0], guesses[wrong[0]]
        left, least = _ERRORS[measure][guess], _ERRORS[measure][winners[measure]]
        tempting = _TEMPTING.get((measure, guess), "")
        raise Mistake(
            f"{_how_many(guesses, wrong)} The {measure} that {guess} leaves is {_rounded(left)}; "
            f"the best of the four leaves {_rounded(least)}. {tempting}".rstrip()
        )
    _refuse_gaps(guesses, _ERRORS)


def _rounded(error: float) -> str:
    return f"{float(f'{error:.2g}'):,g}"


# --- 4.4 A loss for a question --------------------------------------------------------------------


@dataclass(frozen=True)
class _Situation:
    """What is asked of predictions, and why each loss but some is not the one for it."""

    right: tuple[str, ...]
    wrong: dict[str, str]


def _reasons(*reasons: tuple[Iterable[str], str]) -> dict[str, str]:
    return {loss: words for losses, words in reasons for loss in losses}


_SITUATIONS = {
    "claims": _Situation(
        ("MSE",),
        _reasons(
            (
                ("L1", "Huber"),
                "It leads to the median of the claims that look alike (Huber: to something near "
                "it). Half of them lie above, some of them far above, so the total comes out too "
                "small.",
            ),
            (
                ("log error",),
                "It cares the less for an error, the larger it is, so the rare large claims hardly "
                "count, and the total comes out too small.",
            ),
            (
                ("two-sided log",),
                "It leads to the mean of the logarithms. Back in euros that is the geometric mean, "
                "which is below the mean, so the total comes out too small.",
            ),
            (
                ("relative L1", "relative L2"),
                "It divides by the target, so that a large claim weighs little: the predictions "
                "are drawn towards the small ones, and the total comes out too small.",
            ),
        ),
    ),
    "prices": _Situation(
        ("relative L1",),
        _reasons(
            (
                ("MSE", "L1", "Huber"),
                "It counts euros: an error of 50 is the same to it at a price of 100 and at one of "
                "50,000.",
            ),
            (
                ("log error",),
                "It takes the logarithm of the error, not of the price: an error of 50 is the same "
                "to it at a price of 100 and at one of 50,000.",
            ),
            (
                ("two-sided log",),
                "That is near: for small errors it is the square of the percentage. For large ones "
                "it counts half the price as much as twice the price, which are errors of 50 and "
                "of 100 percent.",
            ),
            (
                ("relative L2",),
                "That is near: it counts percent. But it squares them, so that one error of 50% "
                "counts for 25 of 10%. You are judged by the mean of the percentages themselves.",
            ),
        ),
    ),
    "currents": _Situation(
        ("two-sided log",),
        _reasons(
            (
                ("MSE", "L1", "Huber"),
                "It counts in the current's unit, so the largest currents decide everything: twice "
                "too much costs more for a large current than for a small one, and more than half.",
            ),
            (
                ("log error",),
                "It takes the logarithm of the error, not of the current: twice too much costs "
                "more for a large current than for a small one.",
            ),
            (
                ("relative L1",),
                "Twice too much costs 1, and half costs 1/2. And a prediction of 0, wrong by more "
                "than any power of ten, costs no more than twice too much does.",
            ),
            (
                ("relative L2",),
                "Twice too much costs 1, and half costs 1/4. And a prediction of 0, wrong by more "
                "than any power of ten, costs no more than twice too much does.",
            ),
        ),
    ),
    "thermometers": _Situation(
        ("L1", "Huber"),
        _reasons(
            (
                ("MSE",),
                "An error of 840 counts for 10,000 errors of 8.4: the few wrong values would draw "
                "all predictions upwards.",
            ),
            (
                ("log error",),
                "That is near: it bears the wrong values well. But to it ten degrees are not ten "
                "times as bad as one, and its pull falls for errors above 1.7, so that an honest "
                "error of 10 degrees pulls less than one of 2.",
            ),
            (
                ("two-sided log",),
                "A degree near 0 would count for far more than a degree near 30. Zero degrees are "
                "nothing special.",
            ),
            (
                ("relative L1", "relative L2"),
                "It would bear the wrong values well, since they are large. But a degree near 0 "
                "would count for far more than a degree near 30, and zero degrees are nothing "
                "special.",
            ),
        ),
    ),
    "photographs": _Situation(
        ("log error",),
        _reasons(
            (
                ("MSE",),
                "An example pulls in proportion to its error: those that show only sky would pull "
                "hardest of all.",
            ),
            (
                ("L1", "Huber"),
                "That is better than squares: beyond a year an example's pull stays the same. "
                "Asked for is a pull that falls.",
            ),
            (
                ("relative L1",),
                "All years are nearly 2000, so dividing by them changes little: this is L1 times a "
                "constant, and an example's pull stays the same however far off it is.",
            ),
            (
                ("relative L2", "two-sided log"),
                "All years are nearly 2000, so their size tells them apart by little: this is the "
                "squared error times a constant, and an example pulls in proportion to its error.",
            ),
        ),
    ),
}
_SEVEN = ("MSE", "Huber", "L1", "log error", "two-sided log", "relative L2", "relative L1")


def _examine_choices(answer: Answer, rng: np.random.Generator) -> None:
    chosen = _read_table(answer, "choices", keys=_SITUATIONS, losses=_SEVEN)
    wrong = [name for name, loss in chosen.items() if loss not in _SITUATIONS[name].right]
    if wrong:
        name, loss = wrong[0], chosen[wrong[0]]
        raise Mistake(
            f"{_how_many(chosen, wrong)} For the {name} you choose {loss}. "
            f"{_SITUATIONS[name].wrong[loss]}"
        )
    _refuse_gaps(chosen, _SITUATIONS)


# --- Tables of losses -----------------------------------------------------------------------------


_ADVICE = (
    (
        r"name '(MSE|L1|L2|Huber|two_sided_log|relative_L1)' is not defined",
        "The name of a loss is text: put it in quotation marks.",
    ),
)


def _read_table(
    answer: Answer, name: str, *, keys: Iterable[str], losses: Iterable[str]
) -> dict[str, str]:
    """What the reader has filled in, with the losses' names as the chapter spells them.

    Parameters
    ----------
    answer : Answer
    name : str
        Of the reader's function.
    keys : iterable of str
        What should stand on the left.
    losses : iterable of str
        What may stand on the right.

    Returns
    -------
    dict of str to str
        Without the lines that are still ``...``.

    Raises
    ------
    NotAttempted
        If all lines are.
    Mistake
        If there is anything else on either side.
    """
    value = answer(seconds=5, advice=_ADVICE)
    if value is None:
        raise Mistake(nothing_returned(answer, f"`{name}` ends with `return` and the table"))
    if not isinstance(value, Mapping):
        raise Mistake(
            f"Your function returns {kind(value)}; asked for is the table of the stub, a dict "
            "with the name of a loss on each line."
        )
    lines, known = ({_plain(word): word for word in words} for words in (keys, losses))
    for key in value:
        if not isinstance(key, str) or _plain(key) not in lines:
            raise Mistake(
                f"There is no line {key!r:.60} in the table; its lines are {_listed(keys)}."
            )
    given = {lines[_plain(key)]: loss for key, loss in value.items()}
    filled = {key: given[key] for key in keys if key in given and not _is_gap(given[key])}
    if not filled:
        raise NotAttempted("all lines of the table are still `...`")
    for key, loss in filled.items():
        if callable(loss):
            raise Mistake(
                f"On the line of the {key} stands a function, or a class. Asked for is the name of "
                f"a loss, in quotation marks: {_listed(losses)}."
            )
        if not isinstance(loss, str) or _plain(loss) not in known:
            raise Mistake(
                f"On the line of the {key} stands {loss!r:.60}, which is none of the losses asked "
                f"for. Their names are {_listed(losses)}."
            )
    return {key: known[_plain(loss)] for key, loss in filled.items()}


def _is_gap(value: Any) -> bool:
    return (
        value is ... or value is None or (isinstance(value, str) and value.strip() in ("", "..."))
    )


def _plain(name: str) -> str:
    """A name without what is typed differently: case, spaces, dashes, a "loss" at the end."""
    return re.sub(r"[\s_\-‐-―−]", "", name.casefold()).removesuffix("loss")


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _how_many(filled: dict[str, str], wrong: list[str]) -> str:
    return f"Right: {len(filled) - len(wrong)} of {len(filled)}."


def _refuse_gaps(filled: dict[str, str], keys: Iterable[str]) -> None:
    """Say kindly that all is right so far."""
    gaps = [key for key in keys if key not in filled]
    if gaps:
        raise Mistake(
            f"What you have filled in is right. Still to come: {_listed(gaps)}. A wrong guess "
            "costs nothing."
        )


# --- The chapter's exercises ----------------------------------------------------------------------

EXERCISES = (
    Exercise(
        id="4.1",
        title="the two-sided logarithm",
        signature="two_sided_log(x)",
        hints=(
            "Take three numbers in turn: 100, 0 and -100. Which of them has a logarithm? What "
            "should come out for each?",
            "Only the size goes into the logarithm, plus 1, so that it is never below log 1. The "
            "sign comes back by a factor. `torch.abs`, `torch.log` and `torch.sign` do that for "
            "all numbers at once, and autograd follows them.",
            "`torch.sign(x) * ...`, where the dots are the logarithm of 1 plus the size of x.",
        ),
        praise="Right for both signs, at 0, for tiny and for huge numbers, and so is its gradient, "
        "also at 0, where the obvious formula has the slope 0 in PyTorch.",
        examine=_examine_two_sided_log,
    ),
    Exercise(
        id="4.2",
        title="the relative loss",
        signature="relative_loss(outputs, targets, power)",
        hints=(
            "Take one example: output 3, target -1. The error is 4. What does the denominator come "
            "to, and is it above 0?",
            "In this order: the size of each error, divided by 1 plus the size of its target; each "
            "quotient to the power; the mean over all examples.",
            "`shares = (outputs - targets).abs() / (...)`, and then `(shares**power).mean()`.",
        ),
        praise="Right for both powers, with targets of 0 among them, and autograd can go through "
        "it. With power 1 it is `relative_l1_loss` of `adl.losses`, with power 2 "
        "`relative_l2_loss`.",
        examine=_examine_relative_loss,
    ),
    Exercise(
        id="4.3",
        title="which loss wins which measure",
        signature="winners()",
        hints=(
            "For each measure: which examples decide it? The few with huge targets, or the many "
            "with small ones? Half of all targets are smaller than 0.82.",
            "Then ask of each loss: which examples pull hardest? Under MSE an example pulls in "
            "proportion to its error, under L1 all pull alike, under relative L1 those with small "
            "targets pull most.",
            "The mean squared and the mean absolute error go to the losses that are these means. "
            "What the ordinary examples decide goes to the loss under which they pull most. And "
            "one of the four losses wins nothing.",
        ),
        praise="All five. Three measures are won by the loss that is this very mean. But the least "
        "median error comes from relative L1, not from L1; and the two-sided log wins nothing, not "
        "even its own measure, which L1 brings down further in 2000 steps.",
        examine=_examine_winners,
    ),
    Exercise(
        id="4.4",
        title="a loss for a question",
        signature="choices()",
        hints=(
            "For each situation write down two errors that are equally bad. Which loss gives both "
            "the same?",
            "Is an error counted in the target's unit, as a share of the target, or as a factor? "
            "And should a huge error count more than in proportion, in proportion, or less?",
            "Only the mean adds up to the right total, and plain squares lead to it. Percent are "
            "shares, powers of ten are logarithms. Wrong values must not be squared, and an "
            "example that pulls less and less needs a loss that flattens.",
        ),
        praise="All five. Remember two prices. The relative losses favour predictions that are too "
        "small: 0 never costs more than 100%, and too much has no limit. And the right total is "
        "dear: a mean over such a spread needs very many examples before it settles.",
        examine=_examine_choices,
    ),
)
