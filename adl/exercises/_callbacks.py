"""Diagnosis of a reader's callbacks: exercises 3.1 and 3.2."""

import math
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import starmap
from numbers import Real
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.optim import Optimizer
from torch.optim.lr_scheduler import CosineAnnealingLR, ExponentialLR, LRScheduler, OneCycleLR

from adl.exercises._answer import Answer, Mistake
from adl.exercises._numbers import kind
from adl.exercises._trainings import Case, Moment, Witness, hooks_of, made, nothing_done
from adl.learner import HOOKS, BatchSchedCB, Callback, Learner

_ADVICE = (
    (
        r"(before|after|cleanup)_\w+\(\) takes \d+ positional arguments? but \d+ were given",
        "A learner hands itself to each hook: `def after_step(self, learn):`.",
    ),
    (
        r"takes \d+ positional arguments? but \d+ were given",
        "The first argument of every method is the callback itself: is `self` missing after `def`?",
    ),
    (
        r"graph a second time|does not require grad|does not have a grad_fn",
        "The learner calls `backward()` itself, once for each training batch: a hook need not.",
    ),
    (r"'ellipsis'", "A `...` still stands where something should be written."),
    (
        r"name '(opt|optimizer)' is not defined",
        "In a hook the optimiser is `learn.opt`. When a callback is made there is none yet.",
    ),
    (
        r"name '(learn|learner)' is not defined",
        "Only hooks are given the learner, as `learn`. When a callback is made there is none yet.",
    ),
    (
        r"'(?!Learner')\w+' object has no attribute '(opt|optimizer|learn|learner)'",
        "The learner is what a hook is called with: its optimiser is `learn.opt`.",
    ),
    (r"'method' object is not iterable", "Brackets are missing: `learn.model.parameters()`."),
    (r"'Learner' object has no attribute 'parameters'", "They are `learn.model.parameters()`."),
)


# --- 3.1 A scheduler, stepped after each batch ----------------------------------------------------

_SCHEDULER_ADVICE = (
    (
        r"'(function|functools\.partial|partial|type)' object has no attribute",
        "That is the factory, not yet a scheduler: `self.factory(learn.opt)` makes one.",
    ),
    (r"'NoneType' object has no attribute 'step'", "Is the scheduler made in `before_fit`?"),
    (
        r"name 'factory' is not defined|no attribute 'factory'",
        "`__init__` is where it comes in: keep it there, with `self.factory = factory`.",
    ),
    (
        r"(name|attribute) '\w*sched\w*'",
        "What one hook makes and another uses is kept in the callback: `self.scheduler = ...`.",
    ),
    *_ADVICE,
)


@dataclass
class _Run:
    """What a scheduler callback did in a training."""

    made: list[int] = field(default_factory=list)  # how many updates there had been then
    stepped: list[Moment] = field(default_factory=list)
    used: list[list[list[float]]] = field(default_factory=list)  # by each update and group


_Make = Callable[[Optimizer], Any]


def examine_scheduler(answer: Answer, rng: np.random.Generator) -> None:
    """Train with the reader's callback under three schedules, and compare the rates used."""
    course = Answer(BatchSchedCB, "BatchSchedCB(factory)")
    for case, make in _draw_schedules(rng):
        _, right = _train(course, case, make)
        callback, run = _train(answer, case, make)
        if not _is_close(run.used, right.used):
            raise Mistake(_recognise_run(callback, run, np.array(right.used)))


def _draw_schedules(rng: np.random.Generator) -> Iterator[tuple[Case, _Make]]:
    # Exponential first: under it no step too many or too early goes unseen, or raises.
    yield Case.draw(rng), partial(ExponentialLR, gamma=float(rng.uniform(0.7, 0.9)))
    case = Case.draw(rng)
    yield case, partial(CosineAnnealingLR, T_max=case.updates)
    case = Case.draw(rng, validated=False)
    highest = [3 * case.rate, case.rate]  # of the two groups; the momentum falls as they rise
    yield case, partial(OneCycleLR, max_lr=highest, total_steps=3 * case.updates)


