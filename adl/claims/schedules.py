"""What chapter 3 says about schedules and oscillations, and the experiments behind it.

Trainings at the edge of stability are chaotic: two machines agree on what is within the bounds, and
on no digit. So most claims here have none (``digits=None``). Each is about a pair of networks for a
seed, with starts and data of their own.
"""

import math
import warnings
from functools import cache, partial
from statistics import median

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, OneCycleLR, StepLR

from adl import curvature, edge, race, schedules
from adl.claims import SEEDS, claim
from adl.data import singular_batch
from adl.fluctuations import detrended, slow_share, spread
from adl.images import digits, loaders, small_convnet
from adl.learner import BatchSchedCB, Learner, MetricsCB, accuracy, find_lr
from adl.models import StackedMLP
from adl.training import StackedAdam, StackedSGD

_EACH = 2  # networks for a seed
_NETWORKS = _EACH * len(SEEDS)
_BATCH = 200
_HIGH, _LOW = 0.02, 0.005


def _adam(
    groups: int = 1, *, beta1: list[float] | float = 0.9, beta2: float = 0.999
) -> StackedAdam:
    """Groups of networks, each group with the same starts."""
    start = StackedMLP(_NETWORKS, inputs=3, hidden=(32, 32), seed=0)
    net = StackedMLP(groups * _NETWORKS, inputs=3, hidden=(32, 32), seed=0)
    with torch.no_grad():
        net.vector.copy_(start.vector.repeat(groups, 1))
    return StackedAdam(net, beta1=beta1, beta2=beta2)


@cache
def _batch(groups: int = 1) -> tuple[Tensor, Tensor]:
    inputs, targets = singular_batch(_NETWORKS, _BATCH, seed=1)
    return inputs.repeat(groups, 1, 1), targets.repeat(groups, 1)


def _per_network(values: list[float]) -> Tensor:
    """One value for each group, repeated for all its networks."""
    return torch.tensor(values).repeat_interleave(_NETWORKS)


def _mine(seed: int, group: int = 0) -> slice:
    """The networks of a seed in a group."""
    first = group * _NETWORKS + seed * _EACH
    return slice(first, first + _EACH)


