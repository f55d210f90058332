"""Chapter 3's exercises: each mistake as a student would write it, and the message it gets."""

import functools
import math

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch.nn.utils import clip_grad_norm_, parameters_to_vector

from adl import exercises
from adl.exercises import schedules
from adl.learner import (
    BatchSchedCB,
    Callback,
    CancelFitException,
    EpochSchedCB,
    suggest_lr,
)

SEEDS = range(4)


def say(exercise, answer, seed=0):
    result = exercises.check(exercise, answer, seed=seed)
    assert result.state != "not attempted"
    return "correct" if result.correct else result.message


def always(words, exercise, answer):
    said = [say(exercise, answer, seed) for seed in SEEDS]
    assert [words in message for message in said] == [True] * len(said), said
    return True


# --- 3.1: the scheduler callback ------------------------------------------------------------------


class Kept(Callback):
    """What all answers to 3.1 begin with."""

    def __init__(self, factory):
        self.factory = factory

    def before_fit(self, learn):
        self.scheduler = self.factory(learn.opt)


class AfterStep(Kept):
    def after_step(self, learn):
        self.scheduler.step()


class AfterTrainingBatch(Kept):
    def after_batch(self, learn):
        if learn.training:
            self.scheduler.step()


class ByTheModel(Kept):
    def after_batch(self, learn):
        if not learn.model.training:
            return
        self.scheduler.step()


class BeforeTheNext(Kept):
    """Unusual, and every update has the right rate."""

    def before_batch(self, learn):
        if learn.training and learn.step > 0:
            self.scheduler.step()


class MadeWhenNeeded(Callback):
    def __init__(self, factory):
        self.factory, self.scheduler = factory, None

    def before_batch(self, learn):
        if self.scheduler is None:
            self.scheduler = self.factory(learn.opt)

    def after_step(self, learn):
        self.scheduler.step()


class MadeInFirstEpoch(Callback):
    def __init__(self, make):
        self.make = make

    def before_epoch(self, learn):
        if learn.training and learn.epoch == 1:
            self.after = self.make(learn.opt).step

    def after_step(self, learn):
        self.after()


def wrapped(hook):
    @functools.wraps(hook)
    def around(self, learn):
        return hook(self, learn)

    return around


def around(hook):
    """A wrapper that does not say what it wraps."""
    return lambda self, learn: hook(self, learn)


class ByKeyword(AfterStep):
    def before_fit(self, learn):
        self.scheduler = self.factory(optimizer=learn.opt)


WRAPPERS = [torch.no_grad(), torch.inference_mode(), wrapped, around]


def decorated(base, hook, wrapper):
    return type(base.__name__, (base,), {hook: wrapper(getattr(base, hook))})


@pytest.mark.parametrize(
    "answer",
    [
        *(decorated(AfterStep, "after_step", wrapper) for wrapper in WRAPPERS),
        ByKeyword,
        AfterStep,
        AfterTrainingBatch,
        ByTheModel,
        BeforeTheNext,
        MadeWhenNeeded,
        MadeInFirstEpoch,
        BatchSchedCB,
        lambda factory: AfterStep(factory),
    ],
)
def test_right_scheduler_callbacks_pass_in_every_style(answer):
    assert always("correct", "3.1", answer)


def stepping(*hooks, unless=lambda learn: False):
    """A callback that steps its scheduler in these hooks."""

    def step(self, learn):
        if not unless(learn):
            self.scheduler.step()

    return type("StepEachBatch", (Kept,), dict.fromkeys(hooks, step))


class InAnyCase(Kept):
    def after_batch(self, learn):
        self.scheduler.step()


class TurnedRound(Kept):
    def after_batch(self, learn):
        if not learn.training:
            self.scheduler.step()


class TwiceInOneHook(Kept):
    def after_step(self, learn):
        self.scheduler.step()
        self.scheduler.step()


class NeverStepped(Kept):
    def after_step(self, learn):
        self.scheduler.get_last_lr()


class StepNotCalled(Kept):
    def after_step(self, learn):
        self.scheduler.step  # noqa: B018


class WithoutHook(Kept):
    pass


class OtherLibrary(Kept):
    def on_batch_end(self, learn):
        self.scheduler.step()


class NeverMade(Callback):
    def __init__(self, factory):
        self.factory = factory

    def after_step(self, learn):
        learn.opt.param_groups[0]["lr"] *= 0.9


class MadeInInit(Callback):
    def __init__(self, factory):
        self.scheduler = factory(None)

    def after_step(self, learn):
        self.scheduler.step()


class MadeInInitOfLearn(Callback):
    def __init__(self, factory):
        self.scheduler = factory(learn.opt)  # noqa: F821

    def after_step(self, learn):
        self.scheduler.step()


class MadeInEachBatch(Kept):
    def after_step(self, learn):
        self.factory(learn.opt).step()


class MadeOnlyInEachBatch(Callback):
    def __init__(self, factory):
        self.factory = factory

    def before_batch(self, learn):
        self.scheduler = self.factory(learn.opt)

    def after_step(self, learn):
        self.scheduler.step()


class MadeInEachEpoch(MadeOnlyInEachBatch):
    before_epoch = MadeOnlyInEachBatch.before_batch
    before_batch = Callback.before_batch


class MadeTooLate(MadeWhenNeeded):
    before_batch = Callback.before_batch

    def after_step(self, learn):
        MadeWhenNeeded.before_batch(self, learn)
        self.scheduler.step()


def giving(what):
    """A callback that calls its factory with something."""

    def before_fit(self, learn):
        self.scheduler = self.factory(*what(learn))

    return type("StepEachBatch", (AfterStep,), {"before_fit": before_fit})


class FactoryTaken(Kept):
    def before_fit(self, learn):
        self.scheduler = self.factory

    def after_step(self, learn):
        self.scheduler.step()


class KeptNowhere(Callback):
    def __init__(self, factory):
        self.factory = factory

    def before_fit(self, learn):
        scheduler = self.factory(learn.opt)  # noqa: F841

    def after_step(self, learn):
        self.scheduler.step()


class LocalName(KeptNowhere):
    def after_step(self, learn):
        scheduler.step()  # noqa: F821


class FactoryForgotten(Callback):
    def __init__(self, factory):
        pass

    def before_fit(self, learn):
        self.scheduler = self.factory(learn.opt)


class FactoryOfInit(AfterStep):
    def before_fit(self, learn):
        self.scheduler = factory(learn.opt)  # noqa: F821


class WithoutLearn(Kept):
    def after_step(self):
        self.scheduler.step()