def _train(answer: Answer, case: Case, make: _Make) -> tuple[Callback, _Run]:
    run, witness = _Run(), Witness()
    learn = case.learner(witness)

    def factory(*given: Any, **named: Any) -> Any:
        _see_to_the_optimizer(given, named, learn, began=bool(witness.moments))
        run.made.append(len(run.used))
        scheduler = make(learn.opt)
        plain = scheduler.step

        def step(*told: Any, **named: Any) -> None:
            if told or named:
                raise Mistake(_told([*told, *named.values()][0], learn))
            run.stepped.append(witness.moments[-1])
            plain()

        scheduler.step = step
        return scheduler

    def before_update(optimizer: Optimizer, *_: Any) -> None:
        run.used.append([[group["lr"], group["momentum"]] for group in optimizer.param_groups])

    learn.opt.register_step_pre_hook(before_update)
    callback = made(answer, factory, advice=_SCHEDULER_ADVICE)
    learn.callbacks.insert(0, callback)  # the last is the first to be called in `cleanup_fit`
    answer.run(lambda: learn.fit(case.epochs), where="in training", advice=_SCHEDULER_ADVICE)
    return callback, run


def _told(argument: Any, learn: Learner) -> str:
    """Say that a scheduler's step takes nothing."""
    if isinstance(argument, Tensor | float) and learn.loss_value.item() == float(argument):
        return (
            "`step()` is called with the loss. Only `ReduceLROnPlateau` asks for a number to "
            "follow; other schedules count their steps: leave the brackets empty."
        )
    return (
        f"`step()` is called with an argument, {kind(argument)}. A schedule counts its steps by "
        "itself, and some, such as `SequentialLR`, refuse to be told: leave the brackets empty."
    )


def _see_to_the_optimizer(
    given: tuple[Any, ...], named: dict[str, Any], learn: Learner, *, began: bool
) -> None:
    """See that a factory is called in a hook, and with the optimiser."""
    if not began:
        raise Mistake(
            "The factory is called in `__init__`, when there is no optimiser yet: a callback is "
            "made before its learner. Keep the factory there, and call it in `before_fit`."
        )
    others = [f"`{name}`" for name in named if name != "optimizer"]
    if others:
        raise Mistake(
            f"{' and '.join(others)} {'is' if len(others) == 1 else 'are'} filled in already: give "
            "the factory the optimiser only, `self.factory(learn.opt)`."
        )
    given = (*given, *named.values())
    if len(given) == 1 and given[0] is learn.opt:
        return
    if len(given) != 1:
        with_what = f"with {len(given)} arguments" if given else "with nothing"
    elif given[0] is learn:
        with_what = "with the learner itself"
    elif given[0] is learn.optimizer:
        with_what = "with `learn.optimizer`, the function that made the learner's optimiser"
    elif isinstance(given[0], Optimizer):
        with_what = "with an optimiser that is not the learner's: it would schedule that one"
    else:
        with_what = f"with {kind(given[0])}"
    raise Mistake(f"The factory is called {with_what}. It wants the optimiser, `learn.opt`.")


def _recognise_run(callback: Callback, run: _Run, right: np.ndarray) -> str:
    """Say in words why a training had other rates than it should."""
    updates = len(right)
    if len(run.used) < updates:
        return (
            f"With your callback the training ended after {len(run.used)} of {updates} updates: "
            "which hook cancels it?"
        )
    if len(run.used) > updates:
        return (
            "Your callback makes updates of its own: `learn.opt.step()` is the optimiser's step, "
            "which the learner has made already. The scheduler has a `step()` of its own."
        )
    if not run.made and any(isinstance(v, LRScheduler) for v in vars(type(callback)).values()):
        return _SHARED_SCHEDULER
    own = [value for value in vars(callback).values() if isinstance(value, LRScheduler)]
    if not run.made and own:
        return (
            f"Your callback makes a scheduler of its own, {kind(own[0])}, and never calls the "
            "factory. Which one it is should be left to whoever uses the callback: "
            "`self.factory(learn.opt)`."
        )
    if not run.made:
        return f"The factory is never called, so that there is no scheduler. {_IN_BEFORE_FIT}"
    if not run.stepped:
        why = nothing_done(callback, "self.scheduler.step()")
        return f"The scheduler is made, and never stepped: the rate stays. {why}"
    if len(run.made) > 1:
        return (
            f"The scheduler is made {len(run.made)} times in one fit. A new one begins anew, and "
            f"has forgotten how far the old one was. {_IN_BEFORE_FIT}"
        )
    if run.made[0] > 0:
        return (
            "The scheduler is made after the first update: a schedule that sets the first rate, as "
            f"a warm-up does, comes too late for it. {_IN_BEFORE_FIT}"
        )
    return _wrong_moments(run.stepped, updates) or _wrong_rates(run, right)


