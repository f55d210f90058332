"""Checking the functions of chapter 4: their values, and whether autograd can go through them."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from adl.exercises._answer import Answer, Mistake
from adl.exercises._numbers import kind, nothing_returned
from adl.losses import relative_l1_loss, relative_l2_loss, two_sided_exp, two_sided_log

_TORCH_ONLY = (
    "Autograd follows torch's own functions only: compute with `torch.abs`, `torch.log` and the "
    "like, on whole tensors."
)
_ADVICE = (
    (
        r"Can't call numpy\(\) on Tensor|got numpy\.float|unexpected keyword argument '(axis|out)'",
        _TORCH_ONLY,
    ),
    (
        r"name '(log|log1p|sign|sgn|exp|mean|sqrt|pow|where|clamp|copysign|relu)' is not defined",
        "It belongs to torch: write `torch.` in front.",
    ),
    (r"has no attribute 'ln'", "torch's natural logarithm is `torch.log`."),
    (
        r"does not require grad",
        "Taking the gradient is left to whoever calls your function: return the tensor, and leave "
        "out `backward()`.",
    ),
    (
        r"'int' object has no attribute",
        "`power` is a plain number, and comes third: the arguments are outputs, targets and power, "
        "in this order.",
    ),
    (
        r"0-d tensor",
        "x may have any shape, that of a single number among them: compute on all of it at once.",
    ),
    (r"only one element tensors can be converted", f"`math` takes single numbers. {_TORCH_ONLY}"),
    (
        r"Boolean value of Tensor",
        "An `if` decides once for the whole tensor, but each number has a sign of its own.",
    ),
    (
        r"in-?place operation|leaf [Vv]ariable",
        "Something is changed in place: make a new tensor instead.",
    ),
)


# --- 4.1 The two-sided logarithm ------------------------------------------------------------------


def examine_two_sided_log(answer: Answer, rng: np.random.Generator) -> str | None:
    """Check ``two_sided_log(x)``; see `adl.exercises.Exercise`."""
    x = _draw_numbers(rng)
    y = _elementwise(answer, x, answer(x, advice=_ADVICE, seconds=5))
    _run(answer, changed := x.clone())
    _refuse_changes(changed, x)
    if not _is_close(y, two_sided_log(x)):
        raise Mistake(_mixed(answer, x, y) or _recognise_logarithm(x, y))
    _slopes(answer, x)  # there are some at all: most other troubles of NumPy's functions end here
    _examine_zero(answer)
    _examine_shapes(answer, x)
    _examine_extremes(answer)
    _examine_slopes(answer, x)
    return _remark(answer)


def _draw_numbers(rng: np.random.Generator) -> Tensor:
    """Draw numbers of both signs, some of either sign below 1 in size and some far above."""
    sizes = 10.0 ** rng.uniform([-1.5, -0.8, 0.4, 1.2, 2.4] * 2, [-0.8, -0.2, 1.2, 2.4, 3.5] * 2)
    return torch.tensor(rng.permutation(sizes * np.repeat([1, -1], 5)))


def _elementwise(answer: Answer, x: Tensor, y: object) -> Tensor:
    """What a reader's function returned, if it is a tensor like its argument."""
    asked = "asked for is a tensor with a number for each number of x"
    y = _tensor(answer, y, asked)
    if y.numel() == 1 and x.numel() > 1:
        raise Mistake(
            f"Your function returns a single number for {x.numel()}: is a sum or a mean taken? "
            "Here each number gets its own."
        )
    if y.shape != x.shape:
        raise Mistake(
            f"Your function returns the shape {tuple(y.shape)} for a tensor of shape "
            f"{tuple(x.shape)}; {asked}, in the same places."
        )
    if y.dtype != x.dtype:
        raise Mistake(
            f"Your function returns a tensor of {y.dtype} for one of {x.dtype}: keep the dtype."
            + (
                " A new tensor made of Python's numbers is float32, and has no gradient."
                if y.dtype == torch.float32
                else ""
            )
        )
    return y


