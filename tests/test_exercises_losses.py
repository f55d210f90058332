"""Chapter 4's exercises: each mistake as a student would write it, and the message it gets."""

import math

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from adl import exercises
from adl.data import singular_batch
from adl.exercises import _answer
from adl.exercises import losses as asked
from adl.losses import (
    LOSSES,
    relative_l1_loss,
    relative_l2_loss,
    two_sided_exp,
    two_sided_log,
    two_sided_log_loss,
)
from adl.models import StackedMLP
from adl.training import StackedAdam, train_stacked

SEEDS = range(5)


def say(exercise, answer, seed=0):
    result = exercises.check(exercise, answer, seed=seed)
    assert result.state != "not attempted"
    return "correct" if result.correct else result.message


def always(words, exercise, answer):
    said = [say(exercise, answer, seed) for seed in SEEDS]
    assert [words in message for message in said] == [True] * len(said), said
    return True


# --- 4.1: the two-sided logarithm -----------------------------------------------------------------


def by_hand(x):
    """Differentiable, and one number at a time."""
    flat = [torch.sign(v) * torch.log(1 + abs(v)) for v in x.reshape(-1)]
    return torch.stack(flat).reshape(x.shape)


def by_mask(x):
    y = torch.zeros_like(x)
    y[x > 0] = torch.log1p(x[x > 0])
    y[x < 0] = -torch.log1p(-x[x < 0])
    return y


SMOOTH_AT_0 = {
    "the package's": two_sided_log,
    "one branch": lambda x: torch.where(x >= 0, x.clamp_min(0).log1p(), -(x.abs()).log1p()),
    "clamp and relu": lambda x: torch.log1p(x.clamp(min=0)) - torch.log1p(torch.relu(-x)),
    "size detached": lambda x: (
        torch.log1p(x * x.detach().ge(0).to(x) * 2 - x) * (x.detach().ge(0).to(x) * 2 - 1)
    ),
}
CHOSEN_AT_0 = {
    "as the formula": lambda x: torch.sign(x) * torch.log(1 + x.abs()),
    "log1p": lambda x: x.sign() * x.abs().log1p(),
    "built-in abs": lambda x: torch.sign(x) * torch.log(abs(x) + 1),
    "where with sizes": lambda x: torch.where(x > 0, 1.0, -1.0).to(x) * torch.log(1 + x.abs()),
    "where of logs": lambda x: torch.where(x > 0, x.abs().log1p(), -x.abs().log1p()),
    "copysign": lambda x: torch.copysign(torch.log(1 + torch.abs(x)), x),
    "relu": lambda x: torch.relu(x).log1p() - torch.relu(-x).log1p(),
    "clamp twice": lambda x: x.clamp_min(0).log1p() - (-x).clamp_min(0).log1p(),
    "number by number": by_hand,
    "mask": by_mask,
    "maximum": lambda x: torch.log1p(torch.maximum(x, -x)) * torch.sign(x),
}


def praise(answer):
    result = exercises.check("4.1", answer, seed=0)
    assert result.correct, result.message
    return result.message


@pytest.mark.parametrize("answer", [*SMOOTH_AT_0.values(), *CHOSEN_AT_0.values()])
def test_right_logarithms_pass_in_every_style(answer):
    assert always("correct", "4.1", answer)


@pytest.mark.parametrize("answer", SMOOTH_AT_0.values(), ids=SMOOTH_AT_0)
def test_the_slope_at_zero_is_praised_where_it_is_one(answer):
    assert "One remark" not in praise(answer)


@pytest.mark.parametrize("answer", CHOSEN_AT_0.values(), ids=CHOSEN_AT_0)
def test_another_slope_at_zero_passes_with_a_remark(answer):
    slope = "2" if answer is CHOSEN_AT_0["clamp twice"] else "0"
    assert f"PyTorch gives your function the slope {slope}, where it truly is 1" in praise(answer)


def changed_in_place(x):
    sign = x.sign()
    return sign * x.abs_().log1p()


def assigned_in_place(x):
    x[x < 0] = -x[x < 0]
    return x.log1p()


def with_loop(x):
    return torch.tensor(
        [math.copysign(math.log1p(abs(v)), v) for v in x.reshape(-1).tolist()], dtype=x.dtype
    ).reshape(x.shape)


def one_dimension_only(x):
    return torch.stack([v.sign() * v.abs().log1p() for v in x]) if x.ndim == 1 else x


