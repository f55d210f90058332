"""What chapter 5 says about lazy training, and the experiments behind it.

A seed is a data set together with the initialisations of the networks on it, unless a sentence says
otherwise.
"""

import math
from collections.abc import Callable
from functools import cache

import numpy as np
import pandas as pd
import torch

from adl import double_descent, flow, least_squares, linear, scaled_1d, width
from adl.claims import SEEDS, claim
from adl.curvature import kernel_drift, kernel_sharpness, sharpness, tangent_kernel
from adl.data import Data, middle_f
from adl.lazy import Trained, fit, layer_columns, linearised_losses
from adl.models import LinSin, StackedMLP
from adl.training import StackedSGD, train_stacked

_NETWORKS = 10


@cache
def _points(seed: int, n: int = 15, kind: str = "middle") -> Data:
    return Data(n, -1, 1, 0, kind, seed=seed, dtype=torch.float64)


def _batch(dataset: Data) -> tuple[torch.Tensor, torch.Tensor]:
    return dataset.inputs, dataset.labels[:, 0]


# --- the first training -------------------------------------------------------------------------


@cache
def _deep() -> Trained:
    """A network for each seed, all on one data set."""
    net = StackedMLP(len(SEEDS), inputs=1, hidden=[10, 10], seed=0, dtype=torch.float64)
    return fit(net, _points(0), step_size=0.1, steps=4000, every=100)


@claim(
    "5.deep-fits",
    "Loss of MLPdeep(10) after 4,000 steps at 0.1 on fifteen points, as a share of its start.",
    high=0.01,
    place="try-it",
    digits=None,
)
def deep_fits(seed: int) -> float:
    losses = _deep().losses[:, seed]
    return (losses[-1] / losses[0]).item()


@claim(
    "5.deep-moves",
    "Relative movement of the output weights of MLPdeep(10) in 4,000 steps at 0.1.",
    low=2,
    high=10,
    place="try-it",
    digits=0,
)
def deep_moves(seed: int) -> float:
    return _deep().movement[-1, seed].item()


@claim(
    "5.deep-edge",
    "Step size × curvature of MLPdeep(10) at 0.1, after 4,000 steps over before the first.",
    low=2,
    place="try-it",
    digits=None,
)
def deep_edge(seed: int) -> float:
    run = _deep()
    before, after = (sharpness(net, _batch(run.dataset)) for net in (run.start, run.net))
    return (after / before)[seed].item()


# --- linear models ------------------------------------------------------------------------------


@cache
def _linear(seed: int, feature_dim: int, steps: int) -> linear.Descent:
    """Ten linear models at 0.01, with the start, the middle and the end recorded."""
    nets = [LinSin(feature_dim, seed=seed * _NETWORKS + i) for i in range(_NETWORKS)]
    starts = [torch.cat([net.lout.bias, net.lout.weight[0]]).detach() for net in nets]
    return linear.descend(
        _features(seed, feature_dim),
        _points(seed).labels[:, 0],
        torch.stack(starts).double(),
        step_size=0.01,
        steps=steps,
        every=100,
    )


def _features(seed: int, feature_dim: int) -> torch.Tensor:
    return linear.with_bias(linear.sinusoids(_points(seed).inputs, feature_dim))


def _movement(run: linear.Descent) -> torch.Tensor:
    """Relative movement of the weights, without the bias."""
    start, end = run.weights[0, :, 1:], run.weights[-1, :, 1:]
    return (end - start).norm(dim=1) / start.norm(dim=1)


@claim(
    "5.few-features-stall",
    "Loss of LinSin(8) after 10,000 steps over the least loss that eight features allow.",
    low=0.999,
    high=1.05,
    place="many-features",
    digits=2,
)
def few_features_stall(seed: int) -> float:
    features, labels = _features(seed, 8), _points(seed).labels
    best = torch.linalg.lstsq(features, labels, driver="gelsd").solution
    least = (features @ best - labels).square().mean()
    return (_linear(seed, 8, 10_000).losses[-1].max() / least).item()


@claim(
    "5.many-features-fall",
    "Loss of LinSin(200) after 100 steps as a share of its start, largest of ten.",
    high=0.02,
    place="many-features",
    digits=4,
)
def many_features_fall(seed: int) -> float:
    losses = _linear(seed, 200, 100).losses
    return (losses[-1] / losses[0]).max().item()


@claim(
    "5.many-features-risk",
    "True risk of LinSin(200) after 100 steps over that of always saying 0, least of ten.",
    low=1,
    place="many-features",
    digits=1,
)
def many_features_risk(seed: int) -> float:
    weights = _linear(seed, 200, 100).weights[-1]

    def outputs(inputs: torch.Tensor) -> torch.Tensor:
        return weights @ linear.with_bias(linear.sinusoids(inputs, 200)).T

    dataset = _points(seed)
    return (dataset.risk(outputs).min() / dataset.risk(torch.zeros_like)).item()


@claim(
    "5.repeating-features",
    "Least true risk of a function on [-1, 1] that repeats after 1, for the target middle.",
    low=0.205,
    high=0.215,
    place="many-features",
    digits=2,
)
def repeating_features() -> float:
    # At x and x + 1 it says the same: the best is the mean of the two targets.
    x = np.linspace(-1, 0, 10_001)
    return float(np.mean(((middle_f(x) - middle_f(x + 1)) / 2) ** 2))