_LOGARITHM_SLIPS: list[tuple[str, list[Callable[[Tensor], Tensor]]]] = [
    ("Your function returns its argument as it is.", [lambda x: x]),
    (
        "The sign is lost: -5 and 5 get the same. Put the sign of x in front.",
        [lambda x: x.abs().log1p()],
    ),
    (
        "The sign is turned round: negative numbers come out positive.",
        [lambda x: -two_sided_log(x)],
    ),
    (
        "The 1 is missing, and the sign: `log(abs(x))` is negative for sizes below 1, and -inf at "
        "0. Take the logarithm of 1 plus the size, and put the sign in front.",
        [lambda x: x.abs().log()],
    ),
    (
        "1 is added before the size is taken: `abs(1 + x)` is 0 at -1. Add 1 to the size.",
        [
            lambda x: (1 + x).abs().log(),
            lambda x: x.sign() * (1 + x).abs().log(),
            lambda x: (1 + x).sign() * (1 + x).abs().log(),
            lambda x: (1 + x).sign() * (1 + (1 + x).abs()).log(),
        ],
    ),
    (
        "1 is added outside of the logarithm: it belongs inside, to the size.",
        [lambda x: x.sign() * (1 + x.abs().log()), lambda x: 1 + x.abs().log()],
    ),
    (
        "The sign is added to the logarithm. Multiply by it.",
        [lambda x: x.sign() + x.abs().log1p()],
    ),
    (
        "The logarithm is multiplied by x itself; only its sign belongs there, 1 or -1.",
        [lambda x: x * x.abs().log1p()],
    ),
    (
        "The logarithm is squared. The square belongs to the loss; this function keeps the sign.",
        [lambda x: two_sided_log(x) ** 2, lambda x: two_sided_log(x) * x.abs().log1p()],
    ),
    (
        "x is squared inside the logarithm: take its size, `abs(x)`.",
        [
            lambda x: (x**2).log1p(),
            lambda x: (x**2).log1p() / 2,
            lambda x: x.sign() * (x**2).log1p(),
            lambda x: x.sign() * (x**2).log1p() / 2,
        ],
    ),
    (
        "This is the inverse hyperbolic sine. It has the same shape, and lies higher by log 2 for "
        "large x: asked for is the logarithm of 1 plus the size.",
        [torch.asinh],
    ),
    (
        "This is the inverse hyperbolic sine of half of x. It has the same shape, and is another "
        "function: asked for is the logarithm of 1 plus the size.",
        [lambda x: (x / 2).asinh()],
    ),
    (
        "There is an exponential in the logarithm: `log(1 + exp(x))` is nearly x itself for large "
        "x. Put the size of x in its place.",
        [
            torch.nn.functional.softplus,
            torch.nn.functional.logsigmoid,
            lambda x: (1 + x.exp()).log(),  # infinite from 710 on
            lambda x: x.sign() * (1 + x.abs().exp()).log(),
            lambda x: x.sign() * torch.nn.functional.softplus(x),
            lambda x: x.sign() * torch.nn.functional.softplus(x.abs()),
        ],
    ),
    (
        "1 is added twice, and the sign is lost: `log1p` adds a 1 of its own.",
        [lambda x: (x.abs() + 1).log1p()],
    ),
    (
        "1 is subtracted outside of the logarithm. The logarithm of 1 plus the size is 0 at 0 as "
        "it is.",
        [lambda x: x.sign() * (x.abs().log1p() - 1), lambda x: x.abs().log1p() - 1],
    ),
    (
        "Sizes below 1 are lost: they all come out as 0. Add 1 to the size; do not cut it off "
        "there.",
        [lambda x: x.sign() * x.abs().clamp_min(1).log(), lambda x: x.abs().clamp_min(1).log()],
    ),
    (
        "That squeezes everything between -1 and 1. A logarithm grows without end, only slowly.",
        [torch.tanh, torch.nn.functional.softsign, torch.erf, torch.sin],
    ),
    (
        "That is a root, which grows much faster than a logarithm.",
        [lambda x: x.sign() * x.abs().sqrt(), lambda x: x.abs().sqrt()],
    ),
    (
        "That is the inverse: it makes large numbers larger. The logarithm is asked for.",
        [two_sided_exp, lambda x: x.abs().exp(), lambda x: x.sign() * x.abs().exp()],
    ),
    ("All you return is the sign; the logarithm is missing.", [torch.sign]),
    (
        "The logarithms of negative numbers are cut off: they come out as one and the same.",
        [
            lambda x: x.relu().log1p(),
            *(lambda x, eps=eps: x.clamp_min(eps).log() for eps in (1e-12, 1e-10, 1e-8, 1e-6)),
        ],
    ),
]


def _mixed(answer: Answer, x: Tensor, y: Tensor) -> str | None:
    """Say so where the numbers of a tensor have to do with each other."""
    halves = [
        _elementwise(answer, half, _run(answer, half.clone(), where="for five numbers"))
        for half in x.chunk(2)
    ]
    if torch.allclose(torch.cat(halves), y, equal_nan=True):
        return None
    return (
        "What your function makes of a number depends on the other numbers in the tensor. Is a "
        "sum, a mean, a maximum or a norm taken? `torch.abs` is the size of each number."
    )