_IN_BEFORE_FIT = "Make it once, in `before_fit`, and keep it in the callback."
_SHARED_SCHEDULER = (
    "A second callback of your class steps the scheduler of the first, and makes none for its own "
    "learner. Is it kept in the class, or under a global name? Keep it in `self`."
)


def _wrong_moments(stepped: list[Moment], updates: int) -> str | None:
    hooks = Counter(moment.hook for moment in stepped)
    names = " and ".join(f"`{hook}`" for hook in hooks)
    validation = sum(not moment.training for moment in stepped)
    after = hooks["after_step"] + hooks["after_batch"] - validation
    if all(hook.endswith("_fit") for hook in hooks):
        often = f"{_often(stepped)} in the whole fit"
        return f"The scheduler is stepped in {names}, {often}. {_EACH_BATCH}"
    if all(hook.endswith(("_fit", "_epoch")) for hook in hooks):
        end = "beginning" if "before_epoch" in hooks else "end"
        also = f" (and at the {end} of validation, too)" if validation else ""
        return (
            f"The scheduler is stepped in {names}, {_often(stepped)} an epoch{also}. {_EACH_BATCH}"
        )
    if validation == len(stepped):
        return (
            "The scheduler is stepped in validation, and not in training: is the condition on "
            "`learn.training` turned round?"
        )
    early = [f"`{hook}`" for hook in HOOKS[: HOOKS.index("after_step")] if hook in hooks]
    if early and after <= 0:
        return (
            f"The scheduler is stepped in {early[0]}, before the optimiser's step: the first "
            "update already has the second rate. Which hooks come after the update?"
            + (" And it is stepped in validation, too." if validation else "")
        )
    if validation and set(hooks) == {"after_batch"}:
        return (
            "The scheduler is stepped in validation, too: the rate is right in the first epoch, "
            "and too far on in the second. `after_batch` is called in both."
        )
    if len(stepped) == 2 * updates:
        return (
            f"The scheduler is stepped twice after each batch, in {names}: the rate skips every "
            "second value."
        )
    if len(stepped) != updates:
        return (
            f"The scheduler is stepped {len(stepped)} times in {updates} updates, in {names}. "
            f"{_EACH_BATCH}"
        )
    return None


def _often(stepped: list[Moment]) -> str:
    """How often a scheduler is stepped each time that a hook is called."""
    times = len(stepped) / len({id(moment) for moment in stepped})
    return "once" if times == 1 else f"{times:.3g} times"


_EACH_BATCH = "Asked for is one step after each training batch."


def _wrong_rates(run: _Run, right: np.ndarray) -> str:
    """The scheduler is stepped as it should be, and something else interferes."""
    used = np.array(run.used)
    close = np.isclose(used, right, rtol=1e-6).all(axis=0)  # of each group: rate, momentum
    if close[0, 0] and not close[1, 0]:
        return (
            "The rate of the first parameter group is right, that of the other is not. A scheduler "
            "sets the rate of each group by itself: nothing needs to be written to `param_groups`."
        )
    if close[:, 0].all():
        return (
            "The learning rates are right, the momentum is not. Some schedules move it, too: leave "
            "both to the scheduler."
        )
    first = int(np.argmin(np.isclose(used, right, rtol=1e-6).all(axis=(1, 2))))
    return (
        f"The scheduler is stepped when it should be, but update {first + 1} has the learning rate "
        f"{used[first, 0, 0]:.4g} where the schedule has {right[first, 0, 0]:.4g}. Does your "
        "callback write a rate itself?"
    )


def _is_close(found: Any, expected: Any) -> bool:
    found, expected = np.array(found, dtype=float), np.array(expected, dtype=float)
    return found.shape == expected.shape and bool(np.allclose(found, expected, rtol=1e-5, atol=0))


# --- 3.2 A recorder of the gradient's norm --------------------------------------------------------