def _after_400(seed: int, share: float) -> float:
    """Loss over its start after 400 steps at a share of the critical step size; 200 features."""
    features, labels = _features(seed, 200), _points(seed).labels[:, 0]
    start = _linear(seed, 200, 100).weights[0]
    run = linear.descend(
        features,
        labels,
        start,
        step_size=share * linear.critical_step_size(features),
        steps=400,
        every=400,
    )
    return (run.losses[-1] / run.losses[0]).max().item()


@claim(
    "5.linear-below",
    "Loss of LinSin(200) over its start after 400 steps at 0.98 of the critical step size, largest "
    "of ten.",
    high=0.5,
    place="many-features",
    digits=2,
)
def linear_below(seed: int) -> float:
    return _after_400(seed, 0.98)


@claim(
    "5.linear-above",
    "Power of ten by which the loss of LinSin(200) has grown after 400 steps at 1.02 of the "
    "critical step size.",
    low=8,
    place="many-features",
    digits=0,
)
def linear_above(seed: int) -> float:
    return math.log10(_after_400(seed, 1.02))


@claim(
    "5.ten-linear-alike",
    "Loss after 100 steps of ten LinSin(100) on one data set: largest over least.",
    high=100,
    place="ten-linear-models",
    digits=0,
)
def ten_linear_alike(seed: int) -> float:
    losses = _linear(seed, 100, 1000).losses[1]
    return (losses.max() / losses.min()).item()


@claim(
    "5.data-sets-differ",
    "Median loss after 100 steps of ten LinSin(100), largest over least of five data sets.",
    low=1000,
    place="ten-linear-models",
    digits=-2,
)
def data_sets_differ() -> float:
    medians = [_linear(seed, 100, 1000).losses[1].median().item() for seed in range(5)]
    return max(medians) / min(medians)


@claim(
    "5.linear-movement",
    "Relative movement of LinSin(100) after 1,000 steps, median of ten.",
    low=0.4,
    high=1.3,
    place="ten-linear-models",
    digits=1,
)
def linear_movement(seed: int) -> float:
    return _movement(_linear(seed, 100, 1000)).median().item()


@claim(
    "5.linear-movement-power",
    "Power of the number of features (200 to 10,000) with which the way to the nearest exact fit "
    "falls, relative to the start.",
    low=-0.6,
    high=-0.4,
    place="ten-linear-models",
    digits=2,
)
def linear_movement_power(seed: int) -> float:
    dims, moved = [200, 600, 2000, 10_000], []
    for dim in dims:
        features = _features(seed, dim)
        net = LinSin(dim, seed=seed)
        start = torch.cat([net.lout.bias, net.lout.weight[0]]).detach().double()
        errors = _points(seed).labels[:, 0] - features @ start
        way = torch.linalg.pinv(features, rtol=1e-9) @ errors
        moved.append((way[1:].norm() / start[1:].norm()).item())
    return float(np.polyfit(np.log(dims), np.log(moved), 1)[0])


# --- ten small networks -------------------------------------------------------------------------


@cache
def _shallow() -> Trained:
    """Ten networks for each seed, all on one data set."""
    models = _NETWORKS * len(SEEDS)
    net = StackedMLP(models, inputs=1, hidden=[10], seed=0, dtype=torch.float64)
    return fit(net, _points(0), step_size=0.001, steps=5000, every=100)


def _of(seed: int) -> slice:
    return slice(_NETWORKS * seed, _NETWORKS * (seed + 1))


@claim(
    "5.shallow-slow",
    "Loss of MLPshallow(10) after 5,000 steps at 0.001 as a share of its start, least of ten.",
    low=0.33,
    place="ten-small-networks",
    digits=1,
)
def shallow_slow(seed: int) -> float:
    losses = _shallow().losses[:, _of(seed)]
    return (losses[-1] / losses[0]).min().item()


@claim(
    "5.shallow-moves",
    "Relative movement of the output weights of MLPshallow(10) in 5,000 steps at 0.001, median of "
    "ten.",
    low=0.5,
    high=2,
    place="ten-small-networks",
    digits=1,
)
def shallow_moves(seed: int) -> float:
    return _shallow().movement[-1, _of(seed)].median().item()


# --- thin and wide ------------------------------------------------------------------------------


@cache
def _long() -> pd.DataFrame:
    return width.long_runs().set_index(["width", "step"]).sort_index()


def _at(hidden: int, step: int, what: str) -> float:
    return float(_long().loc[(hidden, step), what].median())


@claim(
    "5.wide-learns",
    "Loss at step 5,000, width 10 over width 1000, medians of five (stored runs).",
    low=10,
    place="thin-and-wide",
    digits=-1,
)
def wide_learns() -> float:
    return _at(10, 5000, "loss") / _at(1000, 5000, "loss")


@claim(
    "5.wide-moves",
    "Relative movement at step 500, width 1000 over width 10, medians of five (stored runs).",
    low=1.5,
    place="thin-and-wide",
    digits=1,
)
def wide_moves() -> float:
    return _at(1000, 500, "movement") / _at(10, 500, "movement")


