"""How many times faster the experiments of chapter 5 are as stacks than one model at a time.

The practical that the chapter grew from trains its models one after the other. Here that is written
out plainly, with its numbers of models and steps, and timed beside the package's own functions on
the same models and points. Both sides record the losses of all steps, and the output weights before
or after each where the practical keeps them.

    python benchmarks/lazy_training.py          # some 15 minutes, nearly all of it the loops
    python benchmarks/lazy_training.py --quick  # a hundredth of the steps

Times are seconds of processor time on one thread. The loops compute in float32, and so do the
package's networks and linear models; its sweep of sizes, and its descent on a function of two
variables, use float64. Where JAX is installed, the time of ``jit(vmap(scan))`` stands beside them,
without that of compiling.

A row ends with how far the two sides are apart. First their parameters after 100 steps (of the
sweep: the losses), by the largest difference as a share of the largest parameter; then their last
losses, by the difference as a share of the loss, or of a millionth if that is more: the median of
the models, and the largest. A second table shows how the gain grows with the number of models.
"""

from __future__ import annotations

import argparse
import math
import os
import time
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from adl import double_descent, flow
from adl.data import Data
from adl.lazy import fit
from adl.linear import descend, sinusoids, with_bias
from adl.models import LinSin, StackedMLP

try:
    import jax
except ImportError:
    jax = None

EARLY = 100  # steps, after which the parameters are compared
SEED = 0
SMALL = 1e-6  # losses below it are mostly rounding
EQUAL_MODELS = 10  # so many, and the gain of an experiment counts for the last line
MODELS, GROWTH_STEPS, REPEATS = (1, 10, 30, 100), 200, 5
LAYOUT = "{:30}  {:>6}  {:>6}  {:>8}  {:>8}  {:>6}  {:>6}  {}"


def data(n: int = 15, noise_level: float = 0) -> Data:
    """The points that the practical's models learn."""
    return Data(n, -1, 1, noise_level, "middle", seed=SEED)


Pair = tuple[Tensor, Tensor]  # of the loop, of the stack
Compare = Callable[[Pair, Pair], str]


@dataclass(frozen=True)
class Experiment:
    """One experiment, in several ways that do the same.

    Attributes
    ----------
    name : str
    models : int
        Equal ones.
    steps : int
        Of each.
    loop, stack : callable
        One model at a time, and with the package's functions. From the number of steps to two
        tensors, with a row for each model: of the parameters (those after the first `EARLY` steps
        if the loop made more) and of the ends.
    compare : callable
        From both sides' parameters and both sides' ends to words on how far they are apart.
    in_jax : callable, optional
        From the number of steps to seconds.
    """

    name: str
    models: int
    steps: int
    loop: Callable[[int], tuple[Tensor, Tensor]]
    stack: Callable[[int], tuple[Tensor, Tensor]]
    compare: Compare
    in_jax: Callable[[int], float] | None = None


def apart(early: Pair, ends: Pair) -> str:
    """How far parameters and last losses are apart, in words."""
    first = (early[0] - early[1]).abs().max() / early[1].abs().max()
    last = (ends[0] - ends[1]).abs() / ends[1].abs().clamp(min=SMALL)
    return f"{first:.0e}; {last.median():.0e}, {last.max():.0e}"


def points_apart(early: Pair, ends: Pair) -> str:
    """The same of points and the function there."""
    return apart(early, values(ends))


def resting_points_apart(early: Pair, ends: Pair) -> str:
    """The same of the starts that come to rest on both sides; and what all have in common.

    The others jump to and fro for ever, most of them chaotically: the least difference in rounding
    soon puts them somewhere else.
    """
    rest = [torch.from_numpy(flow.gradient(side)).norm(dim=1) < flow.SETTLED for side in ends]
    both = rest[0] & rest[1]
    chosen = [(loop[both], stack[both]) for loop, stack in (early, ends)]
    means = [side.mean() for side in values(ends)]
    return (
        f"{points_apart(*chosen) if both.any() else '-'} for the {both.sum()} starts at rest on "
        f"both sides; at rest are {rest[0].sum()} and {rest[1].sum()}, mean values {means[0]:.2f} "
        f"and {means[1]:.2f}"
    )