NUMPY = "return torch's tensor"
TORCH_ONLY = "Autograd follows torch's own functions only"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (torch.log, "returns nan, the logarithm of a negative number"),
        (torch.log1p, "returns nan, the logarithm of a negative number"),
        (lambda x: torch.sign(x) * torch.log(1 + x), "the logarithm of a negative number"),
        (lambda x: -torch.log1p(-x), "the logarithm of a negative number"),
        (lambda x: x.sign() * x.sqrt(), "returns nan"),
        (lambda x: x.abs().log1p(), "The sign is lost: -5 and 5 get the same"),
        (lambda x: -x.sign() * x.abs().log1p(), "The sign is turned round"),
        (lambda x: x.sign() * x.abs().log(), "The 1 is missing: next to 0 your function jumps"),
        (lambda x: x.sign() * (x.abs() + 1e-8).log(), "The 1 is missing: next to 0 your"),
        (lambda x: x.sign() * (x.abs() + 0.1).log(), "0.1 stands where 1 should: next to 0"),
        (lambda x: x.sign() * (x.abs() + 2).log(), "2 stands where 1 should"),
        (lambda x: x.sign() * (x.abs() + math.e).log(), "2.7 stands where 1 should"),
        (lambda x: x.abs().log(), "The 1 is missing, and the sign"),
        (lambda x: (1 + x).abs().log(), "`abs(1 + x)` is 0 at -1"),
        (lambda x: x.sign() * (1 + x).abs().log(), "`abs(1 + x)` is 0 at -1"),
        (lambda x: x.sign() * (1 + x.abs().log()), "1 is added outside of the logarithm"),
        (lambda x: x.sign() + x.abs().log1p(), "The sign is added"),
        (lambda x: x * x.abs().log1p(), "multiplied by x itself"),
        (lambda x: two_sided_log(x) ** 2, "The logarithm is squared."),
        (lambda x: x.sign() * x.abs().log1p() ** 2, "The logarithm is squared."),
        (lambda x: x.sign() * (1 + x**2).log(), "x is squared inside the logarithm"),
        (lambda x: (1 + x**2).log(), "x is squared inside the logarithm"),
        (lambda x: x.sign() * (1 + x.abs()).log10(), "the logarithm to base 10. Asked for is"),
        (lambda x: (1 + x.abs()).log10(), "to base 10. Asked for is the natural one, whose"),
        (lambda x: (1 + x.abs()).log10(), "And the sign is not right."),
        (lambda x: x.sign() * (1 + x.abs()).log2(), "the logarithm to base 2."),
        (torch.asinh, "This is the inverse hyperbolic sine."),
        (torch.tanh, "squeezes everything between -1 and 1"),
        (lambda x: x / (1 + x.abs()), "squeezes everything between -1 and 1"),
        (lambda x: x.sign() * x.abs().sqrt(), "That is a root"),
        (two_sided_exp, "That is the inverse"),
        (torch.sign, "All you return is the sign"),
        (lambda x: x, "returns its argument as it is"),
        (torch.zeros_like, "returns 0 whatever x is"),
        (lambda x: torch.log1p(torch.relu(x)), "The logarithms of negative numbers are cut off"),
        (lambda x: torch.log(x.clamp(min=1e-8)), "The logarithms of negative numbers are cut off"),
        (lambda x: two_sided_log(x).round(), "The values are rounded"),
        (lambda x: two_sided_log(x).round(decimals=3), "The values are rounded"),
        (lambda x: 3 * two_sided_log(x), "Your values are 3 times what they should be."),
        (
            lambda x: torch.where(x > 0, x.abs().log1p(), x / 7),
            "All is right for positive numbers, and wrong for negative ones: your function returns",
        ),
        (lambda x: two_sided_log(x) + 0.3, "The values are not sign(x) log(1 + abs(x)): your"),
        (lambda x: two_sided_log(x).sum(), "returns a single number for 10: is a sum or a mean"),
        (lambda x: two_sided_log(x).mean(), "returns a single number for 10"),
        (lambda x: two_sided_log(x)[:, None], "returns the shape (10, 1) for a tensor of shape"),
        (lambda x: two_sided_log(x)[:4], "returns the shape (4,)"),
        (lambda x: two_sided_log(x).long(), "returns a tensor of torch.int64"),
        (lambda x: two_sided_log(x).float(), "of torch.float32 for one of torch.float64: keep"),
        (lambda x: torch.tensor([math.log1p(v) for v in x.abs()]), "float32, and has no gradient"),
        (lambda x: two_sided_log(x).numpy(), NUMPY),
        (lambda x: two_sided_log(x)[0].item(), NUMPY),
        (lambda x: two_sided_log(x).tolist(), "Your function returns a list; asked for is a ten"),
        (lambda x: None, "Your function returns nothing."),
        (lambda x: print(two_sided_log(x)), "prints its result but returns nothing"),
        (lambda x: math.log(x), f"`math` takes single numbers. {TORCH_ONLY}"),
        (lambda x: x.log() if x > 0 else -x.log(), "An `if` decides once for the whole tensor"),
        (lambda x: np.sign(x) * np.log1p(np.abs(x)), TORCH_ONLY),
        (changed_in_place, "changes its argument in place"),
        (assigned_in_place, "changes its argument in place"),
        (with_loop, "The values are right, but they carry no gradient"),
        (lambda x: two_sided_log(x.detach()), "they carry no gradient"),
        (lambda x: two_sided_log(x).data, "they carry no gradient"),
        (lambda x: two_sided_log(x.clone().detach().requires_grad_()), "they carry no gradient"),
        (lambda x: x / x.abs() * x.abs().log1p(), "All is right but at 0, where your function"),
        (lambda x: x / x.abs() * x.abs().log1p(), "Is 0 divided by 0 there"),
        (
            lambda x: torch.where(x == 0, 1.0, two_sided_log(x)).to(x),
            "which your function maps to 1. It has to be 0.",
        ),
        (
            lambda x: torch.where(x >= 0, torch.log1p(x), -torch.log1p(-x)),
            "not finite at 1, -1. `torch.where` computes both branches",
        ),
        (
            lambda x: torch.where(x == 0, x, x / x.abs() * x.abs().log1p()),
            "at 0 the gradient is nan: a single output that is exactly 0 would spoil all weights",
        ),
        (
            lambda x: x.sign() * torch.log(1 + (x**2).sqrt()),
            "Is something squared on the way, or a power taken? That overflows.",
        ),
        (
            lambda x: x.sign() * torch.log(1 + x.abs().sqrt() ** 2),
            "at 0 the gradient is nan",
        ),
        (
            lambda x: two_sided_log(x) * x.detach() / x,
            "All is right but at 0",
        ),
        (
            lambda x: two_sided_log(x).detach() + 0.5 * (x - x.detach()),
            "The values are right, the gradient is not: at",
        ),
        (lambda x: two_sided_log(torch.where(x.abs() < 1e-6, 0 * x, x)), "What is added to x"),
        (one_dimension_only, "and wrong for a tensor of shape (2, 5) and torch.float64."),
        (lambda x: x.sign() * torch.log(1 + x.norm()), "depends on the other numbers in the ten"),
        (lambda x: x.sign() * torch.log(1 + x.abs().max()), "depends on the other numbers in the"),
        (lambda x: two_sided_log(x) / x.abs().max(), "Is a sum, a mean, a maximum or a norm taken"),
        (lambda x: x.sign() * log(1 + x.abs()), "belongs to torch: write `torch.` in front."),  # noqa: F821
        (lambda x: sign(x) * torch.log(1 + x.abs()), "belongs to torch: write `torch.`"),  # noqa: F821
        (lambda x: x.sign() * torch.ln(1 + x.abs()), "natural logarithm is `torch.log`"),
        (lambda x: torch.from_numpy(np.sign(x.numpy()) * np.log1p(np.abs(x.numpy()))), TORCH_ONLY),
        (
            lambda x: torch.from_numpy(two_sided_log(x.detach()).numpy() * 1),
            "The values are right, but they carry no gradient",
        ),
        (lambda x: torch.stack([two_sided_log(x[i]) for i in range(len(x))]), "may have any shape"),
        (lambda x: two_sided_log(x.double()), "torch.float64 for one of torch.float32: keep the d"),
        (lambda x: x / (x.abs() + 1e-6) * x.abs().log1p(), "nearly right, but off by up to"),
        (lambda x: x.sign() * (1 + (x**2 + 1e-6).sqrt()).log(), "nearly right, but off by up to"),
        (lambda x: x / (x.abs() + 1e-8) * x.abs().log1p(), "What is added to x on the way"),
        (lambda x: two_sided_log(x.clamp(-1e6, 1e6)), "Is something cut off on the way, as by `cl"),
        (lambda x: (x / 2).asinh(), "the inverse hyperbolic sine of half of x"),
        (lambda x: torch.log(1 + torch.exp(x)), "There is an exponential in the logarithm"),
        (torch.nn.functional.softplus, "There is an exponential in the logarithm"),
        (lambda x: x.sign() * (x.abs() + 1).log1p(), "(`log1p` adds a 1 of its own)"),
        (lambda x: (x.abs() + 1).log1p(), "1 is added twice, and the sign is lost"),
        (lambda x: x.sign() * (x.abs().log1p() - 1), "1 is subtracted outside of the log"),
        (lambda x: x.sign() * x.abs().clamp(min=1).log(), "Sizes below 1 are lost"),
        (lambda x: x.sign() * x.abs().log().abs(), ", where"),
        (
            lambda x: x.sign() * torch.logaddexp(torch.zeros_like(x), x.abs().log()),
            "or the logarithm of 0 has no slope there",
        ),
        (lambda x, y: x, "It is called by position, as `two_sided_log(x)`."),
        (torch.zeros(3), "The check wants the function itself"),
    ],
)
def test_wrong_logarithms_are_named(answer, words):
    assert always(words, "4.1", answer)