@claim(
    "5.thousand-moves-in-the-end",
    "Relative movement of width 1000 after 50,000 steps, median of five (stored runs).",
    low=2,
    place="thin-and-wide",
    digits=1,
)
def thousand_moves_in_the_end() -> float:
    return _at(1000, 50_000, "movement")


@cache
def _thin_or_wide(hidden: int) -> Trained:
    """A network of this width for each seed, after 5000 steps at the practical's rate."""
    net = StackedMLP(len(SEEDS), inputs=1, hidden=[hidden], seed=0)
    return fit(net, _points(0), step_size=0.002, steps=5000, every=5000)


@claim(
    "5.first-drifts",
    "Kernel drift of MLPdeep(10) in 4,000 steps at 0.1.",
    low=1,
    place="what-the-tangent-kernel-says",
    digits=0,
)
def first_drifts(seed: int) -> float:
    return _deep().drift()[seed].item()


@claim(
    "5.thin-drifts",
    "Kernel drift of a network of width 10 after 5,000 steps at 0.002.",
    low=0.03,
    place="what-the-tangent-kernel-says",
    digits=1,
)
def thin_drifts(seed: int) -> float:
    return _thin_or_wide(10).drift()[seed].item()


@claim(
    "5.wide-does-not-drift",
    "Kernel drift of a network of width 1000 after 5,000 steps at 0.002, in which its output "
    "weights move by more than twice their size.",
    high=0.01,
    place="what-the-tangent-kernel-says",
    digits=3,
)
def wide_does_not_drift(seed: int) -> float:
    trained = _thin_or_wide(1000)
    moved = trained.movement[-1, seed].item() > 2
    return trained.drift()[seed].item() if moved else math.inf


@claim(
    "5.wide-all-parameters",
    "Relative movement of all parameters of a network of width 1000 in 5,000 steps at 0.002.",
    low=0.04,
    high=0.08,
    place="what-the-tangent-kernel-says",
    digits=2,
)
def wide_all_parameters(seed: int) -> float:
    trained = _thin_or_wide(1000)
    start, end = (net.vector.detach()[seed] for net in (trained.start, trained.net))
    return ((end - start).norm() / start.norm()).item()


# --- at an equal loss ---------------------------------------------------------------------------


@cache
def _powers(seed: int, parametrization: str) -> dict[str, float]:
    datasets = [_points(2 * seed + i, kind="simple") for i in range(2)]
    table = width.movement_by_width(
        [100, 300, 1000, 3000], datasets, parametrization=parametrization, seed=seed
    )
    return width.powers(table)


def _power_claim(
    name: str, parametrization: str, quantity: str, called: str, low: float, high: float
) -> None:
    """Register the claim about one power of the width."""

    @claim(
        f"5.{name}",
        f"Power of the width (100 to 3000, one hidden layer) that {called} follows, at a tenth of "
        "the first loss, in "
        f"{'PyTorch’s' if parametrization == 'pytorch' else 'the NTK'} parametrisation.",
        low=low,
        high=high,
        place="at-an-equal-loss",
        digits=1,
    )
    def power(seed: int) -> float:
        return _powers(seed, parametrization)[quantity]


_power_claim("width-sharpness", "pytorch", "sharpness", "the curvature at the start", 0.9, 1.1)
_power_claim(
    "width-last-layer", "pytorch", "last layer", "the movement of the output weights", -0.6, -0.38
)
_power_claim(
    "width-first-layer", "pytorch", "first layer", "the movement of the input weights", -1.7, -1.3
)
_power_claim("width-drift", "pytorch", "kernel drift", "the drift of the kernel", -2.3, -1.6)
_power_claim("ntk-sharpness", "ntk", "sharpness", "the curvature at the start", -0.1, 0.1)
_power_claim(
    "ntk-last-layer", "ntk", "last layer", "the movement of the output weights", -0.6, -0.4
)
_power_claim(
    "ntk-first-layer", "ntk", "first layer", "the movement of the input weights", -0.6, -0.4
)
_power_claim("ntk-drift", "ntk", "kernel drift", "the drift of the kernel", -0.98, -0.65)


@claim(
    "5.last-layer-kernel",
    "Share of the kernel's trace that belongs to the output weights, at width 1000 in PyTorch's "
    "parametrisation, least of ten.",
    low=0.97,
    high=1,
    place="at-an-equal-loss",
    digits=2,
)
def last_layer_kernel(seed: int) -> float:
    net = StackedMLP(_NETWORKS, inputs=1, hidden=[1000], seed=seed, dtype=torch.float64)
    inputs = _points(seed).inputs
    whole = tangent_kernel(net, inputs).diagonal(dim1=1, dim2=2).sum(1)
    (weights, biases), _ = net.layers()
    hidden = net.activation(torch.baddbmm(biases, inputs.expand(_NETWORKS, -1, 1), weights))
    return (hidden.square().sum((1, 2)) / whole).min().item()