_APPEND = (
    "`append` changes the list and returns None: write `self.norms.append(...)`, without an "
    "assignment in front."
)
_NORM_ADVICE = (
    (r"'NoneType' object has no attribute 'append'", _APPEND),
    (
        r"'NoneType' object has no attribute|NoneType",
        "A gradient is None before the first `backward()`, and after `zero_grad()`. Which hooks "
        "come right after `backward()`?",
    ),
    (r"name 'norms' is not defined", "The list is kept in the callback: `self.norms`."),
    (r"has no attribute 'norms'", "Make the list in `__init__`: `self.norms = []`."),
    (
        r"cannot be converted to Scalar|only (one element|integer) tensors",
        "Several numbers are no single one: is a sum missing?",
    ),
    (r"'generator' object", "`parameters()` gives one after the other: go through them in a loop."),
    *_ADVICE,
)


def examine_norms(answer: Answer, rng: np.random.Generator) -> None:
    """Train two networks with a recorder each, the first of them in two fits."""
    case = Case.draw(rng)
    recorder, learn, moments = _record(answer, case)
    if not _is_close(_read(recorder), _series(_norm, moments)):
        raise Mistake(_recognise_norms(recorder, _read(recorder), moments))
    before = _series(_norm, moments)
    moments.clear()
    answer.run(lambda: learn.fit(1), where="in a second fit", advice=_NORM_ADVICE)
    again, later = _read(recorder), _series(_norm, moments)
    if not (_is_close(again, later) or _is_close(again, before + later)):
        raise Mistake(
            f"After a second fit of the same learner your list has {len(again)} numbers. Right is "
            f"{len(later)}, one for each update of this fit, or {len(before + later)}, with those "
            "of the fit before."
        )
    case = Case.draw(rng, validated=False)
    other, _, moments = _record(answer, case)
    found = _read(other)
    if not _is_close(found, _series(_norm, moments)):
        raise Mistake(_recognise_norms(other, found, moments))
    if any(isinstance(entry, Tensor) for entry in (*recorder.norms, *other.norms)):
        raise Mistake(
            "The numbers are right; your list holds them as tensors. Store plain numbers, with "
            "`.item()` or `float(...)`."
        )


_SHARED_LIST = (
    "The list of a new recorder holds numbers already. Do two recorders share one list, since it "
    "belongs to the class, is a global one, or is the default value of an argument? Make a new and "
    "empty one in `__init__`: `self.norms = []`."
)


def _record(answer: Answer, case: Case) -> tuple[Any, Learner, list[Moment]]:
    """Train with the reader's recorder, and see that it only looks on."""
    plain = case.learner()
    plain.fit(case.epochs)
    witness, applied = Witness(), []
    learn = case.learner(witness)

    def before_update(*_: Any) -> None:
        gradients = [p.grad for p in learn.model.parameters() if p.grad is not None]
        applied.append(_length(gradients))

    learn.opt.register_step_pre_hook(before_update)
    recorder: Any = made(answer, advice=_NORM_ADVICE)
    if isinstance(getattr(recorder, "norms", None), list) and recorder.norms:
        raise Mistake(_SHARED_LIST)
    learn.callbacks.insert(0, recorder)
    answer.run(lambda: learn.fit(case.epochs), where="in training", advice=_NORM_ADVICE)
    given = [_length(m.gradients) for m in witness.moments if m.hook == "after_backward"]
    if not np.any(applied):
        raise Mistake(_EMPTIED)
    if len(applied) == len(given) and not _is_close(applied, given):
        squared = [
            _length([g.square() for g in m.gradients])
            for m in witness.moments
            if m.hook == "after_backward"
        ]
        raise Mistake(_SQUARED if _is_close(applied, squared) else _CLIPPED)
    weights = zip(plain.model.parameters(), learn.model.parameters(), strict=True)
    if not all(torch.allclose(*pair) for pair in weights):
        raise Mistake(
            "With your recorder the network learns something else than without it. A recorder "
            "only looks on: does a hook make an update, cancel something or change a weight?"
        )
    if _meddles(witness.moments):
        raise Mistake(_MEDDLED)
    return recorder, learn, witness.moments