# --- 4.2: the relative loss -----------------------------------------------------------------------


def shares(o, t):
    return (o - t).abs() / (1 + t.abs())


@pytest.mark.parametrize(
    "answer",
    [
        lambda o, t, p: (shares(o, t) ** p).mean(),
        lambda o, t, p: torch.mean(torch.pow(torch.abs(t - o) / (torch.abs(t) + 1), p)),
        lambda o, t, p: ((o - t).abs() ** p / (1 + t.abs()) ** p).mean(),
        lambda o, t, p: relative_l1_loss(o, t) if p == 1 else relative_l2_loss(o, t),
        lambda o, t, p: ((o / (1 + t.abs()) - t / (1 + t.abs())).abs() ** p).sum() / t.numel(),
        lambda o, t, p: (torch.where(o >= t, o - t, t - o) / (1 + t.abs())).pow(p).mean(),
        lambda o, t, p: (shares(o, t.detach()) ** float(p)).mean(),
        lambda o, t, p: (shares(o, t) ** p).mean().reshape(1),
        lambda o, t, p: (shares(o.float(), t.float()) ** p).mean(),
        lambda o, t, p: torch.linalg.vector_norm((o - t) / (1 + t.abs()), p) ** p / o.numel(),
    ],
)
def test_right_relative_losses_pass_in_every_style(answer):
    assert always("correct", "4.2", answer)