@claim(
    "5.two-layers-kernel",
    "Share of the kernel's trace that belongs to the weights between two hidden layers of 1000 in "
    "PyTorch's parametrisation, mean of five.",
    low=0.42,
    high=0.58,
    place="at-an-equal-loss",
    digits=1,
)
def two_layers_kernel(seed: int) -> float:
    net = StackedMLP(5, inputs=1, hidden=[1000, 1000], seed=seed)
    vector, between = net.vector.detach().clone().requires_grad_(), layer_columns(net, 1)
    shares = []
    for point in net(_points(seed).inputs.to(vector), vector).T[::5]:
        (gradient,) = torch.autograd.grad(point.sum(), vector, retain_graph=True)
        squares = gradient.square()
        shares.append(squares[:, between].sum(1) / squares.sum(1))
    return torch.stack(shares).mean().item()


# --- the catapult -------------------------------------------------------------------------------


@claim(
    "5.critical-width",
    "Width at which 0.002 times the curvature is 2, foretold from the curvature of ten networks of "
    "width 400.",
    low=2700,
    high=3050,
    place="beyond-the-critical-width",
    digits=-2,
)
def critical_width(seed: int) -> float:
    net = StackedMLP(_NETWORKS, inputs=1, hidden=[400], seed=seed, dtype=torch.float64)
    return 2 / (0.002 * sharpness(net, _batch(_points(0))).mean().item() / 400)


@cache
def _thrown(seed: int) -> pd.DataFrame:
    """Five networks of width 400 at each of five step sizes, below and above 2 / curvature."""
    dataset, products = _points(seed), (1.4, 1.8, 2.2, 2.7, 3.2)
    product = torch.tensor(products, dtype=torch.float64).repeat_interleave(5)
    net = StackedMLP(len(product), inputs=1, hidden=[400], seed=seed, dtype=torch.float64)
    before = sharpness(net, _batch(dataset))
    run = fit(net, dataset, step_size=product / before, steps=1000)
    return pd.DataFrame(
        {
            "spike": run.losses.amax(0) / run.losses[0],
            "end": run.losses[-1] / run.losses[0],
            "product at end": product * sharpness(run.net, _batch(dataset)) / before,
        },
        index=pd.Index(product.tolist(), name="product"),
    )


@cache
def _far(seed: int, product: float) -> Trained:
    """Three networks of width 2000."""
    dataset = _points(seed)
    net = StackedMLP(3, inputs=1, hidden=[2000], seed=seed)
    found = sharpness(net, _batch(dataset))
    return fit(net, dataset, step_size=product / found, steps=1000, every=1000)


@claim(
    "5.spike-below",
    "Largest loss over the first, of networks with step size × curvature 1.4 or 1.8 at the start: "
    "largest of ten.",
    low=1,
    high=1,
    place="beyond-the-critical-width",
    digits=2,
)
def spike_below(seed: int) -> float:
    return _thrown(seed).loc[[1.4, 1.8], "spike"].max()


@claim(
    "5.spike-above",
    "Largest loss over the first, of networks with step size × curvature 2.2 or more at the start: "
    "least of fifteen.",
    low=10,
    place="beyond-the-critical-width",
    digits=None,
)
def spike_above(seed: int) -> float:
    return _thrown(seed).loc[[2.2, 2.7, 3.2], "spike"].min()


@claim(
    "5.catapult-lands",
    "Step size × curvature after 1000 steps, of networks that began at 2.2, 2.7 or 3.2: largest "
    "of fifteen.",
    high=2.02,
    place="beyond-the-critical-width",
    digits=None,
)
def catapult_lands(seed: int) -> float:
    return _thrown(seed).loc[[2.2, 2.7, 3.2], "product at end"].max()


@claim(
    "5.catapult-fits",
    "Loss after 1000 steps of networks that began at 2.2, 2.7 or 3.2, over that of networks which "
    "began at 1.8, medians.",
    high=2,
    place="beyond-the-critical-width",
    digits=None,
)
def catapult_fits(seed: int) -> float:
    ends = _thrown(seed)["end"]
    return ends.loc[[2.2, 2.7, 3.2]].median() / ends.loc[1.8].median()


@claim(
    "5.catapult-flat",
    "Step size × curvature after 1000 steps over before, of networks that began at 1.4: least of "
    "five.",
    low=0.98,
    high=1.02,
    place="beyond-the-critical-width",
    digits=2,
)
def catapult_flat(seed: int) -> float:
    return _thrown(seed).loc[1.4, "product at end"].min() / 1.4


@claim(
    "5.beyond-four",
    "Loss after 1000 steps of networks of width 2000 that began at 5, over that of the same "
    "networks from 1.8, medians of three.",
    low=2,
    place="beyond-the-critical-width",
    digits=None,
)
def beyond_four(seed: int) -> float:
    far, near = (_far(seed, product).losses[-1].median() for product in (5.0, 1.8))
    return (far / near).item()


@claim(
    "5.beyond-four-flat",
    "Step size × curvature of the networks that began at 5, after 1000 steps: largest of three.",
    high=0.2,
    place="beyond-the-critical-width",
    digits=None,
)
def beyond_four_flat(seed: int) -> float:
    far, batch = _far(seed, 5.0), _batch(_points(seed))
    return (5 * sharpness(far.net, batch) / sharpness(far.start, batch)).max().item()