def _meddles(moments: list[Moment]) -> bool:
    """Whether gradients change between two backward passes."""
    latest: list[Tensor] = []
    for moment in moments:
        if moment.hook == "after_backward":
            latest = moment.gradients
        pairs = zip(moment.gradients, latest, strict=False)
        if len(moment.gradients) < len(latest) or not all(starmap(torch.equal, pairs)):
            return True
    return False


_EMPTIED = (
    "Your recorder empties the gradients before the optimiser uses them, and nothing is learnt. "
    "The learner calls `zero_grad()` itself."
)
_SQUARED = (
    "Your recorder squares the gradient itself, and the optimiser then uses the squares. A name "
    "that ends in an underscore, such as `square_`, changes a tensor in place: `square` makes a "
    "new one."
)
_MEDDLED = (
    "Your recorder changes the gradients after the update. The network learns the same, but "
    "whoever else looks at them finds something else there: `clip_grad_norm_`, `zero_grad` and "
    "methods whose name ends in an underscore, such as `square_`, change them in place."
)
_CLIPPED = (
    "With your recorder the gradient is no longer the same when the optimiser uses it. "
    "`clip_grad_norm_` returns the norm and, by the way, shortens the gradient: a recorder only "
    "looks on."
)


def _read(recorder: Any) -> list[float]:
    """The numbers in a recorder's list."""
    if not hasattr(recorder, "norms"):
        lists = [f"`{name}`" for name, value in vars(recorder).items() if isinstance(value, list)]
        has = f" It has {' and '.join(lists)}." if lists else ""
        raise Mistake(f"Your callback has no list called `norms`.{has}")
    norms = recorder.norms
    if norms is None:
        raise Mistake(f"`norms` is None after the fit. {_APPEND}")
    if callable(norms):
        raise Mistake("`norms` is a method; asked for is a list of numbers of that name.")
    if not isinstance(norms, list):
        raise Mistake(f"`norms` is {kind(norms)}; asked for is a list, with a number an update.")
    return [_number(entry) for entry in norms]


def _number(entry: Any) -> float:
    if isinstance(entry, Tensor) and entry.numel() == 1:
        entry = entry.item()
    if entry is None or entry is ...:
        raise Mistake(f"Your list holds {entry}: something was stored before it had a value.")
    if isinstance(entry, Tensor | np.ndarray):
        raise Mistake(
            f"Your list holds {kind(entry)} of shape {tuple(entry.shape)}; asked for is one plain "
            "number for each update, the length of the whole gradient."
        )
    if not isinstance(entry, Real) or isinstance(entry, bool):
        raise Mistake(f"Your list holds {kind(entry)}; asked for is a plain number an update.")
    return float(entry)


# --- What the list may hold instead

_Formula = Callable[[Moment], float]


def _length(tensors: list[Tensor]) -> float:
    return math.sqrt(sum(tensor.square().sum().item() for tensor in tensors))


def _norm(moment: Moment) -> float:
    return _length(moment.gradients)


def _of_norms(combine: Callable[[np.ndarray], Any]) -> _Formula:
    """Formula of the norms of the parameters' gradients."""
    return lambda moment: float(combine(np.array([_length([g]) for g in moment.gradients])))


def _of_entries(combine: Callable[[np.ndarray], Any]) -> _Formula:
    """Formula of all entries of the gradient."""
    return lambda moment: float(
        combine(np.concatenate([gradient.numpy().ravel() for gradient in moment.gradients]))
    )


def _of_some(chosen: Callable[[list[Tensor]], list[Tensor]]) -> _Formula:
    """Norm of a part of the parameters' gradients."""
    return lambda moment: _length(chosen(moment.gradients))


