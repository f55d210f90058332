"""Checking a reader's model with sinusoidal features, and a reader's tangent kernel."""

import math
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from adl.exercises._answer import Answer, Mistake, NotAttempted
from adl.exercises._numbers import kind, nothing_returned

# --- 5.2 A linear model with sinusoidal features --------------------------------------------------

_NO_GRADIENT = (
    "`phi` has the right values, and no gradient with respect to x: NumPy, `math`, `detach()` and "
    "`torch.tensor(...)` let none through. Compute with `torch.cos`, `torch.sin` and "
    "`torch.arange`."
)
_IN_TORCH = (
    "With NumPy the numbers leave torch: no gradient passes, and `torch.func` refuses the model. "
    "Compute with `torch.cos`, `torch.sin` and `torch.arange`."
)
_LINSIN_ADVICE = (
    (r"must be Tensor, not numpy|Can't call numpy\(\)|got numpy", _IN_TORCH),
    (
        r"'range'|to an index|sequence by non-int|not list|'list' and",
        "A `range` or a list cannot be multiplied by a tensor: `torch.arange(...)` can.",
    ),
    (
        r"only one element tensors|converted to Python scalars",
        "`math` takes single numbers: `torch.cos` and `torch.sin` take whole tensors.",
    ),
    (
        r"'float' object cannot be interpreted as an integer",
        "`/` makes a float, even of 8 / 2: `//` makes a whole number.",
    ),
    (
        r"mat1 and mat2 shapes cannot be multiplied",
        "`lout` wants `feature_dim` numbers for each example. Is it applied to x itself? The "
        "features come first: `self.lout(self.phi(x))`.",
    ),
    (r"name '(phi|lout|feature_dim)' is not defined", "It belongs to the model: `self.` in front."),
    (
        r"takes \d+ positional arguments? but \d+ were given",
        "The first argument of every method is the model itself: is `self` missing after `def`?",
    ),
    (r"before Module.__init__\(\) call", "`super().__init__()` comes first in `__init__`."),
    (
        r"tensor of dimension 0|0-?[dD] tensor",
        "`squeeze()` takes away every axis of length 1: with a single example, none is left.",
    ),
    (
        r"size of tensor a|Sizes of tensors must match|outer: expected|vector",
        "x has the shape (n, 1), and `torch.arange(...)` is one row: their product has a row for "
        "each example, and a column for each k.",
    ),
)


def examine_linsin(answer: Answer, rng: np.random.Generator) -> None:
    """Check ``LinSin(feature_dim)``; see `adl.exercises.Exercise`."""
    if isinstance(answer.function, nn.Module):
        raise Mistake("Hand in the class `LinSin` itself, and not a model that is made of it.")
    for feature_dim in (8, 4, 12):  # 8 first: the frequencies of few can be explained in many ways
        model = _make(answer, feature_dim)
        x = torch.tensor(rng.uniform(-1, 1, (int(rng.choice([7, 9, 11])), 1)), dtype=torch.float32)
        features = _features(answer, model, x, f"for feature_dim={feature_dim}")
        if not _same_columns(features, _sinusoids(x, feature_dim)):
            raise Mistake(_recognise_features(features, x, feature_dim))
        _examine_forward(answer, model, x, features)
        one = x[:1]
        alone = _features(answer, model, one, "for a single example, of shape (1, 1)")
        if not _same_columns(alone, _sinusoids(one, feature_dim)):
            raise Mistake("`phi` is right for several examples, and wrong for one of shape (1, 1).")
        watched = _features(
            answer, model, x.clone().requires_grad_(), "for an x that requires grad"
        )
        if not watched.requires_grad:
            raise Mistake(_NO_GRADIENT)


def _make(answer: Answer, feature_dim: int) -> Any:
    model = answer(feature_dim, where=f"for feature_dim={feature_dim}", advice=_LINSIN_ADVICE)
    if not isinstance(model, nn.Module):
        raise Mistake(
            f"`{answer.name}({feature_dim})` makes {kind(model)}, which is no torch module: "
            f"`class {answer.name}(nn.Module):`."
        )
    if not callable(getattr(model, "phi", None)):
        raise Mistake("Your class has no method `phi`.")
    lout = getattr(model, "lout", None)
    if not isinstance(lout, nn.Linear):
        raise Mistake("Your model has no layer `lout`: leave `__init__` as it is in the stub.")
    if (lout.in_features, lout.out_features) != (feature_dim, 1):
        raise Mistake(
            f"`lout` takes {lout.in_features} numbers and gives {lout.out_features}; for "
            f"feature_dim={feature_dim} it should take {feature_dim} and give 1. Leave `__init__` "
            "as it is in the stub."
        )
    if lout.bias is None:
        raise Mistake("`lout` has lost its bias: leave `__init__` as it is in the stub.")
    return model