@claim(
    "5.beyond-four-dead",
    "Share of the units that say 0 at all points after 1000 steps, of the networks that began "
    "at 5.",
    low=0.5,
    place="beyond-the-critical-width",
    digits=None,
)
def beyond_four_dead(seed: int) -> float:
    return _dead(_far(seed, 5.0))


def _dead(trained: Trained) -> float:
    """Share of the ReLU units that say 0 at all points after a training."""
    (weights, biases), _ = trained.net.layers()
    sums = trained.dataset.inputs.to(weights) @ weights + biases
    return (sums <= 0).all(1).double().mean().item()


# --- a bad start --------------------------------------------------------------------------------


@cache
def _starts(
    seed: int, activation: Callable[[torch.Tensor], torch.Tensor] = torch.relu
) -> tuple[Trained, Trained, Trained]:
    """Two steps that are too large, the training after them, and one without them."""
    net = StackedMLP(_NETWORKS, inputs=1, hidden=[100], activation=activation, seed=seed)
    dataset = _points(seed)
    shaken = fit(net, dataset, step_size=1.0, steps=2)
    bad, good = (
        fit(start, dataset, step_size=0.001, steps=1000, every=1000) for start in (shaken.net, net)
    )
    return shaken, bad, good


@claim(
    "5.bad-drift",
    "Kernel drift from the bad start over that from the good one, medians of ten.",
    low=100,
    place="a-bad-start",
    digits=None,
)
def bad_drift(seed: int) -> float:
    _, bad, good = _starts(seed)
    return (bad.drift().median() / good.drift().median()).item()


@claim(
    "5.bad-movement",
    "Relative movement from the bad start over that from the good one, medians of ten.",
    high=0.5,
    place="a-bad-start",
    digits=None,
)
def bad_movement(seed: int) -> float:
    _, bad, good = _starts(seed)
    return (bad.movement[-1].median() / good.movement[-1].median()).item()


@claim(
    "5.bad-weights",
    "Size of the output weights after the two large steps over before, median of ten.",
    low=40,
    place="a-bad-start",
    digits=-1,
)
def bad_weights(seed: int) -> float:
    shaken, _, good = _starts(seed)
    columns = layer_columns(good.start, -1)
    before, after = (net.vector[:, columns].norm(dim=1) for net in (shaken.start, shaken.net))
    return (after / before).median().item()


@claim(
    "5.bad-dead-units",
    "Share of the ReLU units that say 0 at all fifteen points after the two large steps, mean of "
    "ten.",
    low=0.5,
    high=0.85,
    place="a-bad-start",
    digits=1,
)
def bad_dead_units(seed: int) -> float:
    return _dead(_starts(seed)[0])


@claim(
    "5.bad-below-two",
    "Step size × curvature at the bad start in the 1000 steps of 0.001 after it, median of ten.",
    high=2,
    place="a-bad-start",
    digits=1,
)
def bad_below_two(seed: int) -> float:
    _, bad, _ = _starts(seed)
    return 0.001 * sharpness(bad.start, _batch(bad.dataset)).median().item()


def _worse(seed: int, activation: Callable[[torch.Tensor], torch.Tensor]) -> float:
    """Of ten networks, how many end with a higher loss from the bad start."""
    _, bad, good = _starts(seed, activation)
    return float((~(bad.losses[-1] <= good.losses[-1])).sum())


@claim(
    "5.bad-relu-fit",
    "Of ten networks with ReLU: whose loss after 1000 steps is higher from the bad start.",
    low=6,
    place="a-bad-start",
    digits=None,
)
def bad_relu_fit(seed: int) -> float:
    return _worse(seed, torch.relu)


@claim(
    "5.bad-tanh-fit",
    "Of ten networks with tanh: whose loss after 1000 steps is higher from the bad start.",
    high=5.5,
    place="a-bad-start",
    digits=None,
)
def bad_tanh_fit(seed: int) -> float:
    return _worse(seed, torch.tanh)


# --- scaling ------------------------------------------------------------------------------------

_ALPHAS = (1, 10, 100, 1000)


@cache
def _scaled(seed: int) -> Trained:
    """Ten tanh networks for each alpha, 1000 steps."""
    return fit(
        _tanh(seed).some(torch.arange(_NETWORKS).repeat(len(_ALPHAS))),
        _points(seed, 10),
        step_size=0.1,
        steps=1000,
        every=1000,
        alpha=[alpha for alpha in _ALPHAS for _ in range(_NETWORKS)],
    )


@cache
def _tanh(seed: int) -> StackedMLP:
    return StackedMLP(
        _NETWORKS,
        inputs=1,
        hidden=[8, 8],
        activation=torch.tanh,
        seed=seed,
        dtype=torch.float64,
    )


def _medians(values: torch.Tensor) -> dict[int, float]:
    """Median over the networks, for each alpha."""
    return dict(zip(_ALPHAS, values.view(len(_ALPHAS), -1).median(1)[0].tolist(), strict=True))


@claim(
    "5.alpha-movement",
    "Relative movement at alpha = 100 over that at 1000, medians of ten.",
    low=9,
    high=11,
    place="the-rule-of-2-once-more",
    digits=1,
)
def alpha_movement(seed: int) -> float:
    medians = _medians(_scaled(seed).movement[-1])
    return medians[100] / medians[1000]