class HalfWritten(Callback):
    def __init__(self, factory):
        self.factory = factory

    def before_fit(self, learn):
        self.scheduler = ...

    def after_step(self, learn):
        self.scheduler.step()


class StepOfTheOptimizer(Kept):
    def after_step(self, learn):
        learn.opt.step()
        self.scheduler.step()


class Cancels(Kept):
    def after_step(self, learn):
        self.scheduler.step()
        raise CancelFitException


class ToldWhere(Kept):
    def after_step(self, learn):
        self.scheduler.step(learn.batch_number)


class FirstGroupForAll(AfterStep):
    def after_step(self, learn):
        self.scheduler.step()
        for group in learn.opt.param_groups:
            group["lr"] = self.scheduler.get_last_lr()[0]


class OwnMomentum(AfterStep):
    def after_step(self, learn):
        self.scheduler.step()
        for group in learn.opt.param_groups:
            group["momentum"] = 0.8


class OwnRate(AfterStep):
    def after_step(self, learn):
        self.scheduler.step()
        for group in learn.opt.param_groups:
            group["lr"] *= 0.99


class InTheClass(Callback):
    scheduler = None

    def __init__(self, factory):
        self.factory = factory

    def before_fit(self, learn):
        if InTheClass.scheduler is None:
            InTheClass.scheduler = self.factory(learn.opt)

    def after_step(self, learn):
        self.scheduler.step()


class NoCallback:
    def __init__(self, factory):
        self.factory = factory

    def before_fit(self, learn):
        self.scheduler = self.factory(learn.opt)

    def after_step(self, learn):
        self.scheduler.step()


class WithoutFactory(Callback):
    def before_fit(self, learn):
        self.scheduler = torch.optim.lr_scheduler.ExponentialLR(learn.opt, gamma=0.9)

    def after_step(self, learn):
        self.scheduler.step()


class FactoryUnused(WithoutFactory):
    def __init__(self, factory):
        pass


class OwnScheduler(AfterStep):
    def before_fit(self, learn):
        self.scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(learn.opt, 100)


class FilledIn(AfterStep):
    def before_fit(self, learn):
        self.scheduler = self.factory(learn.opt, T_max=100)


class PartialTaken(AfterStep):
    def before_fit(self, learn):
        self.scheduler = functools.partial(self.factory, learn.opt)


class NeverTrue(Kept):
    def after_batch(self, learn):
        if learn.training is None:
            self.scheduler.step()


class ToldTheLoss(Kept):
    def after_step(self, learn):
        self.scheduler.step(learn.loss_value)


class ToldNothing(Kept):
    def after_step(self, learn):
        self.scheduler.step(epoch=None)


class LoopBeforeFit(Kept):
    def before_fit(self, learn):
        Kept.before_fit(self, learn)
        for _ in range(7):
            self.scheduler.step()

    def after_fit(self, learn):
        pass


class LoopAfterEpoch(Kept):
    def after_epoch(self, learn):
        if learn.training:
            for _ in range(3):
                self.scheduler.step()


class WritesOpt(AfterStep):
    def before_fit(self, learn):
        self.scheduler = self.factory(opt)  # noqa: F821


class Backward(Kept):
    def after_step(self, learn):
        learn.loss_value.backward()
        self.scheduler.step()


class OneUnderscore(AfterStep):
    def _init_(self, factory):
        self.factory = factory


def a_new_optimizer(learn):
    return [torch.optim.SGD(learn.model.parameters(), lr=0.1)]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (InAnyCase, "stepped in validation, too: the rate is right in the first epoch"),
        (stepping("after_batch"), "stepped in validation, too"),
        (TurnedRound, "is the condition on `learn.training` turned round?"),
        (stepping("after_epoch"), "in `after_epoch`, once an epoch (and at the end of validation"),
        (stepping("before_epoch", unless=lambda learn: not learn.training), "once an epoch. Asked"),
        (EpochSchedCB, "in `after_epoch`, once an epoch. Asked for is one step after each"),
        (stepping("after_fit"), "in `after_fit`, once in the whole fit"),
        (stepping("after_backward"), "in `after_backward`, before the optimiser's step"),
        (stepping("before_batch"), "has the second rate. Which hooks come after the update? And"),
        (
            stepping("after_loss", unless=lambda learn: not learn.training),
            "in `after_loss`, before the optimiser's step: the first update already has the second",
        ),
        (stepping("after_step", "after_epoch"), "updates, in `after_step` and `after_epoch`."),
        (stepping("after_step", "after_batch"), "updates, in `after_step` and `after_batch`."),
        (stepping("after_backward", "after_step"), "twice after each batch, in `after_backward` a"),
        (TwiceInOneHook, "The scheduler is stepped twice after each batch"),
        (stepping("after_step", unless=lambda learn: learn.step % 2), "Asked for is one step"),
        (NeverStepped, "The scheduler is made, and never stepped"),
        (StepNotCalled, "The scheduler is made, and never stepped"),
        (WithoutHook, "never stepped: the rate stays. Which hook comes right after an update?"),
        (OtherLibrary, "and `on_batch_end` is none: is the name of a hook meant?"),
        (NeverMade, "The factory is never called, so that there is no scheduler."),
        (FactoryUnused, "makes a scheduler of its own, an ExponentialLR, and never calls the"),
        (MadeInInit, "The factory is called in `__init__`, when there is no optimiser yet"),
        (MadeInInitOfLearn, "When a callback is made there is none yet."),
        (MadeInEachBatch, "times in one fit. A new one begins anew"),
        (MadeOnlyInEachBatch, "times in one fit. A new one begins anew"),
        (MadeInEachEpoch, "times in one fit. A new one begins anew"),
        (MadeTooLate, "The scheduler is made after the first update"),
        (giving(lambda learn: [learn]), "called with the learner itself. It wants the optimiser"),
        (giving(lambda learn: []), "called with nothing. It wants the optimiser, `learn.opt`."),
        (giving(lambda learn: [learn.opt, 0.1]), "The factory is called with 2 arguments."),
        (giving(lambda learn: [learn.optimizer]), "the function that made the learner's optimiser"),
        (giving(lambda learn: [learn.model]), "The factory is called with a Sequential."),
        (giving(a_new_optimizer), "with an optimiser that is not the learner's"),
        (FactoryTaken, "That is the factory, not yet a scheduler"),
        (KeptNowhere, "is kept in the callback: `self.scheduler = ...`."),
        (LocalName, "is kept in the callback: `self.scheduler = ...`."),
        (FactoryForgotten, "keep it there, with `self.factory = factory`."),
        (FactoryOfInit, "keep it there, with `self.factory = factory`."),
        (WithoutLearn, "A learner hands itself to each hook"),
        (HalfWritten, "A `...` still stands where something should be written."),
        (StepOfTheOptimizer, "Your callback makes updates of its own"),
        (Cancels, "the training ended after 1 of "),
        (ToldWhere, "`step()` is called with an argument, an int. A schedule counts its steps"),
        (FirstGroupForAll, "of the first parameter group is right, that of the other is not"),
        (OwnMomentum, "The learning rates are right, the momentum is not."),
        (OwnRate, "Does your callback write a rate itself?"),
        (NoCallback, "which is not a callback. A class says in brackets what it is a kind of"),
        (OwnScheduler, "a scheduler of its own, a CosineAnnealingLR, and never calls the factory"),
        (FilledIn, "`T_max` is filled in already: give the factory the optimiser only"),
        (PartialTaken, "That is the factory, not yet a scheduler"),
        (NeverTrue, "`after_batch` is there: is `self.scheduler.step()` missing, or its brackets?"),
        (StepNotCalled, "`after_step` is there: is `self.scheduler.step()` missing, or its"),
        (ToldTheLoss, "`step()` is called with the loss. Only `ReduceLROnPlateau` asks for"),
        (ToldNothing, "`step()` is called with an argument, a NoneType."),
        (LoopBeforeFit, "in `before_fit`, 7 times in the whole fit."),
        (LoopAfterEpoch, "in `after_epoch`, 3 times an epoch. Asked for"),
        (stepping("before_epoch"), "once an epoch (and at the beginning of validation, too)."),
        (stepping("cleanup_fit"), "in `cleanup_fit`, once in the whole fit"),
        (WritesOpt, "In a hook the optimiser is `learn.opt`."),
        (Backward, "The learner calls `backward()` itself, once for each training batch"),
        (OneUnderscore, "`_init_` is not called when a callback is made: `__init__` is"),
        (WithoutFactory, "It is called by position, as `StepEachBatch(factory)`."),
        (lambda factory: None, "Your function returns nothing."),
        (lambda factory: factory, "not a callback"),
        (AfterStep(None), "The check wants the class itself"),
        (Callback, "takes other arguments"),
    ],
)
def test_wrong_scheduler_callbacks_are_named(answer, words):
    assert always(words, "3.1", answer)