def outputs_changed(o, t, p):
    o -= t
    return ((o.abs() / (1 + t.abs())) ** p).mean()


OF_THE_SHARES = {
    "mean first": lambda o, t, p: shares(o, t).mean() ** p,
    "sum": lambda o, t, p: (shares(o, t) ** p).sum(),
    "root": lambda o, t, p: (shares(o, t) ** p).mean() ** (1 / p),
}


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda o, t, p: (((o - t).abs() / 1 + t.abs()) ** p).mean(), "Brackets are missing"),
        (lambda o, t, p: (((o - t) / 1 + t.abs()) ** p).mean(), "Brackets are missing"),
        (lambda o, t, p: (((o - t).abs() / (1 + t)) ** p).mean(), "should have their absolute va"),
        (lambda o, t, p: (((o - t) / (1 + t)) ** p).mean(), "should have their absolute value"),
        (lambda o, t, p: (((o - t) / (1 + t)).abs() ** p).mean(), "should have their absolute va"),
        (lambda o, t, p: (((o - t).abs() / t.abs()) ** p).mean(), "The denominator lacks the 1"),
        (lambda o, t, p: ((o / t - 1).abs() ** p).mean(), "The denominator lacks the 1"),
        (lambda o, t, p: ((1 - o / t) ** p).mean(), "The denominator lacks the 1"),
        (lambda o, t, p: (((o - t) / (t + 1e-8)) ** p).mean(), "The denominator lacks the 1"),
        (lambda o, t, p: (((o - t).abs() / (t.abs() + 1e-3)) ** p).mean(), "lacks the 1"),
        (lambda o, t, p: (shares(t, o) ** p).mean(), "The outputs stand in the denominator"),
        (lambda o, t, p: ((o / (1 + t.abs())).abs() ** p).mean(), "has the outputs alone"),
        (
            lambda o, t, p: (((o - t).abs() / (1 + (o - t).abs())) ** p).mean(),
            "The error stands in the denominator, too",
        ),
        (
            lambda o, t, p: (((o - t).abs() / (1 + o.abs() + t.abs())) ** p).mean(),
            "The outputs' size has come into the denominator",
        ),
        (lambda o, t, p: (((o - t) / (1 + t.abs())) ** p).mean(), "lacks its absolute value: for"),
        (lambda o, t, p: (((t - o) / (1 + t.abs())) ** p).mean(), "errors of both signs cancel"),
        (
            lambda o, t, p: (((o - t) / (1 + t.abs())) ** p).mean().abs(),
            "around the mean it comes too late.",
        ),
        (OF_THE_SHARES["mean first"], "The mean of squares is not the square of a mean"),
        (lambda o, t, p: ((o - t) / (1 + t.abs())).mean().abs() ** p, "taken before the power."),
        (
            lambda o, t, p: ((o - t).abs().mean() / (1 + t.abs()).mean()) ** p,
            "Numerator and denominator are averaged, or added up, each on its own",
        ),
        (
            lambda o, t, p: ((o - t).abs() ** p).sum() / ((1 + t.abs()) ** p).sum(),
            "Numerator and denominator are averaged, or added up, each on its own",
        ),
        (
            lambda o, t, p: (((o - t).abs() / (1 + t.abs().mean())) ** p).mean(),
            "Numerator and denominator are averaged",
        ),
        (lambda o, t, p: ((o - t).abs() ** p / (1 + t.abs())).mean(), "of the numerator alone"),
        (lambda o, t, p: ((o - t).abs() / (1 + t.abs()) ** p).mean(), "of the denominator alone"),
        (lambda o, t, p: ((o - t).abs() ** p / (1 + t.abs() ** p)).mean(), "before the 1 is added"),
        (lambda o, t, p: (shares(o, t) * p).mean(), "a power is written `**`"),
        (lambda o, t, p: shares(o, t).mean(), "`power` does nothing in your function"),
        (lambda o, t, p: (shares(o, t) ** 2).mean(), "`power` does nothing in your function"),
        (OF_THE_SHARES["root"], "A root is taken at the end"),
        (lambda o, t, p: (shares(o, t) ** p).mean().sqrt(), "A root is taken at the end"),
        (OF_THE_SHARES["sum"], "The examples are added up."),
        (lambda o, t, p: (shares(o, t) ** p).median(), "A median or a maximum stands"),
        (lambda o, t, p: (shares(o, t) ** p).max(), "A median or a maximum stands"),
        (lambda o, t, p: ((o - t).abs() ** p).mean(), "The denominator is missing"),
        (lambda o, t, p: (shares(o.abs(), t.abs()) ** p).mean(), "That compares sizes only"),
        (
            lambda o, t, p: ((two_sided_log(o) - two_sided_log(t)).abs() ** p).mean(),
            "That compares logarithms.",
        ),
        (lambda o, t, p: 1 - (shares(o, t) ** p).mean(), "That is 1 minus the loss."),
        (lambda o, t, p: -(shares(o, t) ** p).mean(), "The loss is negative"),
        (lambda o, t, p: 3 * (shares(o, t) ** p).mean(), "Your losses are 3 times what"),
        (
            lambda o, t, p: (shares(o, t) ** p).mean() if p == 1 else o.sum(),
            "right for power 1, an",
        ),
        (lambda o, t, p: (shares(o, t) ** p).mean() + 0.1, "Try one example: output 3, target -1"),
        (lambda o, t, p: o.sum() / 0, "Your function returns inf or nan"),
        (lambda o, t, p: shares(o, t) ** p, "returns a number for each example: take the mean"),
        (lambda o, t, p: (shares(o, t) ** p)[:3], "a tensor of shape (3,) for examples of shape"),
        (
            lambda o, t, p: (shares(o, t) ** p).mean(-1),
            "a tensor of shape (3,) for examples of shape (3, 5); asked for is one number",
        ),
        (lambda o, t, p: (shares(o, t) ** p).mean().item(), "returns a float, which has no gradi"),
        (lambda o, t, p: float((shares(o, t) ** p).mean()), "Leave out `.item()` and NumPy"),
        (lambda o, t, p: (shares(o, t).numpy() ** p).mean(), "which has no gradient"),
        (lambda o, t, p: (shares(o.detach(), t) ** p).mean(), "they carry no gradient"),
        (lambda o, t, p: torch.tensor((shares(o, t) ** p).mean().item()).to(o), "no gradient"),
        (
            lambda o, t, p: (shares(o, t) ** p).mean().detach() + 0 * o.sum(),
            "The values are right, the gradient for power 1 is not.",
        ),
        (
            lambda o, t, p: ((((o - t) ** 2).sqrt() / (1 + t.abs())) ** p).mean(),
            "All is right but for an output that equals its target, where the gradient is nan",
        ),
        (
            lambda o, t, p: (shares(o, t) ** p).mean() if o.ndim == 1 else o.mean(),
            "All is right for examples in a row, and wrong for outputs and targets of shape (3, 5)",
        ),
        (outputs_changed, "changes its argument in place"),
        (lambda o, t, p: (np.abs(o - t) / (1 + np.abs(t))).mean() ** p, "mean of squares is not"),
        (lambda o, t, p: (((o - t) ** 2) ** (p / 2)).mean(), "The denominator is missing"),
        (lambda o, t, p: (o - t if o > t else t - o).mean(), "An `if` decides once"),
        (
            lambda o, t, p: (((o - t) / (1 + t).abs()) ** p).mean(),
            "should have their absolute valu",
        ),
        (lambda o, t, p: ((o - t / (1 + t.abs())).abs() ** p).mean(), "missing in the numerator"),
        (lambda o, t, p: (((o - t).abs() / t.abs().clamp(min=1)) ** p).mean(), "The larger of the"),
        (
            lambda o, t, p: (((o - t).abs() / (1 + t**2)) ** p).mean(),
            "The target is squared in the",
        ),
        (lambda o, t, p: ((1 + shares(o, t)) ** p).mean(), "The 1 has come into the numerator"),
        (lambda o, t, p: ((1 + (o - t).abs() / t.abs()) ** p).mean(), "or beside the quotient"),
        (lambda o, t, p: (((o - t).abs() / (o.abs() + t.abs())) ** p).mean(), "outputs' size has"),
        (lambda o, t, p: (shares(t, o) ** p).mean(), "Or are the arguments in another order?"),
        (
            lambda o, t, p: (((o.abs() - t.abs()) / (1 + t.abs())) ** p).mean(),
            "compares sizes only",
        ),
        (lambda o, t, p: ((o - t.abs()).abs() / (1 + t.abs())).pow(p).mean(), "size of one of the"),
        (lambda o, t, p: ((o - t) / (1 + t.abs())).mean() ** p, "taken before the power."),
        (
            lambda o, t, p: ((torch.nn.functional.l1_loss(o, t) / (1 + t.abs())) ** p).mean(),
            "Numerator and denominator are averaged",
        ),
        (
            lambda o, t, p: ((o - t).abs() ** p).sum() / (t.abs() ** p).sum(),
            "Numerator and denominator are averaged",
        ),
        (lambda o, t, p: (shares(o, t) ** 2).mean().sqrt(), "it returns the same. And neither is"),
        (lambda o, t, p: 0 * o.sum(), "returns 0 for both powers"),
        (lambda o, t, p: ((100 * shares(o, t)) ** p).mean(), "Each share is 100 times what it sho"),
        (
            lambda o, t, p: (shares(o, t) ** p).sum() / len(o),
            "Divide by the number of all examples, 15 here: `len` counts rows.",
        ),
        (lambda o, t, p: (shares(o, t) ** p).mean().backward(), "leave out `backward()`"),
        (lambda p, o, t: (shares(o, t) ** p).mean(), "`power` is a plain number, and comes third"),
        (lambda o, t, p: mean(shares(o, t) ** p), "belongs to torch: write `torch.`"),  # noqa: F821
        (lambda o, t, p: np.mean(shares(o, t) ** p), "Autograd follows torch's own functions only"),
        (lambda o, t, p: None, "Your function returns nothing."),
        (lambda o, t, p: (1.0, 2.0), "Your function returns a tuple"),
        (lambda o, t: o, "as `relative_loss(outputs, targets, power)`."),
        (torch.zeros(()), "The check wants the function itself"),
    ],
)
def test_wrong_relative_losses_are_named(answer, words):
    assert always(words, "4.2", answer)