@claim(
    "5.alpha-drift",
    "Kernel drift at alpha = 100 over that at 1000, medians of ten.",
    low=7,
    high=14,
    place="the-rule-of-2-once-more",
    digits=0,
)
def alpha_drift(seed: int) -> float:
    medians = _medians(_scaled(seed).drift())
    return medians[100] / medians[1000]


@claim(
    "5.alpha-foretold",
    "Loss at alpha = 1000 after 1000 steps, relative distance from what the kernel foretells: "
    "largest of ten.",
    high=0.01,
    place="the-rule-of-2-once-more",
    digits=3,
)
def alpha_foretold(seed: int) -> float:
    foretold = linearised_losses(
        _tanh(seed), _points(seed, 10), step_size=0.1, steps=[1000], from_zero=True
    )[0]
    return (_scaled(seed).losses[-1][-_NETWORKS:] / foretold - 1).abs().max().item()


@claim(
    "5.alpha-fits-worse",
    "Loss after 1000 steps at alpha = 100 over that at alpha = 1, medians of ten.",
    low=10,
    place="the-rule-of-2-once-more",
    digits=-1,
)
def alpha_fits_worse(seed: int) -> float:
    medians = _medians(_scaled(seed).losses[-1])
    return medians[100] / medians[1]


def _risen(seed: int, product: float, alpha: float) -> float:
    """How many of ten lose more than twice their start within 200 steps, or diverge."""
    dataset, net = _points(seed, 10), _tanh(seed)
    limit = kernel_sharpness(tangent_kernel(net, dataset.inputs))
    run = fit(net, dataset, step_size=product / limit, steps=200, alpha=alpha)
    return float((~(run.losses.amax(0) < 2 * run.losses[0])).sum())


@claim(
    "5.alpha-rule-below",
    "Of ten networks with alpha = 1000 and step size × curvature 1.9: whose loss doubles.",
    low=0,
    high=0,
    place="the-rule-of-2-once-more",
    digits=0,
)
def alpha_rule_below(seed: int) -> float:
    return _risen(seed, 1.9, 1000.0)


@claim(
    "5.alpha-rule-above",
    "Of ten networks with alpha = 1000 and step size × curvature 2.1: whose loss doubles.",
    low=10,
    high=10,
    place="the-rule-of-2-once-more",
    digits=0,
)
def alpha_rule_above(seed: int) -> float:
    return _risen(seed, 2.1, 1000.0)


def _at_1000(seed: int, product: float) -> torch.Tensor:
    """Last loss over the first of ten networks with alpha = 1000, after 1000 steps."""
    dataset, net = _points(seed, 10), _tanh(seed)
    limit = kernel_sharpness(tangent_kernel(net, dataset.inputs))
    run = fit(net, dataset, step_size=product / limit, steps=1000, every=1000, alpha=1000.0)
    return run.losses[-1] / run.losses[0]


@claim(
    "5.alpha-comes-back",
    "Of ten networks with alpha = 1000 and step size × curvature 2.1: whose loss is below its "
    "start after 1000 steps.",
    low=5,
    place="the-rule-of-2-once-more",
    digits=None,
)
def alpha_comes_back(seed: int) -> float:
    return float((_at_1000(seed, 2.1) < 1).sum())


@claim(
    "5.alpha-lost",
    "Of ten networks with alpha = 1000 and step size × curvature 4.2: whose loss is below its "
    "start after 1000 steps.",
    low=0,
    high=0,
    place="the-rule-of-2-once-more",
    digits=0,
)
def alpha_lost(seed: int) -> float:
    return float((_at_1000(seed, 4.2) < 1).sum())


@claim(
    "5.alpha-no-subtraction",
    "Kernel drift at alpha = 100 over that at 1000, if the start is not subtracted, medians of "
    "ten.",
    low=0.5,
    high=2,
    place="the-rule-of-2-once-more",
    digits=1,
)
def alpha_no_subtraction(seed: int) -> float:
    inputs, labels = _batch(_points(seed, 10))
    before, drifts = tangent_kernel(_tanh(seed), inputs), []
    for alpha in (100, 1000):
        # alpha f learning y with a step divided by alpha**2 moves as f does learning y / alpha.
        net = _tanh(seed).some(slice(None))
        train_stacked(
            StackedSGD(net), (inputs, labels / alpha), step_size=0.1, steps=1000, every=1000
        )
        drifts.append(kernel_drift(before, tangent_kernel(net, inputs)).median().item())
    return drifts[0] / drifts[1]


# --- one parameter ------------------------------------------------------------------------------


@claim(
    "5.one-gap",
    "Largest difference of the two losses at alpha = 10,000, times alpha; its limit is 22.8.",
    low=22,
    high=23,
    place="all-eight-with-labels",
    digits=1,
)
def one_gap() -> float:
    return scaled_1d.gap(10_000) * 10_000


@claim(
    "5.one-curvature",
    "Curvature at the start at alpha = 10,000, over that of the linearised loss.",
    low=0.999,
    high=1,
    place="all-eight-with-labels",
    digits=4,
)
def one_curvature() -> float:
    return (
        scaled_1d.curvature_at_start(10_000) / float(scaled_1d.f(scaled_1d.X, scaled_1d.W_0)) ** 2
    )