def _recognise_logarithm(x: Tensor, y: Tensor) -> str:
    """Say in words what is wrong with the values at ordinary numbers."""
    right = two_sided_log(x)
    if y.isnan().any():
        at = x[y.isnan()][0]
        return (
            f"For {at:.3g} your function returns nan, the logarithm of a negative number. Take the "
            "logarithm of 1 plus the size of x, and put the sign in front."
        )
    if (y == y[0]).all():
        return f"Your function returns {y[0]:.3g} whatever x is."
    for words, wrongs in _LOGARITHM_SLIPS:
        if any(_is_close(y, wrong(x)) for wrong in wrongs):
            return words
    for base in (10.0, 2.0):
        if _is_close(y.abs() * np.log(base), right.abs()):
            lost = " And the sign is not right." if not torch.equal(y.sign(), x.sign()) else ""
            return (
                f"That is the logarithm to base {base:g}. Asked for is the natural one, whose "
                f"slope at 0 is 1.{lost}"
            )
    if _is_close(y, right.round()) or any(
        _is_close(y, (right * 10**digits).round() / 10**digits) for digits in range(1, 5)
    ):
        return "The values are rounded: leave all digits, and no gradient gets lost."
    added = (x.sign() * y).exp() - x.abs()
    one = added.mean().abs()
    if (added - added.mean()).abs().max() < 1e-6 * x.abs().max() and (one - 1).abs() > 0.01:
        jump = one.log()
        what = f"{one:.2g} stands where 1 should" if one > 2e-3 else "The 1 is missing"
        if abs(one - 2) < 1e-6:
            what += " (`log1p` adds a 1 of its own)"
        return (
            f"{what}: next to 0 your function jumps between {jump:.3g} and {-jump:.3g}. Take the "
            "logarithm of 1 plus the size, which is 0 there."
        )
    ratio = y / right
    if _is_close(ratio, ratio.mean().expand_as(ratio)):
        return f"Your values are {ratio.mean():.3g} times what they should be."
    worst = (ratio - 1).abs().max()
    if worst < 0.01:
        return (
            f"Your values are nearly right, but off by up to {worst:.1g} of their size. Is a small "
            "number added on the way, to keep a denominator from being 0? `torch.sign` needs none."
        )
    for name, part in (("positive", x > 0), ("negative", x < 0)):
        if _is_close(y[part], right[part]):
            other = "negative" if name == "positive" else "positive"
            return f"All is right for {name} numbers, and wrong for {other} ones{_at(x, y, ~part)}."
    return f"The values are not sign(x) log(1 + abs(x)){_at(x, y, y != right)}."


def _at(x: Tensor, y: Tensor, part: Tensor) -> str:
    number = x[part][0]
    return (
        f": your function returns {y[part][0]:.4g} for {number:.4g}, where "
        f"{two_sided_log(number):.4g} is right"
    )


def _examine_zero(answer: Answer) -> None:
    x = torch.tensor([0.0, 1.5, -1.5], dtype=torch.float64)
    at_zero = _elementwise(answer, x, _run(answer, x.clone(), where="for a tensor with 0 in it"))[0]
    if at_zero.isnan():
        raise Mistake(
            "All is right but at 0, where your function returns nan. Is 0 divided by 0 there, as "
            "in `x / abs(x)`, or multiplied by an infinite logarithm? `torch.sign` is 0 at 0."
        )
    if at_zero.abs() > 1e-12:
        raise Mistake(
            f"All is right but at 0, which your function maps to {at_zero:.3g}. It has to be 0."
        )


def _examine_shapes(answer: Answer, x: Tensor) -> None:
    for like in (x.reshape(2, 5), x[:1].reshape(()), x.float()):
        where = f"for a tensor of shape {tuple(like.shape)} and {like.dtype}"
        y = _elementwise(answer, like, _run(answer, like.clone(), where=where))
        if not _is_close(y, two_sided_log(like), 1e-4 if like.dtype == torch.float32 else 1e-6):
            raise Mistake(f"All is right for x of one dimension in float64, and wrong {where}.")


def _examine_extremes(answer: Answer) -> None:
    for size, dtype in ((1e30, torch.float32), (1e200, torch.float64), (1e-9, torch.float64)):
        x = torch.tensor([size, -size], dtype=dtype)
        y = _elementwise(answer, x, _run(answer, x.clone(), where=f"for ±{size:g}"))
        if not _is_close(y, two_sided_log(x), 1e-4 if size > 1 else 0.01):
            raise Mistake(
                f"All is right for numbers of ordinary size. For {size:g} and {-size:g} in {dtype} "
                f"your function returns {y[0]:.4g} and {y[1]:.4g}, which should be "
                f"{two_sided_log(x)[0]:.4g} and its negative. " + _what_fails(size, y)
            )