# --- 4.3: which loss wins which measure -----------------------------------------------------------

WINNERS = {
    "mean squared error": "MSE",
    "mean absolute error": "L1",
    "median absolute error": "relative L1",
    "mean relative error": "relative L1",
    "mean squared log difference": "L1",
}
FOUR = ("MSE", "L1", "two-sided log", "relative L1")


def measures(outputs, targets):
    targets = targets.expand_as(outputs)
    error = (outputs - targets).abs()
    return {
        "mean squared error": error.square().mean(-1),
        "mean absolute error": error.mean(-1),
        "median absolute error": error.median(-1).values,
        "mean relative error": (error / (1 + targets.abs())).mean(-1),
        "mean squared log difference": two_sided_log_loss(outputs, targets, reduction="none").mean(
            -1
        ),
    }


@pytest.fixture(scope="module")
def left():
    """Errors that the four losses leave in the same five networks, shape (losses, networks)."""
    one = {"inputs": 3, "hidden": (32, 32), "seed": 0, "dtype": torch.float64}
    net = StackedMLP(20, **one)
    with torch.no_grad():
        net.vector.copy_(StackedMLP(5, **one).vector.repeat(4, 1))

    def each(outputs, targets, reduction):
        parts = zip(FOUR, outputs.chunk(4), targets.chunk(4), strict=True)
        return torch.cat([LOSSES[name](*part, reduction=reduction) for name, *part in parts])

    def fresh(generator):
        inputs, targets = singular_batch(5, 200, seed=generator, dtype=torch.float64)
        return inputs.repeat(4, 1, 1), targets.repeat(4, 1)

    threads, steps = torch.get_num_threads(), 2000
    torch.set_num_threads(1)  # more of them wait for each other at this size
    rates = 0.01 * (1 - torch.arange(steps, dtype=torch.float64)[:, None] / steps)
    train_stacked(StackedAdam(net), fresh, step_size=rates, steps=steps, loss=each, seed=1)
    torch.set_num_threads(threads)
    inputs, targets = singular_batch(20_000, seed=2, dtype=torch.float64)
    with torch.no_grad():
        found = measures(net(inputs), targets)
    return {name: values.reshape(4, 5) for name, values in found.items()}