def _features(answer: Answer, model: Any, x: Tensor, where: str) -> Tensor:
    """What `phi` returns, if it is a tensor of the right dtype."""
    value = answer.run(lambda: model.phi(x), where=f"in `phi`, {where}", advice=_LINSIN_ADVICE)
    if value is ...:
        raise NotAttempted("`phi` returns `...`")
    if value is None:
        raise Mistake(nothing_returned(answer, "end `phi` with `return` and the features"))
    if isinstance(value, np.ndarray):
        raise Mistake(f"`phi` returns a NumPy array. {_IN_TORCH}")
    if isinstance(value, list | tuple) and any(isinstance(part, Tensor) for part in value):
        raise Mistake(
            f"`phi` returns {kind(value)}; asked for is a tensor: `torch.cat(..., dim=1)` joins "
            "the parts."
        )
    if not isinstance(value, Tensor):
        raise Mistake(f"`phi` returns {kind(value)}; asked for is a tensor.")
    if value.dtype != x.dtype:
        raise Mistake(
            f"`phi` returns {value.dtype} for an x of {x.dtype}, and `lout` refuses that. An array "
            "of NumPy's is float64 and makes all float64 that it is multiplied by: take "
            "`torch.arange`."
        )
    return value


def _waves(x: Tensor, ks: list[float], base: float = 2 * math.pi) -> tuple[Tensor, Tensor]:
    angles = base * x * torch.tensor(ks, dtype=x.dtype)
    return angles.cos(), angles.sin()