def test_a_scheduler_kept_in_the_class_is_told_so():
    assert always("A second callback of your class steps the scheduler", "3.1", InTheClass)


def test_the_first_words_on_validation_leave_the_rest_to_the_hints():
    assert say("3.1", InAnyCase).endswith("`after_batch` is called in both.")


def test_a_misspelt_hook_is_refused_by_the_course_itself():
    with pytest.raises(TypeError, match=r"after_bacth: no such hook; there are before_fit, .*"):
        stepping("after_bacth")


def test_the_line_that_stopped_is_quoted():
    assert "in the line `self.scheduler.step()" in say("3.1", KeptNowhere)


# --- 3.2: the norm of the gradient ----------------------------------------------------------------


class Listed(Callback):
    def __init__(self):
        self.norms = []


def recording(number, hook="after_backward", when=lambda learn: True, base=Listed):
    """A recorder that appends a number in a hook."""

    def record(self, learn):
        if when(learn):
            self.norms.append(number(learn))

    return type("GradientNorm", (base,), {hook: record})


def gradients(learn):
    return [p.grad for p in learn.model.parameters() if p.grad is not None]


def training(learn):
    return learn.training


def plain(learn):
    return math.sqrt(sum(g.square().sum().item() for g in gradients(learn)))


def norms_of(learn):
    return torch.stack([g.norm() for g in gradients(learn)])


def sums_of(learn):
    return torch.stack([g.sum() for g in gradients(learn)])


def flat(learn):
    return parameters_to_vector(gradients(learn))


class InALoop(Callback):
    def __init__(self):
        self.norms = []

    def after_step(self, learn):
        total = 0.0
        for parameter in learn.model.parameters():
            total += parameter.grad.norm().item() ** 2
        self.norms.append(total**0.5)


class NewInEachFit(Callback):
    def before_fit(self, learn):
        self.norms = []

    def after_batch(self, learn):
        if learn.training:
            self.norms.append(float(torch.cat([g.flatten() for g in gradients(learn)]).norm()))


class WithHelper(Listed):
    def length(self, learn):
        return float(np.linalg.norm(norms_of(learn).numpy()))

    def after_backward(self, learn):
        self.norms.append(self.length(learn))