@pytest.mark.parametrize("measure", WINNERS)
def test_the_stored_errors_are_those_of_the_experiment(left, measure):
    medians = left[measure].median(1).values.tolist()
    assert [asked._ERRORS[measure][loss] for loss in FOUR] == pytest.approx(medians, rel=0.05)


@pytest.mark.parametrize("measure", WINNERS)
def test_the_winner_wins_in_each_network(left, measure):
    assert {FOUR[row] for row in left[measure].argmin(0).tolist()} == {WINNERS[measure]}


def winners(**changes):
    return lambda: WINNERS | {name.replace("_", " "): loss for name, loss in changes.items()}


def test_the_winners_pass_also_when_spelt_otherwise():
    assert always("correct", "4.3", winners())
    spelt = {name: loss.upper().replace("-", "_") for name, loss in WINNERS.items()}
    assert always("correct", "4.3", lambda: spelt)


@pytest.mark.parametrize(
    "spelt",
    [
        {name.title().replace(" ", "_"): loss for name, loss in WINNERS.items()},
        {f" {name} ": f"{loss} loss" for name, loss in WINNERS.items()},
        {name: loss.replace(" ", "") for name, loss in WINNERS.items()},
    ],
)
def test_lines_and_losses_may_be_typed_otherwise(spelt):
    assert always("correct", "4.3", lambda: spelt)


@pytest.mark.parametrize("dash", [" ", "", "_", "–", "‑", "−"])
def test_the_dash_of_the_two_sided_log_may_be_another(dash):
    assert always("correct", "4.4", choices(currents=f"Two{dash}sided log"))


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (
            winners(mean_squared_error="L1"),
            "Right: 4 of 5. The mean squared error that L1 leaves is 15,000; the best of "
            "the four leaves 8,800.",
        ),
        (
            winners(median_absolute_error="L1"),
            "The median absolute error that L1 leaves is 0.3; the best of the four leaves 0.067. "
            "The constant with the least mean absolute error is the median of the targets;",
        ),
        (
            winners(mean_squared_log_difference="two-sided log"),
            "leaves is 0.34; the best of the four leaves 0.22. It is this loss's own measure, and",
        ),
        (winners(mean_relative_error="MSE", mean_absolute_error="MSE"), "Right: 3 of 5."),
        (lambda: dict.fromkeys(WINNERS, "two-sided log"), "Right: 0 of 5. The mean sq"),
        (
            lambda: WINNERS | {"mean squared error": ..., "mean relative error": None},
            'What you have filled in is right. Still to come: "mean squared error", "mean relati',
        ),
        (lambda: {"mean squared error": "MSE"}, 'Still to come: "mean absolute error", "median'),
        (
            lambda: {"mean squared error": "L1", "mean absolute error": ...},
            "Right: 0 of 1.",
        ),
        (winners(mean_squared_error="Huber"), "stands 'Huber', which is none of the losses asked"),
        (
            winners(mean_squared_error=LOSSES["MSE"]),
            "squared error stands a function, or a class. A",
        ),
        (
            winners(mean_squared_error=torch.nn.MSELoss()),
            "is the name of a loss, in quotation marks",
        ),
        (winners(mean_error="L1"), "There is no line 'mean error' in the table; its lines are"),
        (lambda: {"mean squared error": MSE}, "is text: put it in quotation marks."),  # noqa: F821
        (lambda: list(WINNERS.values()), "returns a list; asked for is the table of the stub"),
        (lambda: None, "`winners` ends with `return` and the table"),
        (lambda x: WINNERS, "It is called by position, as `winners()`."),
        (WINNERS, "The check wants the function itself"),
    ],
)
def test_wrong_winners_are_answered_in_words(answer, words):
    assert always(words, "4.3", answer)