def _what_fails(size: float, y: Tensor) -> str:
    if size < 1:
        return (
            "What is added to x on the way, or cut off? `torch.sign` needs no help against a "
            "division by 0."
        )
    if not y.isfinite().all():
        return "Is something squared on the way, or a power taken? That overflows."
    return "Is something cut off on the way, as by `clamp`?"


def _examine_slopes(answer: Answer, x: Tensor) -> None:
    x = torch.cat([x, x.new_tensor([1.0, -1.0, 1e30, -1e30])])
    slopes, right = _slopes(answer, x), 1 / (1 + x.abs())
    lost = ~slopes.isfinite()
    if lost.any():
        at = ", ".join(f"{number:.3g}" for number in x[lost][:3])
        both = (
            " `torch.where` computes both branches for every number. At 1 the branch for negative "
            "numbers is log(0), with an infinite slope, and choosing the other one multiplies that "
            "by 0: inf times 0 is nan. Take the size first, so that neither branch can fail."
            if bool((x[lost].abs() == 1).all())
            else ""
        )
        raise Mistake(f"The values are right, but the gradient is not finite at {at}.{both}")
    if not _is_close(slopes, right):
        at = (slopes - right).abs().argmax()
        raise Mistake(
            f"The values are right, the gradient is not: at {x[at]:.3g} it is {slopes[at]:.3g}, "
            f"and the slope of the function is {right[at]:.3g}. Is a part of it detached?"
        )


def _slopes(answer: Answer, x: Tensor) -> Tensor:
    """The gradient of a reader's function at each number."""
    x = x.clone().requires_grad_()
    return _gradient(answer, _run(answer, x, where="for a tensor that requires grad"), x)


def _remark(answer: Answer) -> str | None:
    """What to say of the slope at 0, where PyTorch has to choose one."""
    slope = _slopes(answer, torch.tensor([0.0, 2.0], dtype=torch.float64))[0] + 0.0  # no -0
    if not slope.isfinite():
        raise Mistake(
            f"The values are right, but at 0 the gradient is {slope:.3g}: a single output that is "
            "exactly 0 would spoil all weights. A root, a quotient such as `x / abs(x)` or the "
            "logarithm of 0 has no slope there, not even in the branch of a `torch.where` that is "
            "not chosen. `abs` and `sign` do no harm."
        )
    if slope == 1:
        return None
    return (
        "Right for both signs, for tiny and for huge numbers. One remark: at exactly 0 PyTorch "
        f"gives your function the slope {slope:.2g}, where it truly is 1. At a kink it has to "
        "choose a slope for each part (for `sign` and `abs` it chooses 0), and kinks that cancel "
        "are not seen to. An output is hardly ever exactly 0, so you may leave it; "
        "`adl.losses.two_sided_log` has the slope 1 there."
    )


# --- 4.2 The relative loss ------------------------------------------------------------------------

_Loss = Callable[[Tensor, Tensor, int], Tensor]
_FLOAT32 = 1e-5  # the box does not ask for float64
_POWERS = {1: relative_l1_loss, 2: relative_l2_loss}


def examine_relative_loss(answer: Answer, rng: np.random.Generator) -> None:
    """Check ``relative_loss(outputs, targets, power)``; see `adl.exercises.Exercise`."""
    outputs, targets = _draw_examples(rng, 40)
    found = []
    for power in _POWERS:
        asked = (outputs, targets, power)
        value = answer(*asked, where=f"for power {power}", advice=_ADVICE, seconds=5)
        found.append(_single(answer, value, outputs, targets))
        changed = [outputs.clone(), targets.clone()]
        _run(answer, *changed, power)
        for part, before in zip(changed, asked, strict=False):
            _refuse_changes(part, before)
    if not _is_right(found, outputs, targets, tolerance=_FLOAT32):
        raise Mistake(_recognise_loss(found, outputs, targets))
    _examine_table(answer, rng)
    _examine_gradient(answer, rng)


def _draw_examples(rng: np.random.Generator, *shape: int) -> tuple[Tensor, Tensor]:
    """Draw targets of both signs and several sizes, and outputs too large and too small."""
    sizes = 10.0 ** rng.uniform(-1, 1.5, shape)
    targets = sizes * rng.choice([-1.0, 1.0], shape)
    outputs = targets * rng.uniform(0.2, 2.5, shape) + rng.normal(0.3, 0.5, shape)
    return torch.tensor(outputs), torch.tensor(targets)