@pytest.mark.parametrize(
    "answer",
    [
        *(decorated(InALoop, "after_step", wrapper) for wrapper in WRAPPERS),
        InALoop,
        NewInEachFit,
        WithHelper,
        recording(plain),
        recording(plain, "after_step"),
        recording(plain, "after_batch", training),
        recording(lambda learn: norms_of(learn).norm().item()),
        recording(lambda learn: np.linalg.norm(flat(learn).numpy())),
        recording(lambda learn: flat(learn).float().norm().item()),
        recording(lambda learn: clip_grad_norm_(learn.model.parameters(), math.inf).item()),
    ],
)
def test_right_recorders_pass_in_every_style(answer):
    assert always("correct", "3.2", answer)


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (lambda learn: norms_of(learn).sum().item(), "the norms of the parameters are added up."),
        (lambda learn: plain(learn) ** 2, "the square root is missing: it is the sum of the sq"),
        (lambda learn: norms_of(learn).sum().sqrt().item(), "are added up without being squared"),
        (lambda learn: norms_of(learn).max().item(), "it is the largest of the parameters' norms"),
        (lambda learn: flat(learn).abs().max().item(), "it is the largest entry of the gradient"),
        (lambda learn: flat(learn).abs().sum().item(), "it is the sum of the sizes of all entries"),
        (lambda learn: flat(learn).sum().item(), "those of both signs cancel"),
        (lambda learn: norms_of(learn).mean().item(), "Yours is over the parameters' norms."),
        (
            lambda learn: norms_of(learn).square().mean().sqrt().item(),
            "Yours is over the parameters, of the squared norms.",
        ),
        (lambda learn: flat(learn).square().mean().sqrt().item(), "Yours is over all entries, of"),
        (
            lambda learn: sums_of(learn).norm().item(),
            "the entries of each parameter are added up before they are squared",
        ),
        (
            lambda learn: abs(sums_of(learn).sum().item()),
            "all entries are added up before they are squared",
        ),
        (
            lambda learn: math.sqrt(sum(g.square().mean().item() for g in gradients(learn))),
            "Yours is over the entries of each parameter, of their squares.",
        ),
        (
            lambda learn: sum(p.grad.norm() for p in learn.model.parameters),
            "Brackets are missing: `learn.model.parameters()`.",
        ),
        (lambda learn: flat(learn).square().mean().item(), "And the square root is missing."),
        (lambda learn: flat(learn).abs().mean().item(), "Yours is of the sizes of the entries."),
        (lambda learn: plain(learn) / 4, "the norm is divided by the number of parameters."),
        (lambda learn: gradients(learn)[0].norm().item(), "of the first parameter only"),
        (lambda learn: gradients(learn)[-1].norm().item(), "of the last parameter only"),
        (
            lambda learn: math.hypot(*[g.norm().item() for g in gradients(learn) if g.ndim > 1]),
            "of the weights without the biases",
        ),
        (
            lambda learn: math.hypot(*[g.norm().item() for g in gradients(learn) if g.ndim == 1]),
            "of the biases",
        ),
        (
            lambda learn: math.hypot(
                *[p.grad.norm().item() for p in learn.opt.param_groups[0]["params"]]
            ),
            "of the first parameter group, or the first layer, only",
        ),
        (
            lambda learn: math.hypot(*[p.grad.norm().item() for p in learn.model[2].parameters()]),
            "of the last layer",
        ),
        (
            lambda learn: parameters_to_vector(learn.model.parameters()).norm().item(),
            "it is the length of the weights; the gradient of a parameter is its `.grad`.",
        ),
        (lambda learn: learn.loss_value.item(), "it is the loss of the batch."),
        (lambda learn: 3 * plain(learn), "Each number is 3 times as large as it should be"),
        (lambda learn: plain(learn) * learn.lr, "Each number is 0.0"),
        (lambda learn: plain(learn) + 1, "Take two numbers by hand: of 3 and 4 the length is 5."),
        (lambda learn: round(plain(learn), 2), "Your numbers are rounded to 2 digits"),
        (lambda learn: math.nan, "Your list holds nan"),
        (lambda learn: 0.0, "Your list holds only zeros"),
        (lambda learn: None, "Your list holds None: something was stored before it had a value."),
        (lambda learn: gradients(learn)[0], "Your list holds a Tensor of shape ("),
        (lambda learn: flat(learn).numpy(), "Your list holds a ndarray of shape ("),
        (lambda learn: f"{plain(learn)}", "Your list holds a str; asked for is a plain number"),
        (lambda learn: [plain(learn)], "Your list holds a list; asked for is a plain number"),
        (lambda learn: norms_of(learn).tolist(), "Your list holds a list"),
        (lambda learn: norms_of(learn).norm(), "your list holds them as tensors. Store plain"),
        (lambda learn: float(norms_of(learn)), "Several numbers are no single one"),
        (lambda learn: learn.parameters(), "They are `learn.model.parameters()`."),
        (
            lambda learn: sum(p.grad.square().sum() for p in learn.model.parameters()),
            "the square root is missing",
        ),
        (
            lambda learn: clip_grad_norm_(learn.model.parameters(), 1e-3).item(),
            "`clip_grad_norm_` returns the norm and, by the way, shortens the gradient",
        ),
    ],
)
def test_wrong_numbers_of_a_recorder_are_named(number, words):
    assert always(words, "3.2", recording(number))


@pytest.mark.parametrize(
    ("hook", "when", "words"),
    [
        ("after_batch", lambda learn: True, "they go on in validation"),
        ("after_batch", lambda learn: not learn.training, "taken in validation, and not in train"),
        (
            "before_batch",
            training,
            "The numbers are taken at other moments: they are those of the up",
        ),
        ("after_loss", training, "they are those of the update before"),
        ("before_batch", lambda learn: True, "of the update before: in `before_batch`"),
        ("after_epoch", training, "there is one an epoch; asked for is one for each update."),
        ("after_epoch", lambda learn: True, "there is one for each pass over training and valid"),
        ("before_epoch", lambda learn: True, "there is one for each pass"),
        ("after_fit", lambda learn: True, "there is one a fit; asked for is one for each update."),
    ],
)
def test_numbers_taken_at_the_wrong_moment_are_named(hook, when, words):
    assert always(words, "3.2", recording(plain, hook, when))
    only_there = recording(plain, hook, lambda learn: when(learn) and bool(gradients(learn)))
    assert always(words, "3.2", only_there)


def test_two_mistakes_are_both_named():
    answer = recording(lambda learn: norms_of(learn).sum().item(), "after_batch")
    assert always("the norms of the parameters are added up.", "3.2", answer)
    assert always("And they are taken at other moments: they go on in validation", "3.2", answer)


class OneList(Callback):
    norms = []  # noqa: RUF012

    def after_step(self, learn):
        self.norms.append(plain(learn))


class DefaultList(Callback):
    def __init__(self, norms=[]):  # noqa: B006
        self.norms = norms

    def after_step(self, learn):
        self.norms.append(plain(learn))


@pytest.mark.parametrize("base", [OneList, DefaultList])
def test_a_list_that_two_recorders_share_is_told_so(base):
    def fresh():
        return type("GradientNorm", (base,), {"norms": []})

    if base is DefaultList:
        base.__init__.__defaults__[0].clear()
        assert "Do two recorders share one list" in say("3.2", base)
    else:
        assert all("Do two recorders share one list" in say("3.2", fresh(), s) for s in SEEDS)


def test_a_list_that_is_not_empty_at_first_is_told_so():
    kept = type("GradientNorm", (OneList,), {"norms": [1.0]})
    assert always("holds numbers already.", "3.2", kept)


class EmptiedEachTime(Listed):
    def before_batch(self, learn):
        self.norms = []

    def after_step(self, learn):
        self.norms.append(plain(learn))


class ListWithoutSelf(Listed):
    def after_step(self, learn):
        norms.append(plain(learn))  # noqa: F821


class LearnerOfSelf(Listed):
    def after_step(self, learn):
        self.norms.append(plain(self.learn))


class Emptied(Listed):
    def before_epoch(self, learn):
        self.norms = []

    def after_step(self, learn):
        self.norms.append(plain(learn))


class EmptiedInTraining(Emptied):
    def before_epoch(self, learn):
        if learn.training:
            self.norms = []


class PerParameter(Listed):
    def after_step(self, learn):
        for gradient in gradients(learn):
            self.norms.append(gradient.norm().item())


class Twice(Listed):
    def after_backward(self, learn):
        self.norms.append(plain(learn))

    after_step = after_backward


class GoesOn(Listed):
    total = 0.0

    def after_step(self, learn):
        for gradient in gradients(learn):
            self.total += gradient.square().sum().item()
        self.norms.append(math.sqrt(self.total))