def _sinusoids(x: Tensor, feature_dim: int) -> Tensor:
    return torch.cat(_waves(x, list(range(1, feature_dim // 2 + 1))), dim=1)


def _same_columns(found: Tensor, asked: Tensor, tolerance: float = 1e-3) -> bool:
    """Whether two tables have the same columns, in whichever order."""
    if found.shape != asked.shape:
        return False
    apart = (found.detach()[:, :, None] - asked[:, None, :]).abs().amax(dim=0)
    free = set(range(asked.shape[1]))
    for row in (apart < tolerance).tolist():
        fitting = [column for column in free if row[column]]
        if not fitting:
            return False
        free.remove(fitting[0])
    return True


_SHORT = (
    "Your π is too short: with many features, its error is multiplied by k. `math.pi` has all "
    "digits."
)
_BASES = {
    2 * math.pi: "",
    math.pi: "The factor 2 is missing: 2πkx is asked for, and it is πkx.",
    1.0: "2π is missing: the features are the cosine and sine of kx.",
    2.0: "π is missing: the features are the cosine and sine of 2kx.",
    0.2 * math.pi: "2π is asked for, and it is 0.2π.",
    **{2 * short: _SHORT for short in (3.14, 3.141, 3.1415, 3.142, 22 / 7)},
    360.0: "The angles are in degrees; torch counts in radians, 2π for a whole turn.",
    180.0: "The angles are in degrees; torch counts in radians, 2π for a whole turn.",
}
_FROM_ZERO = (
    "k begins at 0 (as in `torch.arange(n)`), and it should at 1. A sine of 0 is 0 everywhere, a "
    "feature that can learn nothing; a cosine of 0 is 1 everywhere, which the bias is already; and "
    "the highest frequency is missing."
)
_FREQUENCIES: list[tuple[str, Callable[[int], list[float]]]] = [
    (_FROM_ZERO, lambda half: list(range(half))),
    (
        "Each angle is doubled: k counts in twos, or 2π has a factor 2 too many.",
        lambda half: _ks(2, 2 * half + 1, 2),
    ),
    ("k counts in twos: take 1, 2, 3, up to feature_dim / 2.", lambda half: _ks(1, 2 * half, 2)),
    ("k counts in twos: take 1, 2, 3, up to feature_dim / 2.", lambda half: _ks(0, 2 * half, 2)),
    ("k begins at 2: take 1, 2, 3, up to feature_dim / 2.", lambda half: _ks(2, half + 2)),
    ("k is missing: all pairs have the same frequency.", lambda half: [1] * half),
    (
        "All pairs have the last frequency: take every k from 1 up to feature_dim / 2.",
        lambda half: [half] * half,
    ),
    ("It has powers of 2 in place of k.", lambda half: [2**k for k in range(half)]),
    ("It has powers of 2 in place of k.", lambda half: [2**k for k in range(1, half + 1)]),
    ("It has k² in place of k.", lambda half: [k**2 for k in range(1, half + 1)]),
    ("It divides by k, and should multiply.", lambda half: [1 / k for k in range(1, half + 1)]),
    (
        "Each angle is divided by the number of frequencies: is it `linspace`, or `arange(...) / "
        "n`?",
        lambda half: [k / half for k in range(1, half + 1)],
    ),
]


def _ks(*bounds: int) -> list[float]:
    return list(range(*bounds))


def _recognise_features(found: Tensor, x: Tensor, feature_dim: int) -> str:
    """Say in words what is wrong with a table of features."""
    n, half = len(x), feature_dim // 2
    if tuple(found.shape) != (n, feature_dim):
        return _wrong_shape(found, x, feature_dim)
    if not found.isfinite().all():
        return "`phi` returns nan or inf. Is something divided by 0?"
    for words, wrong in _feature_slips(x, half):
        if _same_columns(found, wrong):
            return words
    asked = _sinusoids(x, feature_dim)
    size = float(found.square().mean().sqrt() / asked.square().mean().sqrt())
    if size > 0 and _same_columns(found / size, asked):
        return f"The features are {size:.3g} times as large as they should be."
    if torch.allclose(found.detach().flatten().sort()[0], asked.flatten().sort()[0], atol=1e-3):
        return (
            "The right numbers stand in the wrong places: `reshape` does not turn a table round. A "
            "row for each example, a column for each feature."
        )
    there = sum(
        bool(((found.detach() - column[:, None]).abs().amax(dim=0) < 1e-3).any())
        for column in asked.T
    )
    return (
        f"Of the {feature_dim} features for feature_dim={feature_dim}, {there} are in your table. "
        "Asked for are cos(2πkx) and sin(2πkx) for k = 1, 2, up to feature_dim / 2."
    )


def _feature_slips(x: Tensor, half: int) -> Iterator[tuple[str, Tensor]]:
    """What may stand in the place of the features, and what to say of it."""
    for about_k, frequencies in (("", lambda half: _ks(1, half + 1)), *_FREQUENCIES):
        for base, about_base in _BASES.items():
            waves = _waves(x, frequencies(half), base)
            yield f"{about_base} {about_k}".strip(), torch.cat(waves, dim=1)
    for base, about_base in _BASES.items():
        for ks in (_ks(1, 2 * half + 1), _ks(2 * half), 2 * _ks(1, half + 1)):
            cosines, sines = _waves(x, ks, base)
            yield f"All columns are cosines: each k has a sine, too. {about_base}".strip(), cosines
            yield f"All columns are sines: each k has a cosine, too. {about_base}".strip(), sines
            for even, odd in ((cosines, sines), (sines, cosines)):
                words = "k grows with each column. A cosine and a sine have the same k."
                table = torch.cat([even[:, ::2], odd[:, 1::2]], dim=1)
                yield f"{words} {about_base}".strip(), table
    cosines, sines = _waves(x, _ks(1, half + 1))
    for turned in ((-cosines, sines), (cosines, -sines), (-cosines, -sines)):
        yield "The cosines or the sines have the wrong sign.", torch.cat(turned, dim=1)
    cosine, sine = _waves(x, [1])
    powers = torch.cat([wave**k for k in _ks(1, half + 1) for wave in (cosine, sine)], dim=1)
    yield "It has the powers of one cosine and one sine. k belongs inside, to the angle.", powers


def _wrong_shape(found: Tensor, x: Tensor, feature_dim: int) -> str:
    n, half, shape = len(x), feature_dim // 2, tuple(found.shape)
    said = (
        f"`phi` returns the shape {shape} for {n} examples and feature_dim={feature_dim}, where it "
        f"should be {(n, feature_dim)}."
    )
    if shape == (2 * n, half):
        return (
            f"{said} Sines and cosines are put below each other: `torch.cat(..., dim=1)` puts them "
            "side by side."
        )
    if found.ndim == 3:
        return f"{said} Sines and cosines are stacked: join them with `torch.cat(..., dim=1)`."
    if shape == (feature_dim, n):
        return f"{said} It is transposed: examples are rows, features are columns."
    if shape == (n, half):
        pair = zip(_waves(x, _ks(1, half + 1)), ("cosines", "sines"), strict=True)
        only = [name for wave, name in pair if _same_columns(found, wave)]
        if _same_columns(found, sum(_waves(x, _ks(1, half + 1)))):
            return f"{said} Cosine and sine are added: each is a feature of its own."
        return f"{said} Only the {only[0]} are there." if only else f"{said} Half is missing."
    if shape == (n, 2):
        return f"{said} There is one k only: take every k from 1 up to feature_dim / 2."
    if shape == (n, feature_dim + 1):
        return f"{said} One column is too many: a column of ones is the bias, which `lout` has."
    if shape == (n, 2 * feature_dim):
        return (
            f"{said} k runs up to feature_dim. Each k makes two features, so it ends at "
            "feature_dim / 2."
        )
    if shape == (n, feature_dim - 2):
        return f"{said} One k is missing: `arange` and `range` leave out the last number."
    if shape == (n, feature_dim + 2):
        return f"{said} There is one k too many: take 1, 2, 3, up to feature_dim / 2."
    return said


def _examine_forward(answer: Answer, model: Any, x: Tensor, features: Tensor) -> None:
    where = "in `forward`"
    value = answer.run(lambda: model(x), where=where, advice=_LINSIN_ADVICE)
    right = "`phi` is right."
    if value is ...:
        raise Mistake(f"{right} `forward` still returns `...`.")
    if value is None:
        raise Mistake(f"{right} `forward` returns nothing. Is a `return` missing?")
    if not isinstance(value, Tensor):
        raise Mistake(f"{right} `forward` returns {kind(value)}; asked for is a tensor.")
    with torch.no_grad():
        asked = model.lout(features)
    found = value.detach()
    if found.shape != asked.shape:
        if tuple(found.shape) == tuple(features.shape) or _alike(found, features.sum(1)):
            words = "The features are not weighted: `lout` makes one output of them."
        elif found.numel() == len(x):
            words = (
                "Against labels of shape (n, 1) that would be spread out to n × n differences: "
                "leave the last axis."
            )
        else:
            words = "`lout` makes one output of the features of each example."
        raise Mistake(
            f"{right} `forward` returns the shape {tuple(found.shape)}, where it should be "
            f"{tuple(asked.shape)}. {words}"
        )
    if not _alike(found, asked):
        again = answer.run(lambda: model(x), where=where, advice=_LINSIN_ADVICE)
        raise Mistake(f"{right} {_recognise_output(found, again.detach(), asked, model, features)}")
    if not value.requires_grad:
        raise Mistake(
            f"{right} `forward` has the right values, and no gradient, so that nothing can be "
            "learnt: leave out `detach()`, `.data` and `no_grad()`."
        )


def _recognise_output(
    found: Tensor, again: Tensor, asked: Tensor, model: Any, features: Tensor
) -> str:
    if not torch.equal(found, again):
        return (
            "`forward` returns other numbers each time. Is a new layer made in it? `self.lout` is "
            "there already."
        )
    with torch.no_grad():
        if _alike(found, features @ model.lout.weight.T):
            return "`forward` leaves out the bias of `lout`: call the layer, `self.lout(...)`."
        for function in (torch.relu, torch.tanh, torch.sigmoid, torch.sin, torch.cos):
            if _alike(found, function(asked)):
                return (
                    f"`forward` ends with `{function.__name__}`. This model is linear in its "
                    "weights: nothing comes after `lout`."
                )
        if _alike(found, model.lout(features.relu())) or _alike(found, model.lout(features.tanh())):
            return "`forward` puts an activation between `phi` and `lout`: leave it out."
        if _alike(found, features.sum(1, keepdim=True)):
            return "`forward` adds up the features: `lout` weighs them first."
    return "`forward` returns something else than `lout` makes of these features."


def _alike(found: Tensor, asked: Tensor, tolerance: float = 1e-4) -> bool:
    if found.shape != asked.shape:
        return False
    scale = float(asked.abs().max())
    return torch.allclose(found.to(asked), asked, rtol=tolerance, atol=tolerance * scale)


# --- 5.4 The tangent kernel -----------------------------------------------------------------------

_KERNEL_ADVICE = (
    (
        r"grad can be implicitly created only for scalar outputs",
        "`backward()` starts from one number: take one example after the other, or "
        "`torch.func.jacrev`.",
    ),
    (
        r"graph a second time|freed",
        "Each `backward()` uses up the graph: compute the output of each example anew.",
    ),
    (
        r"has no attribute '(lout|hidden|linears|weight|bias|layers)'",
        "The kernel is over all parameters, whatever a network calls them: `net.parameters()`.",
    ),
    (
        r"does not require grad|does not have a grad_fn",
        "The output has lost its way back to the parameters: by `torch.no_grad()` or `detach()`.",
    ),
    (
        r"'tuple' object has no attribute",
        "`named_parameters()` gives pairs of a name and a parameter: take `net.parameters()`.",
    ),
    (
        r"of type 'NoneType'|NoneType",
        "A gradient is None: `backward()` has not run, or it has just been emptied.",
    ),
    (
        r"stack expects each tensor to be equal size|Sizes of tensors must match|inconsistent",
        "The gradients of the parameters have different shapes: flatten each, with `.flatten()`, "
        "and join them by `torch.cat`.",
    ),
    (
        r"Can't call numpy\(\)",
        "The gradient still carries a graph: `.detach()` it.",
    ),
)


def examine_tangent_kernel(answer: Answer, rng: np.random.Generator) -> None:
    """Check ``tangent_kernel(net, x)``; see `adl.exercises.Exercise`."""
    hidden, examples = int(rng.integers(3, 5)), int(rng.integers(5, 7))
    x = torch.tensor(rng.uniform(-1, 1, (examples, 1)), dtype=torch.float32)
    net = _perceptron(rng, [1, hidden, 1])
    value = answer(net, x, advice=_KERNEL_ADVICE)
    found, graph = _read_kernel(answer, value)
    if not _alike(found, _kernel(_jacobian(net, x))):
        raise Mistake(_recognise_kernel(found, net, x))
    if graph:
        raise Mistake(
            "The numbers are right, and they still carry the graph that they were computed by. It "
            "keeps much in memory, and nobody needs it here: `.detach()` the parameters or the "
            "result."
        )
    deep = _perceptron(rng, [1, 3, 3, 1])
    _examine_another(answer, deep, x[:4], "a network of three layers", "Are all layers included?")
    deep(x).sum().backward()
    _examine_another(
        answer,
        deep,
        x,
        "a network in which gradients are left from its training",
        "`backward()` adds to them: call `net.zero_grad()` before the first example, too.",
    )


def _examine_another(answer: Answer, net: nn.Module, x: Tensor, which: str, why: str) -> None:
    before, right = nn.utils.parameters_to_vector(net.parameters()), _kernel(_jacobian(net, x))
    value = answer.run(lambda: answer.function(net, x), where=f"for {which}", advice=_KERNEL_ADVICE)
    found, _ = _read_kernel(answer, value)
    if not _alike(found, right):
        raise Mistake(f"All is right for a small new network, and wrong for {which}. {why}")
    after = nn.utils.parameters_to_vector(net.parameters())
    if after.dtype != before.dtype:
        raise Mistake(
            f"The kernel is right, but your function turns the network into one of {after.dtype}, "
            "and its training would stop. Leave the network as it is, or change a copy."
        )
    if not torch.equal(before, after):
        raise Mistake("The kernel is right, but your function changes the weights of the network.")


def _perceptron(rng: np.random.Generator, widths: list[int]) -> nn.Sequential:
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(widths):
        # Without its own initialisation, which would draw from the reader's random numbers.
        layers += [nn.utils.skip_init(nn.Linear, inputs, outputs), nn.Tanh()]
    net = nn.Sequential(*layers[:-1])
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.copy_(torch.tensor(rng.normal(size=tuple(parameter.shape))))
    return net


def _jacobian(net: nn.Module, x: Tensor) -> list[Tensor]:
    """Gradients of each output, a table of (examples, entries) for each parameter."""
    rows = [torch.autograd.grad(net(point[None]).sum(), list(net.parameters())) for point in x]
    return [
        torch.stack([gradient.flatten() for gradient in part]).double()
        for part in zip(*rows, strict=True)
    ]


def _kernel(parts: list[Tensor]) -> Tensor:
    table = torch.cat(parts, dim=1)
    return table @ table.T


def _read_kernel(answer: Answer, value: object) -> tuple[Tensor, bool]:
    """The numbers that were returned, and whether they carry a graph."""
    asked = "asked for is a tensor of shape (n, n) for n examples"
    if value is None:
        raise Mistake(nothing_returned(answer, "end with `return` and the kernel"))
    if isinstance(value, Tensor):
        return value.detach().double(), value.requires_grad
    if isinstance(value, list | tuple) and value and all(isinstance(v, Tensor) for v in value):
        raise Mistake(
            f"Your function returns {kind(value)} of {len(value)} tensors; {asked}: "
            "`torch.stack`, `torch.cat` or a sum makes one of them."
        )
    try:
        return torch.tensor(np.array(value, dtype=float)), False
    except (TypeError, ValueError, RuntimeError):
        raise Mistake(f"Your function returns {kind(value)}; {asked}.") from None


_ONLY = "Your kernel is that of {} only. It is the sum over all parameters of the network."
_PARTS = {
    "the last layer": [2, 3],
    "the last layer's weights": [2],
    "the first layer": [0, 1],
    "the first layer's weights": [0],
    "the weights without the biases": [0, 2],
    "the biases": [1, 3],
    "the last parameter, the bias of the output": [3],
    "the first layer's biases": [1],
}


def _recognise_kernel(found: Tensor, net: nn.Module, x: Tensor) -> str:
    """Say in words what is wrong with a kernel."""
    parts = _jacobian(net, x)
    table, asked = torch.cat(parts, dim=1), _kernel(parts)
    n, size = table.shape
    if found.shape != asked.shape:
        return _wrong_kernel_shape(found, table)
    if not found.isfinite().all():
        return "Your kernel holds nan or inf."
    if not found.any():
        return "Your kernel is 0 everywhere: are the gradients emptied before they are read?"
    for words, chosen in _PARTS.items():
        if _alike(found, _kernel([parts[i] for i in chosen])):
            return _ONLY.format(words)
    if _alike(found, _kernel([table.cumsum(dim=0)])):
        return (
            "The gradients are never emptied: `backward()` adds to them, so that each example's "
            "gradient is the sum of all up to it. Call `net.zero_grad()` before each `backward()`."
        )
    if _alike(found, found[0, 0].expand(n, n)):
        return _same_everywhere(found[0, 0], table)
    outputs = net(x).detach().flatten().double()
    if _is_multiple(found, asked * torch.outer(outputs, outputs)):
        return (
            "These are gradients of a loss: each carries its output as a factor. Asked for are "
            "those of the outputs themselves."
        )
    for words, wrongs in _kernel_slips(net, x, table, asked):
        if any(_alike(found, wrong) for wrong in wrongs):
            return words
    ratio = float((found * asked).sum() / asked.square().sum())
    if _alike(found, ratio * asked):
        return _times(ratio, n, size)
    if any(_alike(found.flip(*axes), asked) for axes in ((0,), (1,), (0, 1))):
        return "Rows are in another order than the examples."
    first = int((found - asked).abs().argmax())
    row, column = divmod(first, n)
    return (
        f"The entry of examples {row} and {column} should be {asked[row, column]:.4g}, and is "
        f"{found[row, column]:.4g} in your kernel. It is the sum, over all {size} parameters, of "
        "the product of the two examples' derivatives."
    )


def _kernel_slips(
    net: nn.Module, x: Tensor, table: Tensor, asked: Tensor
) -> list[tuple[str, list[Tensor]]]:
    """What may stand in the place of a kernel, and what to say of it."""
    outputs, lengths, sums = net(x).detach().flatten().double(), table.norm(dim=1), table.sum(dim=1)
    inputs = x.double()
    apart = torch.cdist(inputs, inputs)
    points = x.clone().requires_grad_()
    slopes = torch.autograd.grad(net(points).sum(), points)[0].flatten().double()
    return [
        (
            "This is the cosine between the gradients: it has been divided by their lengths. Leave "
            "them their lengths.",
            [asked / torch.outer(lengths, lengths)],
        ),
        ("The kernel, or each of its entries, is squared.", [asked**2, asked @ asked]),
        ("A root of the kernel is taken.", [asked.abs().sqrt()]),
        (
            "These are the lengths of the gradients, multiplied. Take the inner product: entry by "
            "entry, then the sum.",
            [torch.outer(lengths, lengths)],
        ),
        (
            "The entries of each gradient are added up first, and the sums multiplied. Multiply "
            "entry by entry, then take the sum.",
            [torch.outer(sums, sums)],
        ),
        (
            "These are the distances between the gradients. Asked for are their inner products.",
            [torch.cdist(table, table), torch.cdist(table, table) ** 2],
        ),
        (
            "The gradients are taken with respect to x. Asked for are those with respect to the "
            "parameters.",
            [torch.outer(slopes, slopes)],
        ),
        (
            "Only one half of the kernel is filled in. It is symmetric: `K[j, i]` is `K[i, j]`.",
            [asked.triu(), asked.tril(), asked.triu(1), asked.tril(-1)],
        ),
        ("Only the diagonal is filled in: pair each with each.", [asked.diag().diag()]),
        ("The diagonal is missing.", [asked - asked.diag().diag()]),
        (
            "This is the product of the outputs: the gradients are missing.",
            [torch.outer(outputs, outputs)],
        ),
        (
            "This is a kernel of the inputs alone: the network and its gradients are missing.",
            [inputs @ inputs.T, (-(apart**2)).exp(), (-(apart**2) / 2).exp()],
        ),
        (
            "The mean of the gradients is subtracted. Leave them as they are.",
            [_kernel([table - table.mean(dim=0)])],
        ),
    ]


def _is_multiple(found: Tensor, asked: Tensor) -> bool:
    ratio = (found * asked).sum() / asked.square().sum()
    return _alike(found, ratio * asked)


def _same_everywhere(entry: Tensor, table: Tensor) -> str:
    if torch.isclose(entry, table.sum(dim=0).square().sum(), rtol=1e-4):
        return (
            "All entries are the same: each gradient is the sum of those of all examples. Is "
            "`backward()` called on the sum of the outputs, or is the same tensor stored each "
            "time, and never emptied? One example at a time; `zero_grad()` before it, and a "
            "`clone()` of the gradient after it."
        )
    if torch.isclose(entry, table.mean(dim=0).square().sum(), rtol=1e-4):
        return (
            "All entries are the same: each gradient is that of the mean of all outputs. One "
            "example at a time."
        )
    if torch.isclose(entry, table[-1].square().sum(), rtol=1e-4):
        return (
            "All entries are the same, those of the last example: the same tensor is stored for "
            "each, and shows its last value everywhere. Store a copy, with `.clone()`."
        )
    return (
        "All entries of your kernel are the same. Is it made of the parameters, and not of their "
        "gradients?"
    )


def _times(ratio: float, n: int, size: int) -> str:
    known = {
        1 / n: "it is divided by the number of examples",
        2 / n: "it has the factor 2/n, by which the kernel becomes a curvature",
        1 / n**2: "each gradient is divided by the number of examples, as in that of a mean",
        1 / size: "it is divided by the number of parameters",
        1 / math.sqrt(size): "it is divided by the root of the number of parameters",
        2.0: "it is doubled",
        4.0: "each gradient is doubled",
        0.5: "it is halved",
        -1.0: "its sign is wrong",
    }
    why = [words for factor, words in known.items() if math.isclose(ratio, factor, rel_tol=1e-3)]
    said = f": {why[0]}. Take the plain sum over the parameters" if why else ""
    return f"Your kernel is {ratio:.3g} times what it should be{said}."


def _wrong_kernel_shape(found: Tensor, table: Tensor) -> str:
    (n, size), shape = table.shape, tuple(found.shape)
    said = f"Your function returns the shape {shape} for {n} examples, where it should be {(n, n)}."
    whole = table.sum(dim=0)
    if shape == (size, size) and _alike(found, torch.outer(whole, whole)):
        return (
            f"{said} It is made of a single gradient, that of the sum of all outputs: take that of "
            "one example after the other."
        )
    if shape == (size, size):
        return (
            f"{said} There are {size} parameters: it is the other product of the Jacobian J, JᵀJ. "
            "The kernel is JJᵀ, with a row and a column for each example."
        )
    if shape in ((n, size), (size, n)):
        return f"{said} These are the gradients themselves: take their inner products, JJᵀ."
    if found.numel() == n * n:
        return f"{said} The numbers may be right: `.reshape(n, n)`, or `squeeze()`."
    if found.numel() == 1:
        return f"{said} Is everything added up? Each pair of examples has an entry of its own."
    if shape in ((n,), (n, 1), (1, n)):
        return f"{said} Each pair of examples has an entry of its own: pair each with each."
    if found.ndim == 3 and shape[1:] == (n, n):
        return f"{said} The kernels of the parameters are stacked: add them up."
    return said