@pytest.mark.parametrize("measure", WINNERS)
@pytest.mark.parametrize("guess", FOUR)
def test_no_message_names_a_winner(measure, guess):
    if guess != WINNERS[measure]:
        said = say("4.3", lambda: {measure: guess}).replace(guess, "")
        others = [loss for loss in FOUR if loss not in guess and f"that {loss} " in said]
        assert others == []


# --- 4.4: a loss for a question -------------------------------------------------------------------

CHOICES = {
    "claims": "MSE",
    "prices": "relative L1",
    "currents": "two-sided log",
    "thermometers": "L1",
    "photographs": "log error",
}


def choices(**changes):
    return lambda: CHOICES | changes


@pytest.mark.parametrize("answer", [choices(), choices(thermometers="Huber")])
def test_right_choices_pass(answer):
    assert always("correct", "4.4", answer)


WRONG = [
    (name, loss)
    for name, situation in asked._SITUATIONS.items()
    for loss in LOSSES
    if loss not in situation.right
]


def test_the_seven_losses_are_those_of_the_package():
    assert tuple(LOSSES) == asked._SEVEN
    assert all({*s.right, *s.wrong} == {*LOSSES} for s in asked._SITUATIONS.values())


@pytest.mark.parametrize(("name", "loss"), WRONG)
def test_every_wrong_choice_gets_a_reason_of_its_own(name, loss):
    said = say("4.4", choices(**{name: loss}))
    reason = asked._SITUATIONS[name].wrong[loss]
    assert said == f"Right: 4 of 5. For the {name} you choose {loss}. {reason}"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (choices(claims=...), 'What you have filled in is right. Still to come: "claims". A w'),
        (choices(claims=..., prices="MSE"), "Right: 3 of 4. For the prices you choose"),
        (choices(claims="RMSE"), "On the line of the claims stands 'RMSE', which is none of the"),
        (choices(claims=("MSE", "L1")), "On the line of the claims stands ('MSE', 'L1')"),
        (choices(banana="MSE"), "There is no line 'banana' in the table"),
        (lambda: "MSE", "Your function returns a str; asked for is the table"),
    ],
)
def test_wrong_choices_are_answered_in_words(answer, words):
    assert always(words, "4.4", answer)


# What the reasons say, by numbers.


def cost(loss, output, target):
    pair = (torch.tensor([float(v)], dtype=torch.float64) for v in (output, target))
    return LOSSES[loss](*pair).item()


def pull(loss, output, target):
    output, target = (torch.tensor([float(v)], dtype=torch.float64) for v in (output, target))
    output.requires_grad_()
    return torch.autograd.grad(LOSSES[loss](output, target), output)[0].abs().item()


def best_constant(loss, targets):
    """Of all constant predictions that occur among a fine grid, the one with the least loss."""
    grid = torch.quantile(targets, torch.linspace(0, 1, 2001, dtype=torch.float64))
    grid = torch.cat([grid, targets.mean()[None]])
    losses = LOSSES[loss](
        grid[:, None].expand(-1, len(targets)), targets.expand(len(grid), -1), reduction="none"
    )
    return grid[losses.mean(-1).argmin()].item()


def lopsided():
    """Claims: log-normal, by quantiles, so that nothing is random."""
    levels = (torch.arange(2000, dtype=torch.float64) + 0.5) / 2000
    return (8 + 1.2 * torch.special.ndtri(levels)).exp()


def test_claims_only_squares_give_the_right_total():
    claims = lopsided()
    totals = {loss: best_constant(loss, claims) / claims.mean().item() for loss in LOSSES}
    assert totals.pop("MSE") == pytest.approx(1)
    assert max(totals.values()) < 0.6


def test_prices_the_relative_loss_gives_the_least_mean_percentage():
    prices = lopsided()
    percent = {
        loss: ((best_constant(loss, prices) - prices).abs() / prices).mean().item()
        for loss in LOSSES
    }
    assert min(percent, key=percent.get) == "relative L1"


@pytest.mark.parametrize("loss", ["MSE", "L1", "Huber", "log error"])
def test_prices_the_others_count_the_error_in_euros(loss):
    assert cost(loss, 150, 100) == cost(loss, 50_050, 50_000)


def test_prices_relative_squares_count_half_for_twenty_five_tenths():
    ratio = cost("relative L2", 1.5e6, 1e6) / cost("relative L2", 1.1e6, 1e6)
    assert ratio == pytest.approx(25)


@pytest.mark.parametrize("loss", LOSSES)
def test_currents_only_the_two_sided_log_treats_twice_and_half_alike(loss):
    twice, half = cost(loss, 2e4, 1e4), cost(loss, 5e3, 1e4)
    assert (twice == pytest.approx(half, rel=1e-3)) == (loss == "two-sided log")