class InFront(Listed):
    def after_step(self, learn):
        self.norms.insert(0, plain(learn))


class OtherName(Callback):
    def __init__(self):
        self.history = []

    def after_step(self, learn):
        self.history.append(plain(learn))


class OneNumber(Callback):
    norms = 0.0

    def after_step(self, learn):
        self.norms = plain(learn)


class Method(Callback):
    def __init__(self):
        self.kept = []

    def after_step(self, learn):
        self.kept.append(plain(learn))

    def norms(self):
        return self.kept


class ListForgotten(Callback):
    def after_step(self, learn):
        self.norms.append(plain(learn))


class EmptiesGradients(Listed):
    def after_backward(self, learn):
        self.norms.append(plain(learn))
        learn.opt.zero_grad()


class ReadsEmptied(Listed):
    def after_step(self, learn):
        learn.opt.zero_grad()
        self.norms.append(sum(p.grad.square().sum() for p in learn.model.parameters()))


class ReadsTooEarly(Listed):
    def before_batch(self, learn):
        self.norms.append(sum(p.grad.pow(2).sum() for p in learn.model.parameters()))


class Learns(Listed):
    def after_step(self, learn):
        self.norms.append(plain(learn))
        learn.opt.step()


class Keras(Listed):
    def on_batch_end(self, learn):
        self.norms.append(plain(learn))


class SecondFitForgets(Listed):
    def after_step(self, learn):
        self.norms.append(plain(learn))

    def before_fit(self, learn):
        del self.norms[1:]


class Assigned(Listed):
    def after_step(self, learn):
        self.norms = self.norms.append(plain(learn))


class AssignedOnce(Listed):
    def after_fit(self, learn):
        self.norms = self.norms.append(plain(learn))


class NotAppended(Listed):
    def after_step(self, learn):
        self.norms.append  # noqa: B018


class HelperWithoutSelf(Listed):
    def length(gradients):
        return 0.0

    def after_step(self, learn):
        self.norms.append(self.length(gradients(learn)))


def in_place(learn):
    return math.sqrt(sum(g.square_().sum().item() for g in gradients(learn)))


def shorten(learn):
    return clip_grad_norm_(learn.model.parameters(), 1e-3).item()


class EmptiesAfterwards(Listed):
    def after_step(self, learn):
        self.norms.append(plain(learn))
        learn.opt.zero_grad()


class FirstOnly(Listed):
    def after_step(self, learn):
        if learn.batch_number > 1:
            self.norms.append(plain(learn))


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (EmptiedEachTime, "Does `before_batch` empty it? It is called before each batch, also"),
        (ListWithoutSelf, "The list is kept in the callback: `self.norms`."),
        (LearnerOfSelf, "The learner is what a hook is called with"),
        (Emptied, "Does `before_epoch` empty it? It is called before the pass over the validation"),
        (EmptiedInTraining, "it is emptied on the way"),
        (PerParameter, "one number for each parameter of each update"),
        (Twice, "Each number is in your list twice"),
        (GoesOn, "Your sum goes on from batch to batch"),
        (InFront, "in reverse order"),
        (OtherName, "Your callback has no list called `norms`. It has `history`."),
        (OneNumber, "`norms` is a float; asked for is a list"),
        (Method, "`norms` is a method"),
        (ListForgotten, "Make the list in `__init__`: `self.norms = []`."),
        (EmptiesGradients, "Your recorder empties the gradients before the optimiser uses them"),
        (ReadsEmptied, "A gradient is None before the first `backward()`, and after `zero_grad()`"),
        (ReadsTooEarly, "A gradient is None before the first `backward()`"),
        (Learns, "With your recorder the network learns something else than without it."),
        (Keras, "A learner calls hooks only, and `on_batch_end` is none"),
        (SecondFitForgets, "After a second fit of the same learner your list has"),
        (FirstOnly, "asked for is one for each update."),
        (Assigned, "`append` changes the list and returns None"),
        (AssignedOnce, "`append` changes the list and returns None"),
        (NotAppended, "`after_step` is there: is `self.norms.append(...)` missing, or its"),
        (HelperWithoutSelf, "The first argument of every method is the callback itself: is `self`"),
        (recording(in_place, "after_backward"), "squares the gradient itself"),
        (recording(in_place, "after_step"), "changes the gradients after the update."),
        (recording(shorten, "after_step"), "changes the gradients after the update."),
        (recording(shorten, "after_batch", training), "changes the gradients after the update."),
        (EmptiesAfterwards, "changes the gradients after the update."),
        (recording(plain, "cleanup_fit"), "there is one a fit; asked for is one for each update."),
        (lambda: [], "Your function returns a list, which is not a callback."),
        (lambda: None, "Your function returns nothing."),
        (Kept, "It is called by position, as `GradientNorm()`."),
        (InALoop(), "The check wants the class itself"),
    ],
)
def test_wrong_recorders_are_named(answer, words):
    assert always(words, "3.2", answer)


# --- 3.3: a rate from the finder ------------------------------------------------------------------


def finite(found):
    return found[np.isfinite(found["loss"])]


def lowest(found, *, smooth=True):
    table = finite(found)
    losses = table["loss"].ewm(alpha=0.2).mean() if smooth else table["loss"]
    return table["step_size"][losses.idxmin()]


def steepest(found):
    table = finite(found)
    smooth = table["loss"].ewm(alpha=0.2).mean().to_numpy()
    end = smooth.argmin() + 1
    rates = table["step_size"].to_numpy()
    return rates[np.argmin(np.gradient(smooth[:end], np.log(rates[:end])))]


def by_hand(found):
    best, smooth, rate = math.inf, None, None
    for step_size, loss in zip(found["step_size"].tolist(), found["loss"].tolist(), strict=True):
        if not math.isfinite(loss):
            break
        smooth = loss if smooth is None else 0.8 * smooth + 0.2 * loss
        if smooth < best:
            best, rate = smooth, step_size
    return rate / 10


def middle(found):
    """Rolling means, and the geometric middle of the range that is right."""
    table = finite(found)
    row = table["loss"].rolling(5, center=True).mean().idxmin()
    return torch.tensor(table["step_size"][row] / 20)