def values(ends: Pair) -> Pair:
    """The function of two variables where descents have ended."""
    return tuple(torch.from_numpy(flow.f(*side.double().T)) for side in ends)


class Sinusoids(nn.Module):
    """A linear model on cosines and sines, in plain PyTorch.

    Parameters
    ----------
    start : torch.Tensor, shape (features + 1,)
        Bias, then the weights of cos 1, sin 1, cos 2, sin 2, …
    frequency : float
    """

    def __init__(self, start: Tensor, frequency: float) -> None:
        super().__init__()
        pairs = (len(start) - 1) // 2
        self.frequencies = frequency * torch.arange(1, pairs + 1)
        self.lout = nn.Linear(2 * pairs, 1)
        with torch.no_grad():
            self.lout.bias.copy_(start[:1])
            self.lout.weight.copy_(torch.cat([start[1::2], start[2::2]])[None])

    def forward(self, x: Tensor) -> Tensor:
        """Outputs, shape (examples, 1)."""
        angles = self.frequencies * x
        return self.lout(torch.cat([angles.cos(), angles.sin()], 1))

    def flat(self) -> Tensor:
        """Parameters in the order of `start`."""
        weights = self.lout.weight.detach().view(2, -1).T.flatten()
        return torch.cat([self.lout.bias.detach(), weights])