def _single(answer: Answer, value: object, outputs: Tensor, targets: Tensor) -> Tensor:
    """What a reader's function returned, if it is a tensor of one number."""
    value = _tensor(answer, value, "asked for is the loss, a tensor of one number")
    if value.numel() == 1:
        return value.detach().reshape(()).double()
    raise Mistake(
        "Your function returns a number for each example: take the mean of them."
        if value.shape == outputs.shape
        else f"Your function returns a tensor of shape {tuple(value.shape)} for examples of shape "
        f"{tuple(outputs.shape)}; asked for is one number, the mean over all of them."
    )


def _right(outputs: Tensor, targets: Tensor, power: int) -> Tensor:
    return _POWERS[power](outputs, targets)


def _is_right(
    found: list[Tensor],
    outputs: Tensor,
    targets: Tensor,
    loss: _Loss = _right,
    tolerance: float = 1e-6,
) -> bool:
    """Whether a loss explains what was returned for all powers."""
    right = torch.stack([loss(outputs, targets, power) for power in _POWERS])
    return _is_close(torch.stack(found), right, tolerance)


_BRACKETS = (
    "Brackets are missing in the denominator: `/ 1 + abs(targets)` divides by 1, and adds the "
    "targets afterwards. Write `/ (1 + abs(targets))`."
)
_NO_SIZE = (
    "The denominator has `targets` where it should have their absolute value: `1 + targets` is 0 "
    "at -1, and negative below, so an error near there counts without limit, or as a gain."
)
_NO_ONE = (
    "The denominator lacks the 1: without it, an error counts without limit where the target is "
    "near 0."
)
_OUTPUTS_BELOW = (
    "The outputs stand in the denominator, where the targets should: a share of what was "
    "predicted, and huge predictions would make any loss small. Or are the arguments in another "
    "order? The outputs come first."
)
_MEAN_FIRST = (
    "The mean is taken before the power. The mean of squares is not the square of a mean: raise "
    "each example's share to the power first."
)
_SIGN_KEPT = (
    "The numerator lacks its absolute value: for power 1, errors of both signs cancel, and too "
    "little counts as a gain. Take it of each error; around the mean it comes too late."
)
_MEANS_DIVIDED = (
    "Numerator and denominator are averaged, or added up, each on its own. Divide for each "
    "example first, then take the mean."
)
_NUMERATOR_ONLY = (
    "The power is taken of the numerator alone: an error of 100 at a target of 99 is a share of 1, "
    "and its square is 1, not 100. Raise the whole quotient."
)
_POWER_UNUSED = "`power` does nothing in your function: for 1 and for 2 it returns the same."
_ROOT = "A root is taken at the end; asked for is the mean itself."