@pytest.mark.parametrize(
    "answer",
    [
        by_hand,
        middle,
        steepest,
        suggest_lr,
        lambda found: found["step_size"][found["loss"].ewm(alpha=0.2).mean().idxmin()] / 10,
        lambda found: lowest(found) / 6,
        lambda found: lowest(found) / 100,
        lambda found: found["step_size"][found["loss"].ewm(alpha=0.1).mean().idxmin()] / 10,
        lambda found: found["step_size"][found["loss"].ewm(span=20).mean().idxmin()] / 10,
        lambda found: found["step_size"][found["loss"].rolling(10).mean().idxmin()] / 10,
        lambda found: float(lowest(found, smooth=False)) / 10,
        lambda found: found["step_size"].to_numpy()[np.nanargmin(found["loss"])] / 10,
    ],
)
def test_rates_read_off_in_every_style_are_right(answer):
    assert all(say("3.3", answer, seed) == "correct" for seed in SEEDS[:3])


@pytest.mark.parametrize(("share", "learnt"), [(1 / 5, 0.8), (1 / 10, 0.9), (1 / 100, 0.75)])
def test_digits_networks_learn_with_the_rates_that_are_right(share, learnt):
    for seed in SEEDS:
        network = schedules._Digits(np.random.default_rng(seed))
        assert network.accuracy(share * network.found.lowest) > learnt


def test_digits_networks_learn_less_at_the_rate_of_the_lowest_loss():
    networks = [schedules._Digits(np.random.default_rng(seed)) for seed in SEEDS]
    learnt = [network.accuracy(network.found.lowest) for network in networks]
    assert np.median(learnt) < 0.7


@pytest.mark.parametrize(
    "blind",
    [
        lambda rates: rates.median(),
        lambda rates: rates[len(rates) // 2],
        lambda rates: rates[len(rates) // 3],
        lambda rates: rates.mean(),
        lambda rates: rates.max() / 10,
        lambda rates: rates.max() / 100,
        lambda rates: rates.max() / 1000,
        lambda rates: rates.iloc[-13],
        lambda rates: math.sqrt(rates.iloc[0] * rates.iloc[-1]),
    ],
)
def test_rates_read_off_without_a_look_at_the_losses_are_named(blind):
    words = "and the same when the losses are others."
    assert always(words, "3.3", lambda found: blind(found["step_size"]))


def argmin(found):
    return int(np.nanargmin(found["loss"]))


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda found: lowest(found), "That is where the loss is lowest, and too near the edge"),
        (lambda found: lowest(found, smooth=False), "That is where the loss is lowest, and too"),
        (lambda found: found["step_size"][found["loss"].idxmin()], "is where the loss is lowest"),
        (argmin, "That is the number of a row; the rate stands there in"),
        (lambda found: len(found), "That is the number of a row"),
        (lambda found: finite(found)["loss"].min(), "That is a loss; asked for is the rate"),
        (
            lambda found: finite(found)["loss"].ewm(alpha=0.2).mean().min(),
            "That is a loss; asked for is the rate",
        ),
        (lambda found: found["loss"].iloc[0], "That is a loss"),
        (lambda found: found["step_size"].iloc[-1], "That is the last rate of the table"),
        (lambda found: found["step_size"].max(), "That is the last rate of the table"),
        (lambda found: finite(found)["step_size"].max(), "That is the last rate of the table"),
        (lambda found: found["step_size"][0], "That is the first rate of the table"),
        (lambda found: 10 * lowest(found), "by a whole factor. Should it be divided by it?"),
        (lambda found: lowest(found) / 3, "A stronger smoothing lags behind, and is lowest later."),
        (lambda found: lowest(found) // 1e3, "Is it rounded away, by `round` or by `//`?"),
        (lambda found: finite(found)["loss"].min() / 10, "That is the lowest loss, divided"),
        (lambda found: argmin(found) / 10, "That is the number of a row, divided"),
        (
            lambda found: found["step_size"][found["loss"].ewm(alpha=0.2).idxmin()],
            "That says only over which rows to smooth",
        ),
        (lambda found: lowest(found) / 2, "too near. Keep away from it by a factor of six"),
        (lambda found: 1.7 * lowest(found), "There the loss has turned up already: smoothed"),
        (lambda found: lowest(found) / 300, "300 times as high: training would work, and take far"),
        (lambda found: math.log10(lowest(found) / 10), "a rate is above 0."),
        (lambda found: -lowest(found), "a rate is above 0."),
        (lambda found: 0.0, "Is it rounded away, by `round` or by `//`?"),
        (lambda found: 0.001, "Your function returns 0.001 whatever the table."),
        (lambda found: math.nan, "a rate is a finite number above 0."),
        (
            lambda found: np.median(found["step_size"]) * 0 + found["loss"].max() * math.inf,
            "a rate is a finite number above 0.",
        ),
        (lambda found: found["step_size"], "returns a Series of "),
        (lambda found: found, "returns a DataFrame of "),
        (lambda found: found.loc[found["loss"].idxmin()], "returns a Series of 2 numbers"),
        (
            lambda found: found["step_size"][found["loss"] == found["loss"].min()],
            "returns a Series of one number; asked for is one plain number.",
        ),
        (lambda found: found["step_size"].to_numpy()[:1], "returns a ndarray of one number"),
        (lambda found: found["step_size"].tolist(), "Your function returns a list; asked for is a"),
        (lambda found: str(lowest(found) / 10), "Your function returns a str; asked for is a rate"),
        (lambda found: (lowest(found) / 10, 1.0), "Your function returns a tuple"),
        (lambda found: None, "Your function returns nothing."),
        (lambda found: print(lowest(found)), "prints its result but returns nothing"),
        (lambda found: found["lr"].min(), "The columns of the table are `step_size` and `loss`."),
        (lambda found: found.rate.min(), "The columns of the table are `step_size` and `loss`."),
        (lambda: 0.01, "It is called by position, as `choose_rate(found)`."),
        (0.01, "The check wants the function itself"),
    ],
)
def test_wrong_rates_are_named(answer, words):
    assert always(words, "3.3", answer)


def test_the_logarithm_of_a_right_rate_is_recognised():
    # Where the rate itself is above 1 its logarithm is no negative number.
    said = [say("3.3", lambda found: math.log10(lowest(found) / 10), seed) for seed in range(12)]
    assert sum("That is the logarithm of a rate" in message for message in said) > 6


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (
            lambda found: found["step_size"][int(np.argmin(found["loss"].to_numpy()))] / 10,
            "An `argmin` takes a nan for the least",
        ),
        (
            lambda found: found["step_size"][int(np.argmax(-found["loss"].to_numpy()))] / 10,
            "An `argmin` takes a nan for the least",
        ),
    ],
)
def test_a_loss_that_is_nan_is_named(answer, words):
    assert always(words, "3.3", answer)


def test_a_loss_that_is_not_finite_is_blamed_only_where_it_misleads():
    def at_least(found):
        return max(lowest(found) / 10, 0.02)

    assert all("all is well while" not in say("3.3", at_least, seed) for seed in range(8))