_PART = "it is the norm of a part of the gradient: of {}. Add up the squares of all parameters."
_MEAN_NOT_SUM = "a mean stands where the sum should. The length of a vector is a root of a sum."
_FORMULAS: list[tuple[str, _Formula]] = [
    ("", _norm),
    (
        "the norms of the parameters are added up. Lengths at right angles add as squares do: "
        "square each, add, and take the root of the sum.",
        _of_norms(np.sum),
    ),
    ("the square root is missing: it is the sum of the squares.", _of_entries(lambda g: g @ g)),
    (
        "the norms are added up without being squared, and the root taken of that.",
        _of_norms(lambda n: np.sqrt(n.sum())),
    ),
    (
        "it is the largest of the parameters' norms; asked for is that of all together.",
        _of_norms(np.max),
    ),
    (
        "it is the largest entry of the gradient; asked for is the length of the whole.",
        _of_entries(lambda g: np.abs(g).max()),
    ),
    (
        "it is the sum of the sizes of all entries, without squares and root.",
        _of_entries(lambda g: np.abs(g).sum()),
    ),
    (
        "the entries of each parameter are added up before they are squared: square each entry.",
        lambda moment: math.hypot(*[gradient.sum().item() for gradient in moment.gradients]),
    ),
    (
        "all entries are added up before they are squared: square each entry.",
        lambda moment: abs(sum(gradient.sum().item() for gradient in moment.gradients)),
    ),
    (
        f"{_MEAN_NOT_SUM} Yours is over the entries of each parameter, of their squares.",
        lambda moment: math.sqrt(sum(g.square().mean().item() for g in moment.gradients)),
    ),
    (
        "the entries are added up without being squared first: those of both signs cancel.",
        _of_entries(np.sum),
    ),
    (f"{_MEAN_NOT_SUM} Yours is over the parameters' norms.", _of_norms(np.mean)),
    (
        f"{_MEAN_NOT_SUM} Yours is over the parameters, of the squared norms.",
        _of_norms(lambda n: np.sqrt(np.mean(n**2))),
    ),
    (
        f"{_MEAN_NOT_SUM} Yours is over all entries, of their squares.",
        _of_entries(lambda g: np.sqrt(np.mean(g**2))),
    ),
    (
        f"{_MEAN_NOT_SUM} And the square root is missing.",
        _of_entries(lambda g: np.mean(g**2)),
    ),
    (
        "the norm is divided by the number of parameters.",
        _of_norms(lambda n: np.sqrt(np.sum(n**2)) / len(n)),
    ),
    (
        f"{_MEAN_NOT_SUM} Yours is of the sizes of the entries.",
        _of_entries(lambda g: np.abs(g).mean()),
    ),
    (_PART.format("the first parameter only"), _of_some(lambda g: g[:1])),
    (_PART.format("the last parameter only"), _of_some(lambda g: g[-1:])),
    (_PART.format("the weights without the biases"), _of_some(lambda g: g[::2])),
    (_PART.format("the biases"), _of_some(lambda g: g[1::2])),
    (
        _PART.format("the first parameter group, or the first layer, only"),
        _of_some(lambda g: g[:2]),
    ),
    (_PART.format("the last layer"), _of_some(lambda g: g[2:])),
    (
        "it is the length of the weights; the gradient of a parameter is its `.grad`.",
        lambda moment: _length(moment.weights),
    ),
    ("it is the loss of the batch.", lambda moment: moment.loss),
]
_BEFORE_BACKWARD = (
    "they are those of the update before: in `before_batch`, `after_predict` and `after_loss` "
    "`backward()` has not run yet for this batch."
)
_IN_VALIDATION = (
    "they go on in validation, where the gradient is still that of the last update. `after_batch` "
    "is called in both; `learn.training` tells them apart."
)
# Where a number may have been taken: hook, in training, in validation, and what is said of it.
_PLACES = (
    ("after_backward", True, False, ""),
    ("after_batch", True, True, _IN_VALIDATION),
    ("after_batch", False, True, "they are taken in validation, and not in training."),
    ("before_batch", True, False, _BEFORE_BACKWARD),
    ("before_batch", True, True, f"{_BEFORE_BACKWARD} And {_IN_VALIDATION}"),
    ("after_epoch", True, False, "there is one an epoch; asked for is one for each update."),
    (
        "after_epoch",
        True,
        True,
        "there is one for each pass over training and validation data; asked for is one for each "
        "update.",
    ),
    ("before_epoch", True, True, "there is one for each pass; asked for is one for each update."),
    ("after_fit", True, True, "there is one a fit; asked for is one for each update."),
    ("cleanup_fit", True, True, "there is one a fit; asked for is one for each update."),
)


def _taken(
    moments: list[Moment], hook: str, in_training: bool, in_validation: bool
) -> list[Moment]:
    wanted = {True: in_training, False: in_validation}
    return [moment for moment in moments if moment.hook == hook and wanted[moment.training]]


def _series(formula: _Formula, moments: list[Moment]) -> list[float]:
    """What a formula gives for each update."""
    return [formula(moment) for moment in _taken(moments, "after_backward", True, False)]