def _settled(seen: edge.Watched, networks: slice) -> Tensor:
    """Median product of each network in the second half of its training."""
    return seen.products[len(seen.at) // 2 :, networks].median(0).values


# Schedules


@claim(
    "3.digits-accuracy",
    "Five networks read the digits, each after five epochs at a rate of 0.01: their median "
    "validation accuracy.",
    low=0.96,
    place="a-network-that-reads-digits",
    digits=None,
)
def digits_accuracy() -> float:
    return median(race.run("constant", 0.01, seed=seed)["accuracy"] for seed in SEEDS)


@claim(
    "3.looks-let-in",
    "Of Optimizer and StepLR, of which one is no scheduler, the filter by first letters lets in:",
    low=2,
    high=2,
    place="what-is-in-the-box",
    digits=0,
)
def looks_let_in() -> float:
    return len({"Optimizer", "StepLR"} & set(schedules.by_first_letters()))


@claim(
    "3.looks-miss",
    "Of SWALR, which is a scheduler, the filter by first letters lets in:",
    low=0,
    high=0,
    place="what-is-in-the-box",
    digits=0,
)
def looks_miss() -> float:
    if "SWALR" not in schedules.names():
        return math.nan
    return len({"SWALR"} & set(schedules.by_first_letters()))


@claim(
    "3.cosine-end",
    "A cosine from 0.06 with T_max=100 is at 0 after 100 steps.",
    high=1e-12,
    place="a-schedule-on-its-own",
    digits=12,
)
def cosine_end() -> float:
    return float(_cosine(101)["lr"].iloc[-1])


@claim(
    "3.cosine-climbs",
    "After 200 steps the same cosine is back at 0.06.",
    low=0.05999,
    high=0.06001,
    place="a-schedule-on-its-own",
    digits=2,
)
def cosine_climbs() -> float:
    return float(_cosine(201)["lr"].iloc[-1])


def _cosine(steps: int) -> pd.DataFrame:
    return schedules.trace(partial(CosineAnnealingLR, T_max=100), lr=0.06, steps=steps)


def _groups(eta_min: float) -> np.ndarray:
    """Rates of two groups along a cosine, shape (steps, 2)."""
    weights = [torch.zeros(1, requires_grad=True) for _ in range(2)]
    optimizer = torch.optim.SGD(
        [{"params": [weights[0]], "lr": 0.006}, {"params": [weights[1]]}], lr=0.06
    )
    traced = schedules.trace(
        partial(CosineAnnealingLR, T_max=100, eta_min=eta_min), optimizer=optimizer, steps=101
    )
    return traced.pivot(index="step", columns="group", values="lr").to_numpy()


@claim(
    "3.groups-keep-ratio",
    "Two groups that begin at 0.006 and 0.06 stay a factor of ten apart: largest deviation.",
    high=1e-9,
    place="a-schedule-on-its-own",
    digits=9,
)
def groups_keep_ratio() -> float:
    rates = _groups(eta_min=0.0)[:-1]
    return float(np.abs(rates[:, 1] / rates[:, 0] - 10).max())


@claim(
    "3.eta-min-shared",
    "With eta_min=0.01 the group that begins at 0.006 ends at:",
    low=0.0099,
    high=0.0101,
    place="a-schedule-on-its-own",
    digits=3,
)
def eta_min_shared() -> float:
    return float(_groups(eta_min=0.01)[-1, 0])


@claim(
    "3.order-skips-first",
    "With the scheduler before the optimiser, this many steps fewer are made at the first rate:",
    low=1,
    high=1,
    place="who-steps-first",
    digits=0,
)
def order_skips_first() -> float:
    return _steps_at_first_rate(scheduler_first=False) - _steps_at_first_rate(scheduler_first=True)


def _steps_at_first_rate(*, scheduler_first: bool) -> int:
    weight = torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.SGD([weight], lr=0.06)
    scheduler = StepLR(optimizer, step_size=2)
    used = []
    for _ in range(6):
        weight.grad = torch.ones(1)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch warns of what is measured here
            if scheduler_first:
                scheduler.step()
            used.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            if not scheduler_first:
                scheduler.step()
    return used.count(0.06)


def _one_cycle() -> pd.DataFrame:
    adam = torch.optim.Adam([torch.zeros(1, requires_grad=True)])
    return schedules.trace(
        partial(OneCycleLR, max_lr=0.03, total_steps=1000), optimizer=adam, steps=1000
    )


@claim(
    "3.cycle-peak",
    "1cycle reaches its highest rate after this share of its steps:",
    low=0.295,
    high=0.305,
    place="up-and-down-in-one-cycle",
    digits=2,
)
def cycle_peak() -> float:
    return float(_one_cycle()["lr"].argmax() / 1000)


@claim(
    "3.cycle-ends",
    "1cycle begins at a 25th of its highest rate, and ends at this share of it:",
    high=1e-5,
    place="up-and-down-in-one-cycle",
    digits=7,
)
def cycle_ends() -> float:
    rates = _one_cycle()["lr"]
    return float(rates.iloc[-1] / rates.max()) if math.isclose(rates[0] * 25, 0.03) else math.nan


@claim(
    "3.cycle-mirrored",
    "Rate and momentum of 1cycle go opposite ways: their correlation.",
    high=-0.99,
    place="up-and-down-in-one-cycle",
    digits=2,
)
def cycle_mirrored() -> float:
    traced = _one_cycle()
    return float(np.corrcoef(traced["lr"], traced["momentum"])[0, 1])


# The edge of stability


@cache
def _at_three_rates() -> edge.Watched:
    rates = _per_network([_LOW, 0.01, _HIGH])
    return edge.watch(_adam(3), _batch(3), step_size=rates, steps=1000, every=40)


@claim(
    "3.edge-every-network",
    "Adam on a fixed batch of 200, rate 0.01 or 0.02, steps 500 to 1000: step size × "
    "curvature, the lowest of four networks' medians.",
    low=1.7,
    high=2.1,
    place="step-size-times-curvature-under-adam",
    digits=None,
)
def edge_every_network(seed: int) -> float:
    seen = _at_three_rates()
    return min(float(_settled(seen, _mine(seed, group)).min()) for group in (1, 2))


@claim(
    "3.edge-never-far-above",
    "Adam on a fixed batch of 200, rate 0.01 or 0.02, steps 500 to 1000: step size × "
    "curvature, the highest of four networks' medians.",
    low=1.7,
    high=2.1,
    place="step-size-times-curvature-under-adam",
    digits=None,
)
def edge_never_far_above(seed: int) -> float:
    seen = _at_three_rates()
    return max(float(_settled(seen, _mine(seed, group)).max()) for group in (1, 2))


@claim(
    "3.edge-rate",
    "Adam on a fixed batch of 200: step size × curvature at the rate 0.02, divided by that at"
    " 0.005; medians of steps 840 to 1000, mean of two networks.",
    low=0.9,
    high=1.3,
    place="step-size-times-curvature-under-adam",
    digits=None,
)
def edge_rate(seed: int) -> float:
    last = _at_three_rates().products[-5:].median(0).values
    return float(last[_mine(seed, 2)].mean() / last[_mine(seed, 0)].mean())


@claim(
    "3.edge-arrives-later",
    "Adam on a fixed batch of 200: steps until step size × curvature is above 1.5 at the rate"
    " 0.005, divided by those at 0.02.",
    low=2,
    place="step-size-times-curvature-under-adam",
    digits=None,
)
def edge_arrives_later(seed: int) -> float:
    seen = _at_three_rates()
    # Above 1.5 in three readings of which the last two confirm the first.
    near = (seen.products > 1.5).float().unfold(0, 3, 1).mean(2) == 1
    first = seen.at[near.int().argmax(0)].float()
    return float(first[_mine(seed, 0)].mean() / first[_mine(seed, 2)].mean())


@cache
def _changed() -> tuple[edge.Watched, edge.Watched]:
    """Before and after a change at step 1200: one group is cut by four, the other raised."""
    before, after, _ = _changed_with_sharpness()
    return before, after


@cache
def _changed_with_sharpness() -> tuple[edge.Watched, edge.Watched, Tensor]:
    """The same, and sharpness 20 steps after the change divided by that at the change."""
    adam, batch = _adam(2), _batch(2)
    new = _per_network([_LOW, _HIGH])
    before = edge.watch(adam, batch, step_size=_per_network([_HIGH, _LOW]), steps=1200, every=40)
    sharpness = [curvature.sharpness(adam.net, batch)]
    after = edge.watch(adam, batch, step_size=new, steps=20, every=20)
    sharpness.append(curvature.sharpness(adam.net, batch))
    after = after.then(edge.watch(adam, batch, step_size=new, steps=780, every=20))
    return before, after, sharpness[1] / sharpness[0]


@claim(
    "3.cut-quarters",
    "Adam on a fixed batch of 200, rate cut from 0.02 to 0.005 at step 1200: step size × "
    "curvature twenty steps later, mean of two networks.",
    low=0.4,
    high=0.6,
    place="cut-the-rate",
    digits=None,
)
def cut_quarters(seed: int) -> float:
    return float(_changed()[1].products[0, _mine(seed)].mean())


@claim(
    "3.cut-calms",
    "The same cut: detrended spread of the loss over windows of 301 steps within the 600 "
    "steps before it, divided by that in steps 50 to 650 after it; mean of two networks.",
    low=10,
    place="cut-the-rate",
    digits=None,
)
def cut_calms(seed: int) -> float:
    before, after = (run.losses[:, _mine(seed)] for run in _changed())
    spreads = [
        spread(losses, 301, detrend=True).mean(0) for losses in (before[-600:], after[50:650])
    ]
    return float(np.mean(spreads[0] / spreads[1]))


@claim(
    "3.rise-spikes",
    "Adam on a fixed batch of 200, rate raised from 0.005 to 0.02 at step 1200: the highest "
    "loss within 60 steps, divided by the loss before; the lesser of two networks.",
    low=20,
    place="cut-the-rate",
    digits=None,
)
def rise_spikes(seed: int) -> float:
    before, after = (run.losses[:, _mine(seed, 1)] for run in _changed())
    return float((after[:60].max(0).values / before[-50:].median(0).values).min())


@claim(
    "3.rise-drops",
    "The same rise: step size × curvature 40 steps later, mean of two networks.",
    low=0.15,
    high=0.7,
    place="cut-the-rate",
    digits=None,
)
def rise_drops(seed: int) -> float:
    return float(_changed()[1].products[1, _mine(seed, 1)].mean())


@claim(
    "3.rise-same-ground",
    "The same rise: the network's own sharpness, not rescaled, after 20 steps divided by that "
    "before; mean of two networks.",
    low=0.4,
    high=1.2,
    place="cut-the-rate",
    digits=None,
)
def rise_same_ground(seed: int) -> float:
    return float(_changed_with_sharpness()[2][_mine(seed, 1)].mean())


@claim(
    "3.rise-recovers",
    "The same rise: of ten networks, this many have a lower loss 800 steps later than before:",
    low=6,
    place="cut-the-rate",
    digits=None,
)
def rise_recovers() -> float:
    group = slice(_NETWORKS, 2 * _NETWORKS)
    before, after = (run.losses[-50:, group].median(0).values for run in _changed())
    return int((after < before).sum())


@cache
def _fast_clock() -> tuple[edge.Watched, edge.Watched]:
    adam = _adam(beta2=0.99)
    before = edge.watch(adam, _batch(), step_size=_HIGH, steps=800, every=100)
    return before, edge.watch(adam, _batch(), step_size=_LOW, steps=400, every=20)


def _growth(products: Tensor, beta2: float, steps: int) -> float:
    """Measured growth of the logarithm of the product, divided by that of Adam's clock."""
    rise = (products[-1] / products[0]).log().mean() / steps
    return float(rise / (-math.log(beta2) / 2))


@claim(
    "3.clock-fast",
    "Adam with β₂ = 0.99, rate cut from 0.02 to 0.005: growth of log(step size × curvature) "
    "in steps 20 to 200 after the cut, divided by that of β₂ alone; mean of two networks.",
    low=0.9,
    high=1.4,
    place="exercise-3-4-what-a-cut-does",
    digits=None,
)
def clock_fast(seed: int) -> float:
    return _growth(_fast_clock()[1].products[:10, _mine(seed)], 0.99, 180)


@claim(
    "3.clock-back",
    "The same: steps until step size × curvature is above 1.8 again (β₂ alone: 255); mean of "
    "two networks.",
    low=200,
    high=350,
    place="exercise-3-4-what-a-cut-does",
    digits=None,
)
def clock_back(seed: int) -> float:
    after = _fast_clock()[1]
    return float(after.at[(after.products[:, _mine(seed)] > 1.8).int().argmax(0)].float().mean())


@claim(
    "3.clock-usual",
    "Adam with the usual β₂ = 0.999, rate cut at step 1200: growth of log(step size × "
    "curvature) in steps 20 to 800 after the cut, divided by that of β₂ alone; mean of two "
    "networks.",
    low=1.1,
    high=1.8,
    place="exercise-3-4-what-a-cut-does",
    digits=None,
)
def clock_usual(seed: int) -> float:
    return _growth(_changed()[1].products[:, _mine(seed)], 0.999, 780)


@claim(
    "3.clock-corrected",
    "The same, divided by the growth that β₂ and the fading bias correction make together.",
    low=0.9,
    high=1.3,
    place="exercise-3-4-what-a-cut-does",
    digits=None,
)
def clock_corrected(seed: int) -> float:
    products = _changed()[1].products[:, _mine(seed)]
    beta2, first, last = 0.999, 1220, 2000
    fading = math.log((1 - beta2**last) / (1 - beta2**first)) / 2
    clock = -math.log(beta2) / 2 * (last - first)
    return float((products[-1] / products[0]).log().mean()) / (clock + fading)


@cache
def _momenta() -> edge.Watched:
    betas = [beta for beta in (0.0, 0.9, 0.97) for _ in range(_NETWORKS)]
    adam = _adam(3, beta1=betas)
    return edge.watch(adam, _batch(3), step_size=0.03, steps=1000, every=40)


@claim(
    "3.no-momentum-edge",
    "Adam without momentum (β₁ = 0), rate 0.03, fixed batch, steps 500 to 1000: step size × "
    "curvature, mean of two networks.",
    low=1.7,
    high=2.4,
    place="momentum-on-trial",
    digits=None,
)
def no_momentum_edge(seed: int) -> float:
    return float(_settled(_momenta(), _mine(seed)).mean())


@claim(
    "3.no-momentum-waves",
    "Adam without momentum, the same: share of the loss's fluctuation, around its trend, in waves "
    "of 20 steps or more, from step 400 on; mean of two networks.",
    low=0.5,
    place="momentum-on-trial",
    digits=None,
)
def no_momentum_waves(seed: int) -> float:
    losses = _momenta().losses[400:, _mine(seed)]
    return float(np.mean(slow_share(detrended(losses, 201))))


@claim(
    "3.momentum-edge",
    "The same with β₁ = 0.97: step size × curvature, mean of two networks.",
    low=1.4,
    high=2.2,
    place="momentum-on-trial",
    digits=None,
)
def momentum_edge(seed: int) -> float:
    return float(_settled(_momenta(), _mine(seed, 2)).mean())


@cache
def _descent() -> edge.Watched:
    x = torch.linspace(-1, 1, 40)[:, None]
    targets = torch.sin(5 * x[:, 0]) + 0.3 * x[:, 0]
    net = StackedMLP(_NETWORKS, inputs=1, hidden=(32, 32), activation=torch.tanh, seed=0)
    return edge.watch(StackedSGD(net), (x, targets), step_size=0.1, steps=1600, every=40)


@claim(
    "3.descent-edge",
    "Plain gradient descent at 0.1 on 40 points of a wave, steps 800 to 1600: step size × "
    "curvature, mean of two networks.",
    low=1.7,
    high=2.3,
    place="momentum-on-trial",
    digits=None,
)
def descent_edge(seed: int) -> float:
    return float(_settled(_descent(), _mine(seed)).mean())


@claim(
    "3.descent-not-monotone",
    "The same: share of all steps in which the loss rises, mean of two networks.",
    low=0.005,
    place="momentum-on-trial",
    digits=None,
)
def descent_not_monotone(seed: int) -> float:
    losses = _descent().losses[:, _mine(seed)]
    return float((losses[1:] > losses[:-1]).float().mean(0).mean())


# Warm-up


def _accuracy_and_dead(gain: float, *, warm_up: bool, seed: int) -> tuple[float, float]:
    """Validation accuracy after three epochs, and share of dead channels after the last ReLU."""
    data = digits(seed=seed)
    train, valid = loaders(data, seed=seed)
    metrics = MetricsCB(accuracy=accuracy)
    rise = BatchSchedCB(partial(LinearLR, start_factor=0.01, total_iters=len(train)))
    net = small_convnet(seed=seed, gain=gain)
    Learner(net, train, valid, lr=0.03, callbacks=[metrics] + ([rise] if warm_up else [])).fit(3)
    with torch.no_grad():
        dead = (net[:4](data.valid_inputs) == 0).all(dim=(0, 2, 3)).float().mean().item()
    return metrics.rows[-1]["valid_accuracy"], dead


@cache
def _starts() -> dict[tuple[float, bool], np.ndarray]:
    """Median accuracy and dead share over five seeds, for each start with and without warm-up."""
    return {
        (gain, warm_up): np.median(
            [_accuracy_and_dead(gain, warm_up=warm_up, seed=seed) for seed in SEEDS], axis=0
        )
        for gain in (1.0, 3.0)
        for warm_up in (False, True)
    }


@claim(
    "3.warm-up-bad-start",
    "Digits, weights three times too large, Adam at 0.03, three epochs: what warm-up adds to "
    "the validation accuracy, in percent; medians of five networks.",
    low=1,
    place="warm-up",
    digits=None,
)
def warm_up_bad_start() -> float:
    starts = _starts()
    return 100 * float(starts[3.0, True][0] - starts[3.0, False][0])


@claim(
    "3.warm-up-good-start",
    "Digits, PyTorch's own weights, Adam at 0.03: what warm-up adds to the validation "
    "accuracy, in percent; medians of five networks.",
    low=-3,
    high=3,
    place="warm-up",
    digits=None,
)
def warm_up_good_start() -> float:
    starts = _starts()
    return 100 * float(starts[1.0, True][0] - starts[1.0, False][0])


@claim(
    "3.bad-start-dead",
    "Digits, weights three times too large, Adam at 0.03, no warm-up: share of dead channels "
    "after the second ReLU, median of five networks.",
    low=0.7,
    place="warm-up",
    digits=None,
)
def bad_start_dead() -> float:
    return float(_starts()[3.0, False][1])


@claim(
    "3.warm-up-dead",
    "The same with warm-up: share of dead channels, median of five networks.",
    high=0.4,
    place="warm-up",
    digits=None,
)
def warm_up_dead() -> float:
    return float(_starts()[3.0, True][1])


@claim(
    "3.good-start-dead",
    "Digits, PyTorch's own weights, Adam at 0.03, no warm-up: share of dead channels, median of "
    "five networks.",
    low=0.3,
    high=0.98,
    place="warm-up",
    digits=None,
)
def good_start_dead() -> float:
    return float(_starts()[1.0, False][1])


@claim(
    "3.start-sharpness",
    "Sharpness of the loss before the first step with weights three times too large, divided by "
    "that with PyTorch's own.",
    low=30,
    place="warm-up",
    digits=None,
)
def start_sharpness(seed: int) -> float:
    data = digits(seed=seed)
    batch = data.train_inputs[:200], data.train_labels[:200]
    first, wide = (
        curvature.sharpness(small_convnet(seed=seed, gain=gain), batch, loss=cross_entropy)
        for gain in (1.0, 3.0)
    )
    return float(wide / first)


# The finder


def _from_finder(share: float, seed: int) -> float:
    """Accuracy after two epochs at a share of the rate with the lowest smoothed loss."""
    train, valid = loaders(digits(seed=seed), seed=seed)
    found = find_lr(Learner(small_convnet(seed=seed), train))
    lowest = found["step_size"][found["loss"].ewm(alpha=0.2).mean().idxmin()]
    metrics = MetricsCB(accuracy=accuracy)
    net = small_convnet(seed=seed)
    Learner(net, train, valid, lr=share * lowest, callbacks=[metrics]).fit(2)
    return metrics.rows[-1]["valid_accuracy"]


@claim(
    "3.finder-tenth",
    "Digits, two epochs at a tenth of the rate where the finder's smoothed loss is lowest: "
    "validation accuracy.",
    low=0.85,
    place="exercise-3-3-read-the-finder",
    digits=None,
)
def finder_tenth(seed: int) -> float:
    return _from_finder(0.1, seed)


@claim(
    "3.finder-lowest",
    "Digits, two epochs at the very rate where the finder's smoothed loss is lowest: of five "
    "networks, this many reach 90%.",
    high=4,
    place="exercise-3-3-read-the-finder",
    digits=None,
)
def finder_lowest() -> float:
    return sum(_from_finder(1.0, seed) > 0.9 for seed in SEEDS)


# The race


@cache
def _race() -> tuple[pd.DataFrame, pd.DataFrame]:
    """The table of the race, and median accuracies in percent by rate and schedule."""
    runs = race.stored()
    medians = runs.pivot_table(
        index="rate", columns="schedule", values="accuracy", aggfunc="median"
    )
    return race.table(runs), 100 * medians


@claim(
    "3.race-tie",
    "Digits, four schedules at their best rates: best minus worst median accuracy, in percent.",
    high=1,
    place="four-schedules-one-price",
    digits=1,
)
def race_tie() -> float:
    best = _race()[0]["median"]
    return float(best.max() - best.min())


@claim(
    "3.race-annealer",
    "Digits, at its best rate: of ten runs, the annealer's accuracy differs from a constant "
    "rate's in this many.",
    low=0,
    high=0,
    place="four-schedules-one-price",
    digits=0,
)
def race_annealer() -> float:
    line = _race()[0].loc["annealer"]
    return int(line["better"] + line["worse"])


@claim(
    "3.race-insurance",
    "Digits at a rate of 0.1, which is too high: accuracy of 1cycle minus that of a constant "
    "rate, in percent.",
    low=8,
    place="four-schedules-one-price",
    digits=0,
)
def race_insurance() -> float:
    medians = _race()[1].loc[0.1]
    return float(medians["1cycle"] - medians["constant"])


@claim(
    "3.race-cosine",
    "Digits at 0.1: accuracy of 1cycle, which begins with small steps, minus that of a cosine, "
    "which does not, in percent.",
    low=3,
    place="four-schedules-one-price",
    digits=0,
)
def race_cosine() -> float:
    medians = _race()[1].loc[0.1]
    return float(medians["1cycle"] - medians["cosine"])


@claim(
    "3.race-annealer-high",
    "Digits at 0.1: accuracy of the annealer minus that of a constant rate, in percent.",
    high=5,
    place="four-schedules-one-price",
    digits=0,
)
def race_annealer_high() -> float:
    medians = _race()[1].loc[0.1]
    return float(medians["annealer"] - medians["constant"])


@claim(
    "3.race-low-rate",
    "Digits at 0.001, which is low: accuracy of a constant rate minus that of 1cycle, in percent.",
    low=1,
    place="four-schedules-one-price",
    digits=0,
)
def race_low_rate() -> float:
    medians = _race()[1].loc[0.001]
    return float(medians["constant"] - medians["1cycle"])


@claim(
    "3.annealer-cuts-low",
    "Digits at 0.001, a rate that is too low already: of twenty runs, the annealer's cuts "
    "changed this many.",
    low=11,
    place="four-schedules-one-price",
    digits=0,
)
def annealer_cuts_low() -> float:
    return _annealer_cuts(0.001)


@claim(
    "3.annealer-cuts-high",
    "Digits at 0.1, a rate that is too high: of twenty runs, the annealer's cuts changed this"
    " many.",
    low=0,
    high=12,
    place="four-schedules-one-price",
    digits=0,
)
def annealer_cuts_high() -> float:
    return _annealer_cuts(0.1)


def _annealer_cuts(rate: float) -> int:
    """Runs that differ from those at a constant rate; a cut after the last step changes none."""
    runs = (
        race.stored().query("rate == @rate").pivot(index="seed", columns="schedule", values="loss")
    )
    return int((runs["annealer"] != runs["constant"]).sum())