@pytest.mark.parametrize("loss", ["MSE", "L1", "Huber", "log error"])
def test_currents_the_others_charge_more_for_large_ones(loss):
    assert cost(loss, 2e6, 1e6) > 1.4 * cost(loss, 2e3, 1e3)


@pytest.mark.parametrize(("loss", "half"), [("relative L1", 0.5), ("relative L2", 0.25)])
def test_currents_shares_of_twice_half_and_nothing(loss, half):
    assert cost(loss, 2e6, 1e6) == pytest.approx(1, rel=1e-3)
    assert cost(loss, 5e5, 1e6) == pytest.approx(half, rel=1e-3)
    assert cost(loss, 0, 1e6) <= cost(loss, 2e6, 1e6)


def test_currents_a_wrong_sign_is_far_worse_than_a_factor_of_two():
    wrong_sign = cost("two-sided log", -1e4, 1e4)
    assert wrong_sign > 100 * cost("two-sided log", 2e4, 1e4)


def test_thermometers_wrong_values_move_the_best_constant_of_squares_only():
    honest = torch.linspace(-20, 40, 980, dtype=torch.float64)
    stored = torch.cat([honest, honest.new_full((20,), 850)])
    shift = {loss: best_constant(loss, stored) - best_constant(loss, honest) for loss in LOSSES}
    assert shift["MSE"] > 15
    assert abs(shift["L1"]) < 1
    assert abs(shift["Huber"]) < 1
    assert abs(shift["log error"]) < 1


def test_thermometers_what_a_degree_counts():
    assert cost("MSE", 10, 850) == pytest.approx(1e4 * cost("MSE", 10, 18.4))
    assert pull("log error", 10, 0) < pull("log error", 2, 0)
    for loss in ("two-sided log", "relative L1", "relative L2"):
        assert cost(loss, 1, 0) > 25 * cost(loss, 31, 30)
    for loss in ("L1", "Huber"):
        assert cost(loss, 1, 0) == cost(loss, 31, 30)


@pytest.mark.parametrize("loss", LOSSES)
def test_photographs_only_under_log_error_a_far_example_pulls_less(loss):
    near, far = pull(loss, 1925, 1930), pull(loss, 1925, 1990)
    growth = {"log error": None, "L1": 1, "Huber": 1, "relative L1": 1}.get(loss, 13)
    if growth is None:
        assert far < 0.4 * near
    else:
        assert far / near == pytest.approx(growth, rel=0.1)


# --- All of them ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("exercise", "stub", "words"),
    [
        ("4.1", lambda x: ..., "the function returns `...`"),
        ("4.2", lambda outputs, targets, power: ..., "the function returns `...`"),
        ("4.3", lambda: dict.fromkeys(WINNERS, ...), "all lines of the table are still `...`"),
        ("4.4", lambda: dict.fromkeys(CHOICES, ...), "all lines of the table are still `...`"),
        ("4.4", dict, "all lines of the table are still `...`"),
    ],
)
def test_stubs_are_not_attempted_yet(exercise, stub, words):
    said = repr(exercises.check(exercise, stub))
    assert said == f"Exercise {exercise}: not attempted yet ({words})."


@pytest.mark.parametrize(
    ("exercise", "wrong"),
    [
        ("4.1", torch.log),
        ("4.2", OF_THE_SHARES["sum"]),
        ("4.3", winners(mean_squared_error="L1")),
        ("4.4", choices(claims="L1")),
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


@pytest.mark.parametrize("exercise", ["4.1", "4.2", "4.3", "4.4"])
@settings(deadline=None, max_examples=60)
@given(value=JUNK)
@example(value=math.nan)
@example(value=np.zeros(3))
@example(value=np.float64(1))
@example(value=torch.zeros(10, requires_grad=True))
@example(value=torch.full((10,), math.inf, dtype=torch.float64))
@example(value=torch.full((), math.nan))
@example(value=torch.zeros(0, dtype=torch.float64))
@example(value=torch.zeros(10, dtype=torch.complex64))
@example(value=pd.Series(dtype=float))
@example(value={"claims": ["MSE"], "mean squared error": {}})
@example(value=dict.fromkeys(WINNERS, np.array(["MSE", "L1"])))
def test_whatever_is_returned_is_answered_in_words(exercise, value):
    result = exercises.check(exercise, lambda *_: value, seed=0)
    assert not result.correct
    assert result.message or result.state == "not attempted"
    assert "cannot make sense" not in result.message


@pytest.mark.parametrize("exercise", ["4.1", "4.2", "4.3", "4.4"])
@pytest.mark.parametrize("error", [ValueError("no"), SystemExit(), RuntimeError(), KeyError(1)])
def test_exceptions_are_answered_in_words(exercise, error):
    def answer(*_):
        raise error

    said = say(exercise, answer)
    assert "exit()" in said or f"Your function stopped with {type(error).__name__}" in said


@pytest.mark.parametrize("exercise", ["4.1", "4.2", "4.3", "4.4"])
def test_endless_loops_are_stopped_after_five_seconds(exercise, monkeypatch):
    limit = _answer._time_limit
    monkeypatch.setattr(_answer, "_time_limit", lambda seconds: limit(seconds / 50))

    def answer(*_):
        while True:
            pass

    assert "had not come back after 5 seconds" in say(exercise, answer)