class Perceptron(nn.Module):
    """A network of PyTorch's own layers.

    Parameters
    ----------
    net : StackedMLP
    model : int
        Which of its networks.
    """

    def __init__(self, net: StackedMLP, model: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(net.single(model)[::2])
        self.lout = self.layers[-1]

    def forward(self, x: Tensor) -> Tensor:
        """Outputs, shape (examples, 1)."""
        for layer in self.layers[:-1]:
            x = torch.relu(layer(x))
        return self.lout(x)

    def flat(self) -> Tensor:
        """Parameters in the order of a row of ``StackedMLP.vector``."""
        parts = [part.T for layer in self.layers for part in (layer.weight, layer.bias[:, None])]
        return torch.cat([part.detach().flatten() for part in parts])


class Scaled(nn.Module):
    """A network minus what it was, times a factor."""

    def __init__(self, base: Perceptron, alpha: float) -> None:
        super().__init__()
        self.model, self.alpha = deepcopy(base), alpha
        self.base = [base]  # in a list, for its parameters are none of this network's
        self.lout, self.flat = self.model.lout, self.model.flat

    def forward(self, x: Tensor) -> Tensor:
        """Outputs, shape (examples, 1)."""
        with torch.no_grad():
            before = self.base[0](x)
        return self.alpha * (self.model(x) - before)


class Point(nn.Module):
    """A point of the plane, and the function that it descends."""

    def __init__(self, start: Tensor) -> None:
        super().__init__()
        self.place = nn.Parameter(start)

    def forward(self) -> Tensor:
        """The function `adl.flow.f` there."""
        x, y = self.place
        slow = torch.sin(x + 4) * (torch.cos(3 * y - 5) + 0.3)
        return slow + torch.cos(2 * (x + 2) * (y - 4) ** 2) / 2


def train(
    model: nn.Module, dataset: Data, *, steps: int, rate: float, keep: bool = True
) -> tuple[Tensor, list[float], list[np.ndarray]]:
    """Train one model as the practical does: early parameters, losses, output weights."""
    optimizer = torch.optim.SGD(model.parameters(), lr=rate)
    criterion = nn.MSELoss()
    losses, weights, early = [], [], None
    for step in range(steps):
        if step == EARLY:
            early = model.flat()
        optimizer.zero_grad()
        loss = criterion(model(dataset.inputs), dataset.labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        if keep:
            weights.append(model.lout.weight.detach().numpy().copy())
    with torch.no_grad():
        losses.append(criterion(model(dataset.inputs), dataset.labels).item())
    return model.flat() if early is None else early, losses, weights


def one_by_one(
    models: Sequence[nn.Module],
    dataset: Data,
    *,
    steps: int,
    rates: Sequence[float],
    keep: bool = True,
) -> tuple[Tensor, Tensor]:
    """Train models one after the other: early parameters, and losses after the last step."""
    early, last = [], []
    for model, rate in zip(models, rates, strict=True):
        parameters, losses, _ = train(model, dataset, steps=steps, rate=rate, keep=keep)
        early.append(parameters)
        last.append(losses[-1])
    return torch.stack(early), torch.tensor(last)


def linear_models(
    models: int,
    dim: int,
    steps: int,
    *,
    rate: float = 0.01,
    dataset: Data | None = None,
    frequency: float = 2 * math.pi,
    keep: bool = True,
) -> Experiment:
    """Sums of sinusoids of one size."""
    dataset = dataset or data()
    nets = [LinSin(dim, frequency=frequency, seed=seed).lout for seed in range(models)]
    starts = torch.stack([torch.cat([net.bias, net.weight[0]]).detach() for net in nets])
    features = with_bias(sinusoids(dataset.inputs, dim, frequency=frequency))
    targets = dataset.labels[:, 0]

    def loop(steps: int) -> tuple[Tensor, Tensor]:
        plain = [Sinusoids(start, frequency) for start in starts]
        return one_by_one(plain, dataset, steps=steps, rates=[rate] * models, keep=keep)

    def stack(steps: int) -> tuple[Tensor, Tensor]:
        run = descend(features, targets, starts, step_size=rate, steps=steps)
        return run.weights[-1], run.losses[-1]

    def in_jax(steps: int) -> float:
        layers = [(starts[:, 1:, None], starts[:, None, :1])]
        return seconds_in_jax(layers, features[:, 1:], targets, rate=rate, steps=steps)

    return Experiment(f"LinSin({dim})", models, steps, loop, stack, apart, in_jax)


def networks(
    name: str, models: int, hidden: Sequence[int], steps: int, *, rate: float, bad: bool = False
) -> Experiment:
    """Perceptrons of one shape, perhaps after a start made bad by two steps of rate 1."""
    dataset = data()
    net = StackedMLP(models, inputs=1, hidden=hidden, seed=SEED)

    def loop(steps: int) -> tuple[Tensor, Tensor]:
        plain = [Perceptron(net, model) for model in range(models)]
        if bad:
            one_by_one(plain, dataset, steps=2, rates=[1] * models, keep=False)
        return one_by_one(plain, dataset, steps=steps, rates=[rate] * models)

    def stack(steps: int) -> tuple[Tensor, Tensor]:
        start = fit(net, dataset, step_size=1, steps=2).net if bad else net
        trained = fit(start, dataset, step_size=rate, steps=steps)
        return trained.net.vector.detach(), trained.losses[-1]

    def in_jax(steps: int) -> float:
        start = fit(net, dataset, step_size=1, steps=2).net if bad else net
        batch = dataset.inputs, dataset.labels[:, 0]
        return seconds_in_jax(start.layers(), *batch, rate=rate, steps=steps)

    return Experiment(name, models, steps, loop, stack, apart, in_jax)


def scaled(alphas: Sequence[float], steps: int, *, rate: float) -> Experiment:
    """One network with several factors of its output."""
    dataset = data(10)
    base = StackedMLP(1, inputs=1, hidden=[8, 8], seed=SEED)
    net = base.some(torch.zeros(len(alphas), dtype=torch.int64))

    def loop(steps: int) -> tuple[Tensor, Tensor]:
        plain = [Scaled(Perceptron(base, 0), alpha) for alpha in alphas]
        rates = [rate / alpha**2 for alpha in alphas]
        return one_by_one(plain, dataset, steps=steps, rates=rates)

    def stack(steps: int) -> tuple[Tensor, Tensor]:
        trained = fit(net, dataset, step_size=rate, steps=steps, alpha=alphas)
        return trained.net.vector.detach(), trained.losses[-1]

    name = f"ScaledModel, {', '.join(map(str, alphas))}"
    return Experiment(name, len(alphas), steps, loop, stack, apart)


def sizes(dims: Sequence[int] = range(2, 200, 2), each: int = 10, steps: int = 1000) -> Experiment:
    """Sums of sinusoids of many sizes, several of each; compared by their losses all along."""
    dataset, rate, frequency = data(50, 0.05), 0.1, 0.2 * math.pi
    # As the sweep draws them from this seed.
    uniform = np.random.default_rng(SEED).uniform(-1, 1, (len(dims) * each, max(dims) + 1))

    def loop(steps: int) -> tuple[Tensor, Tensor]:
        early, last = [], []
        for row, dim in zip(uniform, np.repeat(dims, each), strict=True):
            model = Sinusoids(torch.from_numpy(row[: dim + 1] / math.sqrt(dim)), frequency)
            losses = train(model, dataset, steps=steps, rate=rate, keep=False)[1]
            early.append(losses[min(EARLY, steps)])
            last.append(losses[-1])
        return torch.tensor(early)[:, None], torch.tensor(last)

    def stack(steps: int) -> tuple[Tensor, Tensor]:
        table = double_descent.sweep(
            dataset, dims, initialisations=each, steps=steps, step_size=rate, seed=SEED
        )
        losses = torch.tensor(table["train_loss"].tolist())
        return losses[:, None], losses

    name = f"LinSin({min(dims)}) to LinSin({max(dims)})"
    return Experiment(name, len(uniform), steps, loop, stack, apart)


def points(
    models: int, rate: float, steps: int = 10_000, *, compare: Compare = points_apart
) -> Experiment:
    """Descents on a function of two variables."""
    starts = flow.random_starts(models, seed=SEED)

    def loop(steps: int) -> tuple[Tensor, Tensor]:
        early, last = [], []
        for start in torch.from_numpy(starts).float():
            model = Point(start.clone())
            optimizer = torch.optim.SGD(model.parameters(), lr=rate)
            path = []
            for _ in range(steps):
                optimizer.zero_grad()
                model().backward()
                optimizer.step()
                path.append(model.place.detach().numpy().copy())
            early.append(torch.from_numpy(path[min(EARLY, steps) - 1]))
            last.append(model.place.detach())
        return torch.stack(early), torch.stack(last)

    def stack(steps: int) -> tuple[Tensor, Tensor]:
        path = torch.from_numpy(flow.descend(starts, step_size=rate, steps=steps, every=1))
        return path[-1], path[-1]

    return Experiment(f"descent, rate {rate:g}", models, steps, loop, stack, compare)


def practical() -> list[Experiment]:
    """The practical's experiments, with its numbers of models and steps."""
    return [
        networks("MLPdeep(10)", 1, [10, 10], 10_000, rate=0.1),
        linear_models(1, 8, 10_000),
        linear_models(1, 200, 100),
        linear_models(10, 100, 10_000),
        networks("MLPshallow(10)", 10, [10], 5000, rate=0.001),
        *(
            networks(f"MLPshallow({width})", 1, [width], 50_000, rate=0.002)
            for width in (5, 10, 100, 1000)
        ),
        networks("MLPshallow(100), bad start", 10, [100], 1000, rate=0.001, bad=True),
        scaled([1000], 10_000, rate=0.1),
        scaled([1, 100, 1000], 10_000, rate=0.01),
        linear_models(1, 30, 2000, dataset=data(50, 0.05), frequency=0.2 * math.pi, keep=False),
        sizes(),
        points(100, 1e-4),
        points(100, 2e-3, compare=resting_points_apart),
    ]


def seconds(work: Callable[[], Any]) -> tuple[float, Any]:
    """Processor time, and the result."""
    start = time.process_time()
    result = work()
    return time.process_time() - start, result


def seconds_in_jax(
    layers: Sequence[tuple[Tensor, Tensor]],
    inputs: Tensor,
    targets: Tensor,
    *,
    rate: float,
    steps: int,
) -> float:
    """Processor time of the same training in JAX, compiled before."""
    layers, inputs, targets = jax.tree.map(
        lambda part: jax.numpy.asarray(part.detach().numpy()), (layers, inputs, targets)
    )

    def loss(layers: Any) -> Any:
        hidden = inputs
        for weights, biases in layers[:-1]:
            hidden = jax.nn.relu(hidden @ weights + biases)
        weights, biases = layers[-1]
        return (((hidden @ weights + biases)[:, 0] - targets) ** 2).mean()

    def step(layers: Any, _: None) -> tuple[Any, Any]:
        error, slopes = jax.value_and_grad(loss)(layers)
        moved = jax.tree.map(lambda part, slope: part - rate * slope, layers, slopes)
        return moved, (error, moved[-1][0])

    def run(layers: Any) -> Any:
        return jax.lax.scan(step, layers, length=steps)

    compiled = jax.jit(jax.vmap(run)).lower(layers).compile()
    return seconds(lambda: jax.block_until_ready(compiled(layers)))[0]


def times(ratio: float) -> str:
    """A ratio, with two digits."""
    return f"{float(f'{ratio:.2g}'):g}"


def row(experiment: Experiment, steps: int) -> tuple[float, float]:
    """Measure one experiment and print it: seconds of the loop and of the stack."""
    alone, (loop_early, loop_ends) = seconds(lambda: experiment.loop(steps))
    together, (_, ends) = seconds(lambda: experiment.stack(steps))
    early, _ = experiment.stack(min(EARLY, steps))
    in_jax = f"{experiment.in_jax(steps):.2f}" if jax and experiment.in_jax else "-"
    print(
        LAYOUT.format(
            experiment.name,
            experiment.models,
            steps,
            f"{alone:.2f}",
            f"{together:.3f}",
            times(alone / together),
            in_jax,
            experiment.compare((loop_early, early), (loop_ends, ends)),
        ),
        flush=True,
    )
    return alone, together


def growth() -> None:
    """Print how many times faster a stack is, the more models it has."""
    cases = {
        "MLPshallow(10)": lambda models: networks("", models, [10], 0, rate=0.001),
        "MLPshallow(100)": lambda models: networks("", models, [100], 0, rate=0.001),
        "LinSin(100)": lambda models: linear_models(models, 100, 0),
        "descent": lambda models: points(models, 1e-4),
    }

    def best(train: Callable[[int], object]) -> float:
        return min(seconds(lambda: train(GROWTH_STEPS))[0] for _ in range(REPEATS))

    alone = {name: best(case(1).loop) for name, case in cases.items()}
    print("models", *cases, sep="  |  ")
    for models in MODELS:
        ratios = [
            f"{times(models * alone[name] / best(case(models).stack))} times"
            for name, case in cases.items()
        ]
        print(f"{models:6}", *map(str.rjust, ratios, map(len, cases)), sep="  |  ", flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="a hundredth of the steps")
    quick = parser.parse_args(arguments).quick
    os.environ["ADL_UNATTENDED"] = "1"
    torch.set_num_threads(1)
    head = "experiment", "models", "steps", "loop, s", "stack, s", "times", "JAX, s", "apart"
    print(LAYOUT.format(*head))
    warm_up = networks("", 1, [10], 0, rate=0.1)
    warm_up.loop(10), warm_up.stack(10)  # the first use of an optimiser imports a lot
    total = np.zeros(2)
    least = math.inf
    for experiment in practical():
        measured = row(experiment, experiment.steps // 100 if quick else experiment.steps)
        total += measured
        if experiment.models >= EQUAL_MODELS:
            least = min(least, measured[0] / measured[1])
    print(
        f"all: {total[0]:.0f} s and {total[1]:.1f} s, {times(total[0] / total[1])} times; "
        f"with {EQUAL_MODELS} or more models at least {times(least)} times\n"
    )
    growth()


if __name__ == "__main__":
    main()