def _recognise_norms(recorder: Any, found: list[float], moments: list[Moment]) -> str:
    """Say in words what a wrong list of norms is."""
    right = _series(_norm, moments)
    if not found:
        why = nothing_done(recorder, "self.norms.append(...)")
        why = _EMPTIED_LIST if "before_epoch" in hooks_of(recorder) else why
        why = _EMPTIED_EACH_TIME if "before_batch" in hooks_of(recorder) else why
        return f"Your list is empty after {len(right)} updates. {why}"
    if not np.isfinite(found).all():
        return (
            f"Your list holds {found[int(np.argmin(np.isfinite(found)))]}. Is the root of a "
            "negative number taken, that is, of a sum without squares?"
        )
    if not any(found):
        return "Your list holds only zeros: are the gradients emptied before they are read?"
    for hook, in_training, in_validation, where in _PLACES:
        taken = _taken(moments, hook, in_training, in_validation)
        there = [moment for moment in taken if moment.gradients]
        starts = ([], [0.0] * (len(taken) - len(there)))  # of no gradient, nothing or 0 is made
        alike = [
            what
            for what, formula in _FORMULAS
            if any(_is_close(found, start + list(map(formula, there))) for start in starts)
        ]
        if alike:
            return _joined(" Or ".join(alike), where)
    return _wrong_list(found, right, moments) or _first_wrong_norm(found, right)


def _joined(what: str, where: str) -> str:
    """Two halves of a diagnosis, what the numbers are and where they were taken, as sentences."""
    words = [f"A number in your list is not the norm: {what}"] if what else []
    if where:
        words.append(f"{'And they' if what else 'The numbers'} are taken at other moments: {where}")
    return " ".join(words)


_EMPTIED_EACH_TIME = (
    "Does `before_batch` empty it? It is called before each batch, also of the validation data."
)
_EMPTIED_LIST = (
    "Does `before_epoch` empty it? It is called before the pass over the validation data, too."
)


def _wrong_list(found: list[float], right: list[float], moments: list[Moment]) -> str | None:
    updates = [moment.gradients for moment in _taken(moments, "after_backward", True, False)]
    apart = [_length([gradient]) for gradients in updates for gradient in gradients]
    squares = np.square(right)
    last = right[-len(found) :]
    if any(_is_close(found, values) for values in (apart, np.square(apart))):
        return (
            "Your list has one number for each parameter of each update. Add up the squares over "
            "the parameters, and store once, after the loop."
        )
    if len(found) < len(right) and _is_close(found, last):
        return (
            f"Your list has the last {len(found)} of {len(right)} numbers: it is emptied on the "
            "way. `before_fit` is called once a fit, `before_epoch` before each pass."
        )
    if len(found) == 2 * len(right) and _is_close(np.sort(found), np.sort([*right, *right])):
        return "Each number is in your list twice: do two hooks record?"
    grown = (np.sqrt(np.cumsum(squares)), np.cumsum(squares), np.cumsum(right))
    if any(_is_close(found, values) for values in grown):
        return (
            "Your sum goes on from batch to batch: only the first number is right. Start it at 0 "
            "inside the hook."
        )
    if _is_close(found, right[::-1]):
        return "The numbers are right and in reverse order: append to the end of the list."
    for digits in (1, 2, 3, 4):
        if _is_close(found, np.round(right, digits)):
            return f"Your numbers are rounded to {digits} digits: round when you print."
    return None


def _first_wrong_norm(found: list[float], right: list[float]) -> str:
    if len(found) != len(right):
        return (
            f"Your list has {len(found)} numbers after {len(right)} updates; asked for is one for "
            "each update."
        )
    ratios = np.divide(found, right)
    if np.allclose(ratios, ratios[0], rtol=1e-5):
        return (
            f"Each number is {ratios[0]:.4g} times as large as it should be: what multiplies the "
            "length, or divides it?"
        )
    first = int(np.argmin(np.isclose(found, right, rtol=1e-5)))
    return (
        f"At update {first + 1} of the training of this check the gradient has length "
        f"{right[first]:.5g}; yours is {found[first]:.5g}. Take two numbers by hand: of 3 and 4 "
        "the length is 5."
    )