def test_the_columns_are_named_only_where_one_is_missing():
    words = "The columns of the table"
    for answer in (
        lambda found: found["step_size"][10**6],
        lambda found: found["loss"].argmim(),
    ):
        assert words not in say("3.3", answer)


def test_a_loss_that_is_inf_is_named():
    def answer(found):
        weights = found["loss"].fillna(1.0) * 0
        return lowest(found) / 10 + weights.to_numpy().sum()

    assert always("A difference or a mean with inf in it is inf or nan.", "3.3", answer)


def test_the_slope_against_the_rate_itself_is_named():
    def answer(found):
        table = finite(found)
        slope = np.gradient(table["loss"].to_numpy(), table["step_size"].to_numpy())
        return table["step_size"].to_numpy()[np.argmin(slope)]

    said = [say("3.3", answer, seed) for seed in SEEDS]
    assert all("against the rate itself" in m or "the first rate of the table" in m for m in said)


# --- 3.4: what a cut does -------------------------------------------------------------------------


def grow(old_rate, new_rate, beta2):
    """Step for step, as it happens."""
    root, steps = 1.0, 0
    while root > new_rate / old_rate:
        root, steps = root * math.sqrt(beta2), steps + 1
    return 2 * new_rate / old_rate, steps


RIGHT = {
    "exact": lambda old, new, b: (2 * new / old, 2 * math.log(old / new) / -math.log(b)),
    "first order": lambda old, new, b: (2 * new / old, 2 * math.log(old / new) / (1 - b)),
    "of the root": lambda old, new, b: (2 * new / old, math.log(new / old) / math.log(b**0.5)),
    "of the root, first order": lambda old, new, b: (
        new / (old / 2),
        math.log(old / new) / (1 - math.sqrt(b)),
    ),
    "decimal logarithms": lambda old, new, b: [
        2 * new / old,
        2 * math.log10(new / old) / math.log10(b),
    ],
    "rounded up": lambda old, new, b: (
        2 * new / old,
        math.ceil(2 * math.log(old / new) / -math.log(b)),
    ),
    "rounded down": lambda old, new, b: (
        np.float64(2 * new / old),
        math.floor(2 * math.log(old / new) / (1 - b)),
    ),
    "torch": lambda old, new, b: torch.tensor([2 * new / old, 2 * math.log(old / new) / (1 - b)]),
    "loop": grow,
}


@pytest.mark.parametrize("answer", RIGHT.values(), ids=RIGHT)
def test_what_a_cut_does_is_right_in_every_style(answer):
    assert all(say("3.4", answer, seed) == "correct" for seed in range(30))


def test_the_wait_is_the_one_that_was_measured():
    """Four times smaller at beta2 = 0.99: back at the edge after 260 to 320 steps."""
    assert schedules._wait((0.02, 0.005, 0.99)) == pytest.approx(277, rel=0.01)


def test_the_wait_is_that_of_adam_itself():
    """With gradients of 0 after the cut, rate over root is back when the formula says so."""
    weight = torch.nn.Parameter(torch.zeros((), dtype=torch.float64))
    adam = torch.optim.Adam([weight], betas=(0.9, 0.97))
    for gradient in [1.0] * 2000 + [0.0] * 90:
        weight.grad = torch.tensor(gradient, dtype=torch.float64)
        adam.step()
    root = math.sqrt(adam.state[weight]["exp_avg_sq"].item())
    assert schedules._wait((1.0, root, 0.97)) == pytest.approx(90)


def product(formula):
    return lambda old, new, b: (formula(old, new, b), RIGHT["exact"](old, new, b)[1])


def wait(formula):
    return lambda old, new, b: (2 * new / old, formula(old, new, b))


@pytest.mark.parametrize("words", schedules._WRONG_PRODUCTS)
def test_every_foreseen_product_is_told_from_the_others(words):
    answer = product(schedules._WRONG_PRODUCTS[words])
    for seed in range(20):
        assert say("3.4", answer, seed) == f"The product directly after the cut {words}"


@pytest.mark.parametrize("words", schedules._WRONG_WAITS)
def test_every_foreseen_wait_is_told_from_the_others(words):
    formula = schedules._WRONG_WAITS[words]
    for seed in range(20):
        assert say("3.4", wait(formula), seed) == f"The number of steps {words}"
        negative = say("3.4", wait(lambda *cut: -formula(*cut)), seed)
        assert negative == f"The number of steps {words} And it is negative: mind the logarithms."