_LOSS_SLIPS: list[tuple[str, list[_Loss]]] = [
    (
        _BRACKETS,
        [
            lambda o, t, p: (((o - t).abs() / 1 + t.abs()) ** p).mean(),
            lambda o, t, p: ((o - t).abs() ** p / 1 + t.abs() ** p).mean(),
            lambda o, t, p: ((o - t).abs() ** p / 1 + t.abs()).mean(),
            lambda o, t, p: (((o - t) / 1 + t.abs()) ** p).mean(),
        ],
    ),
    (
        _NO_SIZE,
        [
            lambda o, t, p: (((o - t).abs() / (1 + t)) ** p).mean(),
            lambda o, t, p: (((o - t) / (1 + t)) ** p).mean(),
            lambda o, t, p: (((o - t) / (1 + t)).abs() ** p).mean(),
            lambda o, t, p: ((o - t).abs() ** p / (1 + t)).mean(),
            lambda o, t, p: (((o - t) / (1 + t).abs()) ** p).mean(),
        ],
    ),
    (
        "Brackets are missing in the numerator: `outputs - targets / ...` divides the targets "
        "alone. Write `(outputs - targets) / ...`.",
        [
            lambda o, t, p: ((o - t / (1 + t.abs())).abs() ** p).mean(),
            lambda o, t, p: ((o - t / (1 + t.abs())) ** p).mean(),
            lambda o, t, p: ((o - t / 1 + t.abs()).abs() ** p).mean(),
        ],
    ),
    (
        "The larger of the two, 1 or the target's size, stands in the denominator. Add the two.",
        [lambda o, t, p: (((o - t).abs() / t.abs().clamp_min(1)) ** p).mean()],
    ),
    (
        "The target is squared in the denominator: take its size, `abs(targets)`.",
        [
            lambda o, t, p: (((o - t).abs() / (1 + t**2)) ** p).mean(),
            lambda o, t, p: (((o - t).abs() / (1 + t**2).sqrt()) ** p).mean(),
        ],
    ),
    (
        "The 1 has come into the numerator, or beside the quotient: it belongs in the "
        "denominator alone. An output without error costs nothing.",
        [
            lambda o, t, p: (((1 + (o - t).abs()) / (1 + t.abs())) ** p).mean(),
            lambda o, t, p: (((1 + (o - t).abs()) / t.abs()) ** p).mean(),
            lambda o, t, p: ((1 + (o - t).abs() / t.abs()) ** p).mean(),
            lambda o, t, p: ((1 + (o - t).abs() / (1 + t.abs())) ** p).mean(),
        ],
    ),
    (
        _NO_ONE,
        [
            wrong
            for eps in (0.0, 1e-12, 1e-10, 1e-9, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1)
            for wrong in (
                lambda o, t, p, eps=eps: (((o - t).abs() / (eps + t.abs())) ** p).mean(),
                lambda o, t, p, eps=eps: (((o - t).abs() / (eps + t)) ** p).mean(),
                lambda o, t, p, eps=eps: (((o - t) / (eps + t.abs())) ** p).mean(),
                lambda o, t, p, eps=eps: (((o - t) / (eps + t)) ** p).mean(),
                lambda o, t, p, eps=eps: (((t - o) / (eps + t)) ** p).mean(),
            )
        ],
    ),
    (
        _OUTPUTS_BELOW,
        [
            lambda o, t, p: (((o - t).abs() / (1 + o.abs())) ** p).mean(),
            lambda o, t, p: (((o - t).abs() / (1 + o)) ** p).mean(),
            lambda o, t, p: (((o - t).abs() / o.abs()) ** p).mean(),
            lambda o, t, p: (((o - t) / (1 + o.abs())) ** p).mean(),
        ],
    ),
    (
        "The error stands in the denominator, too: divide by 1 plus the size of the target.",
        [lambda o, t, p: (((o - t).abs() / (1 + (o - t).abs())) ** p).mean()],
    ),
    (
        "The outputs' size has come into the denominator beside the targets': what an output "
        "should be measured by is the target alone.",
        [
            lambda o, t, p: (((o - t).abs() / (1 + o.abs() + t.abs())) ** p).mean(),
            lambda o, t, p: (((o - t).abs() / (1 + torch.maximum(o.abs(), t.abs()))) ** p).mean(),
            lambda o, t, p: ((2 * (o - t).abs() / (1 + o.abs() + t.abs())) ** p).mean(),
            lambda o, t, p: (((o - t).abs() / (o.abs() + t.abs())) ** p).mean(),
            lambda o, t, p: ((2 * (o - t).abs() / (o.abs() + t.abs())) ** p).mean(),
        ],
    ),
    (
        _SIGN_KEPT,
        [
            lambda o, t, p: (((o - t) / (1 + t.abs())) ** p).mean(),
            lambda o, t, p: (((t - o) / (1 + t.abs())) ** p).mean(),
            lambda o, t, p: (((o - t) / (1 + t.abs())) ** p).mean().abs(),
        ],
    ),
    (
        f"{_SIGN_KEPT} And the mean is taken before the power.",
        [
            lambda o, t, p: ((o - t) / (1 + t.abs())).mean().abs() ** p,
            lambda o, t, p: ((o - t) / (1 + t.abs())).mean() ** p,
            lambda o, t, p: ((t - o) / (1 + t.abs())).mean() ** p,
        ],
    ),
    (_MEAN_FIRST, [lambda o, t, p: ((o - t).abs() / (1 + t.abs())).mean() ** p]),
    (
        _MEANS_DIVIDED,
        [
            lambda o, t, p: ((o - t).abs() ** p).mean() / ((1 + t.abs()) ** p).mean(),
            lambda o, t, p: ((o - t).abs().mean() / (1 + t.abs()).mean()) ** p,
            lambda o, t, p: ((o - t).abs() ** p).mean() / (1 + t.abs()).mean(),
            lambda o, t, p: ((o - t).abs() ** p).mean() / (1 + t.abs().mean()),
            lambda o, t, p: (((o - t).abs() / (1 + t.abs().mean())) ** p).mean(),
            lambda o, t, p: (((o - t).abs() / (1 + t.abs()).sum()) ** p).sum(),
            lambda o, t, p: ((o - t).abs() ** p).sum() / (1 + (t.abs() ** p).sum()),
            lambda o, t, p: ((o - t).abs() ** p).sum() / (t.abs() ** p).sum(),
            lambda o, t, p: ((o - t).abs().sum() / (1 + t.abs().sum())) ** p,
            lambda o, t, p: (((o - t).abs().mean() / (1 + t.abs())) ** p).mean(),
            lambda o, t, p: ((o - t).abs() ** p).mean() * (1 / (1 + t.abs()) ** p).mean(),
        ],
    ),
    (_NUMERATOR_ONLY, [lambda o, t, p: ((o - t).abs() ** p / (1 + t.abs())).mean()]),
    (
        "The power is taken of the denominator alone: raise the whole quotient.",
        [lambda o, t, p: ((o - t).abs() / (1 + t.abs()) ** p).mean()],
    ),
    (
        "The power is taken of the target's size alone, before the 1 is added: raise the whole "
        "quotient.",
        [
            lambda o, t, p: ((o - t).abs() ** p / (1 + t.abs() ** p)).mean(),
            lambda o, t, p: ((o - t).abs() / (1 + t.abs() ** p)).mean(),
        ],
    ),
    (
        "The share is multiplied by `power` where it should be raised to it: a power is written "
        "`**`.",
        [
            lambda o, t, p: ((o - t).abs() / (1 + t.abs()) * p).mean(),
            lambda o, t, p: ((o - t).abs() * p / (1 + t.abs())).mean(),
        ],
    ),
    (
        _POWER_UNUSED,
        [lambda o, t, p, fixed=fixed: _right(o, t, fixed) for fixed in _POWERS],
    ),
    (
        _ROOT,
        [lambda o, t, p: _right(o, t, p) ** (1 / p), lambda o, t, p: _right(o, t, p) ** 0.5],
    ),
    (
        "The examples are added up. Take their mean, so that the loss does not grow with the "
        "number of examples.",
        [
            lambda o, t, p: _right(o, t, p) * o.numel(),
            lambda o, t, p: ((o - t).abs() / (1 + t.abs())).sum() ** p,
        ],
    ),
    (
        "A median or a maximum stands where the mean should.",
        [
            lambda o, t, p: (((o - t).abs() / (1 + t.abs())) ** p).median(),
            lambda o, t, p: (((o - t).abs() / (1 + t.abs())) ** p).quantile(0.5),
            lambda o, t, p: (((o - t).abs() / (1 + t.abs())) ** p).max(),
        ],
    ),
    (
        "The denominator is missing: that is the error in the target's own unit.",
        [lambda o, t, p: ((o - t).abs() ** p).mean(), lambda o, t, p: ((o - t) ** p).mean()],
    ),
    (
        "That compares sizes only: an output of the wrong sign would count as right. Take the "
        "difference first, then its size.",
        [
            lambda o, t, p: (((o.abs() - t.abs()).abs() / (1 + t.abs())) ** p).mean(),
            lambda o, t, p: (((o.abs() - t.abs()) / (1 + t.abs())) ** p).mean(),
        ],
    ),
    (
        "The numerator takes the size of one of the two before the difference. Subtract first, "
        "then take the size.",
        [
            lambda o, t, p: (((o - t.abs()).abs() / (1 + t.abs())) ** p).mean(),
            lambda o, t, p: (((o - t.abs()) / (1 + t.abs())) ** p).mean(),
            lambda o, t, p: (((o.abs() - t).abs() / (1 + t.abs())) ** p).mean(),
            lambda o, t, p: (((o.abs() - t) / (1 + t.abs())) ** p).mean(),
        ],
    ),
    (
        "The numerator has the outputs alone: subtract the targets.",
        [lambda o, t, p: ((o.abs() / (1 + t.abs())) ** p).mean()],
    ),
    (
        "That compares logarithms. Asked for is the error as a share of the target.",
        [
            lambda o, t, p: ((two_sided_log(o) - two_sided_log(t)).abs() ** p).mean(),
            lambda o, t, p: (two_sided_log(o - t).abs() ** p).mean(),
        ],
    ),
    (
        "That is 1 minus the loss.",
        [lambda o, t, p: 1 - _right(o, t, p)],
    ),
    (
        "The loss is negative: the larger the error, the smaller it is.",
        [lambda o, t, p: -_right(o, t, p)],
    ),
]