def _critical(alpha: float) -> float:
    """Largest step size that the valley can hold, over that of the linearised loss."""
    limit = 2 / float(scaled_1d.f(scaled_1d.X, scaled_1d.W_0)) ** 2
    return scaled_1d.minima([alpha])["critical_step"][0] / limit


@claim(
    "5.one-critical",
    "Critical step size in the valley over that of the linearised loss, farthest from 1 of alpha = "
    "100, 1000, 2000 and 10,000.",
    low=0.98,
    high=1.02,
    place="all-eight-with-labels",
    digits=3,
)
def one_critical() -> float:
    return max((_critical(alpha) for alpha in (100, 1000, 2000, 10_000)), key=lambda r: abs(r - 1))


@claim(
    "5.one-stuck",
    "Critical step size of the linearised loss over that in the valley at alpha = 1.",
    low=130,
    high=150,
    place="all-eight-with-labels",
    digits=0,
)
def one_stuck() -> float:
    return 1 / _critical(1)


# --- flow and descent ---------------------------------------------------------------------------


_RUNS = 100  # starts for each seed


@cache
def _all_starts() -> np.ndarray:
    return np.concatenate([flow.random_starts(_RUNS, seed=seed) for seed in SEEDS])


@cache
def _all_ends() -> pd.DataFrame:
    return flow.compare(_all_starts())


def _ends(seed: int) -> pd.DataFrame:
    return _all_ends().iloc[_RUNS * seed : _RUNS * (seed + 1)]


@cache
def _early_ends() -> np.ndarray:
    """Where the practical's own small steps lead."""
    return flow.descend(_all_starts(), step_size=1e-4, steps=10_000)[-1]


@claim(
    "5.flat-same",
    "Share of the starts with a minimum of curvature below 950 where both rates end in it.",
    low=1,
    high=1,
    place="gradient-flow-and-gradient-descent",
    digits=2,
)
def flat_same(seed: int) -> float:
    ends = _ends(seed)
    return ends.loc[ends["curvature"] < 950, "same"].mean()


@claim(
    "5.sharp-same",
    "Share of the starts with a minimum of curvature above 1050 where both rates end in it.",
    high=0.01,
    place="gradient-flow-and-gradient-descent",
    digits=2,
)
def sharp_same(seed: int) -> float:
    ends = _ends(seed)
    return ends.loc[ends["curvature"] > 1050, "same"].mean()


@claim(
    "5.sharp-share",
    "Share of the starts whose minimum is too sharp for the large rate.",
    low=0.4,
    high=0.7,
    place="gradient-flow-and-gradient-descent",
    digits=1,
)
def sharp_share(seed: int) -> float:
    return (_ends(seed)["curvature"] > 1000).mean()


@claim(
    "5.large-rate-worse",
    "Mean value in the end at the large rate, less that of the flow.",
    low=0.05,
    place="gradient-flow-and-gradient-descent",
    digits=1,
)
def large_rate_worse(seed: int) -> float:
    ends = _ends(seed)
    return (ends["descent_value"] - ends["flow_value"]).mean()


@claim(
    "5.bounce-at-two",
    "Of the runs that do not come to rest, share whose step size × curvature, averaged over the "
    "last 1000 steps, is above 1.94 (2 is the most that it can be).",
    low=0.5,
    place="gradient-flow-and-gradient-descent",
    digits=1,
)
def bounce_at_two(seed: int) -> float:
    product = _ends(seed)["product"].dropna()
    return (product > 1.94).mean()


@claim(
    "5.unequal-times",
    "Share of the runs at rest after 10,000 steps of 0.0001, as the practical had them.",
    high=0.1,
    place="gradient-flow-and-gradient-descent",
    digits=2,
)
def unequal_times(seed: int) -> float:
    ends = _early_ends()[_RUNS * seed : _RUNS * (seed + 1)]
    return float((np.linalg.norm(flow.gradient(ends), axis=1) < flow.SETTLED).mean())


# --- bias and complexity ------------------------------------------------------------------------


@cache
def _sweep(seed: int) -> pd.Series:
    dataset = Data(50, -1, 1, 0.05, "middle", seed=seed)
    table = double_descent.sweep(dataset, [4, 20, 48, 50, 52, 100, 198], seed=seed)
    return double_descent.average(table)["risk_mean"]


@claim(
    "5.u-curve",
    "True risk after 1000 steps, 198 features over 20.",
    low=10,
    place="after-the-u",
    digits=-1,
)
def u_curve(seed: int) -> float:
    return _sweep(seed)[198] / _sweep(seed)[20]


@claim(
    "5.u-no-peak",
    "True risk after 1000 steps where features and points are equal (50), over that at 198.",
    high=1,
    place="after-the-u",
    digits=1,
)
def u_no_peak(seed: int) -> float:
    return _sweep(seed)[[48, 50, 52]].max() / _sweep(seed)[198]


_SLOW = 0.2 * math.pi