@pytest.mark.parametrize(
    ("formula", "words"),
    [
        (lambda old, new, b: math.log(old / new) / (1 - b), "half of what it should be: `beta2`"),
        (lambda old, new, b: 4 * math.log(old / new) / (1 - b), "is twice what it should be"),
        (lambda old, new, b: round(math.log(old / new) / (1 - b)), "half of what it should be"),
        (lambda old, new, b: 2 * math.log(new / old) / (1 - b), "right but for its sign"),
        (lambda old, new, b: 2 * math.log(old / new) / math.log(b), "right but for its sign"),
        (lambda old, new, b: math.log(new / old) / (1 - b), "And it is negative"),
        (lambda old, new, b: 2 * math.log10(old / new) / (1 - b), "what the decimal logarithm"),
        (lambda old, new, b: 2 * math.log2(old / new) / (1 - b), "the logarithm to base 2 gives"),
        (
            lambda old, new, b: 2 * math.log(old / new) / (1 - 0.9),
            "has 0.9 in the place of `beta2`",
        ),
        (lambda old, new, b: 2 * math.log(old / new) / 0.001, "has 0.999 in the place of `beta2`"),
        (lambda old, new, b: 2 * (old / new - 1) / (1 - b), "growth by the same amount"),
        (lambda old, new, b: 2 * old / new / (1 - b), "the quotient of the rates in place of its"),
        (lambda old, new, b: 277.0, "In each step the root of the averaged squares is multiplied"),
        (lambda old, new, b: 2 * math.log(old // new) / -math.log(b), "logarithm of a whole num"),
        (lambda old, new, b: ..., "The product is right; and `steps` is still `...`."),
        (lambda old, new, b: math.inf, "Is something divided by 0?"),
        (lambda old, new, b: math.nan, "Is something divided by 0?"),
        (lambda old, new, b: math.log(new - old), "is the logarithm taken of a difference, or of"),
        (lambda old, new, b: math.log(new // old), "is the logarithm taken of a difference, or of"),
        (lambda old, new, b: "277", "Your function returns a str"),
    ],
)
def test_wrong_waits_are_named(formula, words):
    assert always(words, "3.4", wait(formula))


@pytest.mark.parametrize(
    ("formula", "words"),
    [
        (lambda old, new, b: 2, "stays at 2 in your answer."),
        (lambda old, new, b: new / old, "is new/old in your answer"),
        (lambda old, new, b: 2 * old / new, "the quotient is upside down"),
        (lambda old, new, b: round(2 * new / old, 2), "rounded to 2 digits"),
        (lambda old, new, b: 2 * (new // old), "divided with `//`"),
        (lambda old, new, b: 2.001, "does a loop write over it?"),
        (lambda old, new, b: ..., "The number of steps is right; and `product` is still `...`."),
        (lambda old, new, b: 7 * new, "Which of its two factors has changed?"),
        (lambda old, new, b: math.nan, "Which of its two factors has changed?"),
    ],
)
def test_wrong_products_are_named(formula, words):
    assert always(words, "3.4", product(formula))


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda old, new, b: RIGHT["exact"](old, new, b)[::-1], "in the other order"),
        (lambda old, new, b: RIGHT["exact"](old, new, b)[1], "returns one value; asked for are 2"),
        (lambda old, new, b: (0.5, 277.0), "the same two numbers whatever it is called with"),
        (lambda old, new, b: (0.5, 277.0, 1.0), "returns 3 values; asked for are 2 numbers"),
        (lambda old, new, b: (2.0, ...), "stays at 2 in your answer. The curvature is the same"),
        (lambda old, new, b: (2.0, ...), "And `steps` is still `...`."),
        (lambda old, new, b: (..., 277.0), "And `product` is still `...`."),
        (lambda old, new, b: ("a", ...), "Your function returns a str"),
        (lambda old, new, b: None, "Your function returns nothing."),
        (lambda old, new, b: {"product": 1, "steps": 2}, "returns a dict"),
        (lambda old, new: (1, 2), "It is called by position, as `after_cut(old_rate, new_rate,"),
        (lambda old, new, b: 1 / 0, "ZeroDivisionError"),
    ],
)
def test_other_answers_on_a_cut_are_named(answer, words):
    assert always(words, "3.4", answer)


def test_no_message_on_a_cut_gives_the_numbers_away():
    for seed in SEEDS:
        old, new, b = schedules._draw_cuts(np.random.default_rng(seed))[0]
        right_product, right_wait = RIGHT["exact"](old, new, b)
        assert f"{right_product:.4g}" not in say("3.4", product(lambda *_: 0.123), seed)
        assert f"{right_wait:.4g}" not in say("3.4", wait(lambda *_: 7.0), seed)


# --- All of them ----------------------------------------------------------------------------------


class SchedulerStub(Callback):
    def __init__(self, factory):
        self.factory = factory

    def before_fit(self, learn):
        self.scheduler = ...


class RecorderStub(Callback):
    def __init__(self):
        self.norms = []

    def after_fit(self, learn):
        """A hook without a body."""


class RecorderWithoutHooks(Listed):
    pass


class NotImplementedYet(Listed):
    def after_step(self, learn):
        raise NotImplementedError


@pytest.mark.parametrize(
    ("exercise", "stub", "words"),
    [
        ("3.1", SchedulerStub, "its hooks are still to be written"),
        ("3.2", RecorderStub, "its hooks are still to be written"),
        ("3.2", RecorderWithoutHooks, "its hooks are still to be written"),
        ("3.2", NotImplementedYet, "the function returns `...`"),
        ("3.3", lambda found: ..., "the function returns `...`"),
        ("3.4", lambda old_rate, new_rate, beta2: ..., "the function returns `...`"),
        ("3.4", lambda old_rate, new_rate, beta2: (..., ...), "the function returns `...`"),
    ],
)
def test_stubs_are_not_attempted_yet(exercise, stub, words):
    said = repr(exercises.check(exercise, stub))
    assert said == f"Exercise {exercise}: not attempted yet ({words})."


@pytest.mark.parametrize(
    ("exercise", "wrong"),
    [
        ("3.1", InAnyCase),
        ("3.2", recording(lambda learn: norms_of(learn).sum().item())),
        ("3.3", lambda found: 0.001),
        ("3.4", lambda old_rate, new_rate, beta2: (2.0, 0.0)),
    ],
)
def test_hints_come_one_by_one(exercise, wrong, monkeypatch, tmp_path):
    monkeypatch.setenv("ADL_UNATTENDED", "")
    monkeypatch.chdir(tmp_path)
    given = [exercises.check(exercise, wrong) for _ in range(4)]
    assert [result.hint_number for result in given] == [1, 2, 3, 3]
    assert [result.hint for result in given[:3]] == list(exercises.find(exercise).hints)


NUMBERS = st.none() | st.booleans() | st.integers() | st.floats() | st.complex_numbers()
JUNK = st.recursive(
    NUMBERS | st.text(max_size=9) | st.binary(max_size=9) | st.just(...) | st.just(print),
    lambda parts: (
        st.lists(parts, max_size=4) | st.tuples(parts, parts) | st.dictionaries(NUMBERS, parts)
    ),
    max_leaves=8,
)


@pytest.mark.parametrize("exercise", ["3.1", "3.2", "3.3", "3.4"])
@settings(deadline=None, max_examples=60)
@given(value=JUNK)
@example(value=math.nan)
@example(value=(math.nan, math.nan))
@example(value=(1e308, -1e308))
@example(value=(np.zeros(3), np.zeros(3)))
@example(value=np.array([[1, 2], [3, 4]]))
@example(value=torch.zeros(2, requires_grad=True))
@example(value=pd.Series(dtype=float))
@example(value=Callback())
def test_whatever_is_returned_is_answered_in_words(exercise, value):
    result = exercises.check(exercise, lambda *_: value, seed=0)
    assert not result.correct
    assert result.message or result.state == "not attempted"


@settings(deadline=None, max_examples=60)
@given(value=JUNK)
@example(value=torch.zeros(2, requires_grad=True))
@example(value=np.array(None))
@example(value=10**400)
def test_whatever_is_recorded_is_answered_in_words(value):
    result = exercises.check("3.2", recording(lambda learn: value), seed=0)
    assert not result.correct
    assert result.message


def raising(error):
    def hook(self, learn):
        raise error

    return type("Raising", (Kept,), {"after_step": hook})


@pytest.mark.parametrize("error", [ValueError("no"), SystemExit(), RuntimeError(), KeyError(1)])
def test_exceptions_are_answered_in_words(error):
    said = say("3.1", raising(error))
    assert "exit()" in said or f"Your class stopped with {type(error).__name__} in train" in said