def _recognise_loss(found: list[Tensor], outputs: Tensor, targets: Tensor) -> str:
    """Say in words what is wrong with the losses for the two powers."""
    for words, wrongs in _LOSS_SLIPS:
        if any(_is_right(found, outputs, targets, wrong) for wrong in wrongs):
            return words
    if not all(value.isfinite() for value in found):
        return "Your function returns inf or nan: is something divided by 0?"
    if not any(found):
        return (
            "Your function returns 0 for both powers, though none of the outputs equals its target."
        )
    if _is_close(*found):
        return f"{_POWER_UNUSED} And neither is right."
    one, two = (
        _is_close(value, _right(outputs, targets, power))
        for power, value in zip(_POWERS, found, strict=True)
    )
    if one or two:
        return (
            f"Your function is right for power {1 if one else 2}, and wrong for {2 if one else 1}."
        )
    ratios = [value / _right(outputs, targets, p) for p, value in zip(_POWERS, found, strict=True)]
    if _is_close(*ratios):
        return f"Your losses are {ratios[0]:.3g} times what they should be."
    if ratios[0] > 0 and _is_close(ratios[0] ** 2, ratios[1]):
        return f"Each share is {ratios[0]:.3g} times what it should be."
    return (
        f"For {outputs.numel()} examples your function returns {found[0]:.4g} for power 1 and "
        f"{found[1]:.4g} for power 2, where it should be {_right(outputs, targets, 1):.4g} and "
        f"{_right(outputs, targets, 2):.4g}. Try one example: output 3, target -1."
    )