@claim(
    "5.u-places",
    "True risk with 198 features after 1000 steps from weights of 0, without noise.",
    low=0.02,
    high=0.2,
    place="after-the-u",
    digits=2,
)
def u_places(seed: int) -> float:
    dataset = Data(50, -1, 1, 0, "middle", seed=seed, dtype=torch.float64)

    def features(inputs: torch.Tensor) -> torch.Tensor:
        return linear.with_bias(linear.sinusoids(inputs, 198, frequency=_SLOW))

    run = linear.descend(
        features(dataset.inputs),
        dataset.labels[:, 0],
        torch.zeros(1, 199, dtype=torch.float64),
        step_size=0.1,
        steps=1000,
        every=1000,
    )
    return dataset.risk(lambda inputs: run.weights[-1] @ features(inputs).T).item()


@claim(
    "5.u-alike",
    "Rank of 100 features of frequency 0.2 pi and the bias at fifty points.",
    low=35,
    high=45,
    place="after-the-u",
    digits=-1,
)
def u_alike(seed: int) -> float:
    inputs = Data(50, -1, 1, 0, "middle", seed=seed, dtype=torch.float64).inputs
    features = linear.with_bias(linear.sinusoids(inputs, 100, frequency=_SLOW))
    return float(torch.linalg.matrix_rank(features))


def _slow_product(seed: int, feature_dim: int) -> float:
    """0.1 times the curvature of slow features at fifty points."""
    inputs = Data(50, -1, 1, 0, "middle", seed=seed, dtype=torch.float64).inputs
    features = linear.with_bias(linear.sinusoids(inputs, feature_dim, frequency=_SLOW))
    return 0.1 * linear.curvatures(features)[-1].item()


@claim(
    "5.u-product-few",
    "Step size × curvature of 16 features of frequency 0.2 pi at fifty points, at the step size "
    "0.1.",
    low=0.55,
    high=0.85,
    place="after-the-u",
    digits=1,
)
def u_product_few(seed: int) -> float:
    return _slow_product(seed, 16)


@claim(
    "5.u-product-many",
    "Step size × curvature of 198 features of frequency 0.2 pi at fifty points, at the step size "
    "0.1.",
    low=1.25,
    high=2,
    place="after-the-u",
    digits=1,
)
def u_product_many(seed: int) -> float:
    return _slow_product(seed, 198)


@cache
def _exact(seed: int, first: int) -> pd.DataFrame:
    datasets = [Data(20, -1, 1, 0.05, "middle", seed=30 * seed + i) for i in range(30)]
    return double_descent.minimum_norm(datasets, first=first)


def _median_error(seed: int, first: int = 1) -> pd.Series:
    return _exact(seed, first).groupby("feature_dim")["test_error"].median()


@claim(
    "5.peak-at-n",
    "Number of features with the largest median error, of 30 data sets with 20 points; k from 1.",
    low=18,
    high=20.5,
    place="after-the-u",
    digits=0,
)
def peak_at_n(seed: int) -> float:
    return float(_median_error(seed).idxmax())


@claim(
    "5.peak-later",
    "Number of features with the largest median error with k from 0, less that with k from 1.",
    low=2,
    high=2,
    place="after-the-u",
    digits=0,
)
def peak_later(seed: int) -> float:
    return float(_median_error(seed, first=0).idxmax() - _median_error(seed).idxmax())


@claim(
    "5.least-before-peak",
    "Number of features with the least median error.",
    low=5,
    high=15,
    place="after-the-u",
    digits=0,
)
def least_before_peak(seed: int) -> float:
    return float(_median_error(seed).idxmin())


@claim(
    "5.second-descent",
    "Median error at 80 features over the least, as far as the second descent goes.",
    low=4,
    high=40,
    place="after-the-u",
    digits=0,
)
def second_descent(seed: int) -> float:
    errors = _median_error(seed)
    return errors[80] / errors.min()


# --- least squares ------------------------------------------------------------------------------


@claim(
    "5.coordinates-all",
    "Share of 100 coordinates that move with 5000 examples.",
    low=1,
    high=1,
    place="least-squares-which-coordinates-move",
    digits=2,
)
def coordinates_all(seed: int) -> float:
    return least_squares.run(100, 5000, steps=10, seed=seed).share_moved


@claim(
    "5.coordinates-few",
    "Share of 100 coordinates that move with 20 examples.",
    low=0.2,
    high=0.2,
    place="least-squares-which-coordinates-move",
    digits=2,
)
def coordinates_few(seed: int) -> float:
    return least_squares.run(100, 20, steps=1000, seed=seed).share_moved


# --- width and scale ----------------------------------------------------------------------------


@claim(
    "5.small-alpha",
    "Kernel drift of networks of width 1000 at alpha = 1/√1000 over that at alpha = 1, after 400 "
    "steps at half of the largest stable step size, medians of five.",
    low=100,
    place="width-and-scale-in-your-hands",
    digits=-2,
)
def small_alpha(seed: int) -> float:
    dataset = _points(seed, kind="simple")
    net = StackedMLP(5, inputs=1, hidden=[1000], seed=seed, dtype=torch.float64)
    limit = kernel_sharpness(tangent_kernel(net, dataset.inputs))
    small, one = (
        fit(net, dataset, step_size=1 / limit, steps=400, every=400, alpha=alpha).drift().median()
        for alpha in (1 / math.sqrt(1000), 1.0)
    )
    return (small / one).item()