def _examine_table(answer: Answer, rng: np.random.Generator) -> None:
    """Two dimensions; and targets of 0, and outputs without error."""
    outputs, targets = _draw_examples(rng, 3, 5)
    targets[0, :2] = 0
    outputs[0, 1] = 0
    for power in _POWERS:
        where = "for outputs and targets of shape (3, 5), with targets of 0 among them"
        value = _single(
            answer, _run(answer, outputs, targets, power, where=where), outputs, targets
        )
        right = _right(outputs, targets, power)
        if not _is_close(value, right, _FLOAT32):
            by_rows = _is_close(value, right * outputs.numel() / len(outputs))
            rows = (
                " Divide by the number of all examples, 15 here: `len` counts rows."
                if by_rows
                else ""
            )
            raise Mistake(f"All is right for examples in a row, and wrong {where}.{rows}")


def _examine_gradient(answer: Answer, rng: np.random.Generator) -> None:
    outputs, targets = _draw_examples(rng, 12)
    for hit in (False, True):
        if hit:
            outputs[3] = targets[3]
        for power in _POWERS:
            theirs, ours = (outputs.clone().requires_grad_() for _ in range(2))
            value = _run(answer, theirs, targets, power, where="for outputs that require grad")
            gradient = _gradient(answer, value, theirs)
            (right,) = torch.autograd.grad(_right(ours, targets, power), ours)
            if (hit and gradient[3].isfinite()) or _is_close(gradient, right, 1e-4):
                continue
            if hit:
                raise Mistake(
                    "All is right but for an output that equals its target, where the gradient is "
                    f"{gradient[3]:.3g}. A root or a logarithm has an infinite slope at 0; `abs` "
                    "does no harm."
                )
            raise Mistake(
                f"The values are right, the gradient for power {power} is not. Is a part of it "
                "detached?"
            )


# --- Both -----------------------------------------------------------------------------------------


def _run(answer: Answer, *arguments: object, where: str = "") -> object:
    """Call a reader's function on these very tensors, so that autograd can follow."""
    return answer.run(lambda: answer.function(*arguments), where=where, advice=_ADVICE, seconds=5)


def _tensor(answer: Answer, value: object, asked: str) -> Tensor:
    if value is None:
        raise Mistake(nothing_returned(answer, "end with `return` and the tensor"))
    if isinstance(value, np.ndarray | np.generic | float | int):
        raise Mistake(
            f"Your function returns {kind(value)}, which has no gradient, so that no network could "
            "be trained through it. Leave out `.item()` and NumPy, and return torch's tensor."
        )
    if not isinstance(value, Tensor):
        raise Mistake(f"Your function returns {kind(value)}; {asked}.")
    if not value.is_floating_point():
        raise Mistake(
            f"Your function returns a tensor of {value.dtype}: asked for are floating numbers, "
            "which have a gradient."
        )
    return value


def _gradient(answer: Answer, value: object, x: Tensor) -> Tensor:
    """The gradient of what a reader's function made of `x`."""
    gradient = None
    if isinstance(value, Tensor) and value.requires_grad:
        total = value.sum()
        (gradient,) = answer.run(
            lambda: torch.autograd.grad(total, x, allow_unused=True),
            where="when the gradient is taken",
            advice=_ADVICE,
        )
    if gradient is None:
        raise Mistake(
            "The values are right, but they carry no gradient: on the way the numbers leave torch, "
            "by `.item()`, `.detach()`, `.data`, `float()`, NumPy, or by a new `torch.tensor(...)`."
            f" {_TORCH_ONLY}"
        )
    return gradient


def _refuse_changes(now: Tensor, before: Tensor) -> None:
    if not torch.equal(now, before):
        raise Mistake(
            "Your function changes its argument in place (by `x[...] = ...`, `+=`, or a name that "
            "ends in an underscore, as `abs_`): whoever called it still needs it. Make a new "
            "tensor."
        )


def _is_close(value: Tensor, right: Tensor, tolerance: float = 1e-6) -> bool:
    return torch.allclose(value, right, rtol=tolerance, atol=1e-12)
