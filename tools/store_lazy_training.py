"""Train the networks whose width and alpha `adl.live.LazyTraining` lets readers choose.

    python tools/store_lazy_training.py          (`make data`)

Takes about half a minute. Of each width, ten networks with one hidden layer of ReLU, in PyTorch's
parametrisation, learn 15 points; so do their linearisations. Outputs are ``alpha (f - f_0)``: all
losses begin at the mean of the squared labels. Each training goes on until its loss is a tenth of
that, and no further, with the step size 1 / curvature at its start. Networks narrower than `WIDTHS`
would not all come so far. Such trainings are not chaotic: run again, all numbers in
``adl/live/lazy_training.json`` are the same, but for a last digit where a value is half-way between
two.

The stored numbers: ``network`` and ``linear`` the outputs of the first of the ten networks and of
its linearisation at `PLACES` inputs from -1 to 1, in thousandths; ``points`` the data, in
thousandths; ``movement`` of the output weights, ``drift`` of the tangent kernel, ``distance``
between the outputs of a network and of its linearisation (root mean square over the inputs, in
units of that of the labels) and ``steps``: the median of the ten, the least and the largest, in
two digits.
"""

import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from adl.curvature import kernel_drift, kernel_sharpness, sharpness, tangent_kernel
from adl.data import Data
from adl.lazy import layer_columns, relative_movement
from adl.models import StackedMLP

FILE = Path(__file__).resolve().parent.parent / "adl" / "live" / "lazy_training.json"

WIDTHS = [50, 100, 200, 500, 1000]
ALPHAS = [1, 3, 10, 30, 100]
NETWORKS, SHARE, PLACES = 10, 0.1, 41
MEASURED = ("movement", "distance", "drift", "steps")


def data() -> Data:
    """Return what the networks learn."""
    return Data(15, -1, 1, 0, "middle", seed=0, dtype=torch.float64)


def networks(width: int) -> StackedMLP:
    """Return ten networks at their start."""
    return StackedMLP(NETWORKS, inputs=1, hidden=[width], seed=0, dtype=torch.float64)


def grid() -> Tensor:
    """Return the inputs at which outputs are stored."""
    return torch.linspace(-1, 1, PLACES, dtype=torch.float64)[:, None]


def learning(outputs: Tensor, labels: Tensor) -> Tensor:
    """Return which networks have not learned enough."""
    return (outputs - labels).square().mean(-1) > SHARE * labels.square().mean()


def linearised(net: StackedMLP) -> Tensor:
    """Train the linearisations of networks, whatever alpha is; return what they say on the grid."""
    dataset = data()
    labels, n = dataset.labels[:, 0], len(dataset.labels)
    kernels = tangent_kernel(net, torch.cat([dataset.inputs, grid()]))[..., :n]
    steps = 1 / kernel_sharpness(kernels[:, :n])[:, None, None] * 2 / n * kernels
    outputs = torch.zeros_like(kernels[..., 0])
    while (going := learning(outputs[:, :n], labels)).any():
        moves = (steps @ (outputs[:, :n] - labels)[..., None])[..., 0]
        outputs -= torch.where(going[:, None], moves, 0.0)
    return outputs[:, n:]


def trained(net: StackedMLP, alpha: float) -> tuple[StackedMLP, Tensor]:
    """Train networks whose outputs are scaled by alpha; return them and their numbers of steps."""
    dataset = data()
    inputs, labels = dataset.inputs, dataset.labels[:, 0]
    start = net(inputs).detach()
    # The scaled network's loss is alpha² times that of the plain one with these targets.
    targets = start + labels / alpha
    step_sizes = 1 / sharpness(net, (inputs, targets))[:, None]
    net, taken = net.some(slice(None)), torch.zeros(net.models)
    while True:
        outputs = net(inputs)
        going = learning(alpha * (outputs.detach() - start), labels)
        if not going.any():
            return net, taken
        loss = (outputs - targets).square().mean(-1).sum()
        (gradient,) = torch.autograd.grad(loss, net.vector)
        with torch.no_grad():
            net.vector -= torch.where(going[:, None], step_sizes * gradient, 0.0)
        taken += going


def stored(start: StackedMLP, linear: Tensor, alpha: float) -> dict[str, Any]:
    """Return what the file holds of networks at one alpha, beside their linearisations' outputs."""
    now, steps = trained(start, alpha)
    columns, dataset = layer_columns(start, -1), data()
    with torch.no_grad():
        outputs = alpha * (now(grid()) - start(grid()))
        weights = torch.stack([net.vector[:, columns] for net in (start, now)])
    before, after = (tangent_kernel(net, dataset.inputs) for net in (start, now))
    measured = {
        "movement": relative_movement(weights)[1],
        "distance": size(outputs - linear) / size(dataset.labels[:, 0]),
        "drift": kernel_drift(before, after),
        "steps": steps,
    }
    return {
        "alpha": alpha,
        "network": thousandths(outputs[0]),
        **{name: middle_and_ends(values) for name, values in measured.items()},
    }


def size(values: Tensor) -> Tensor:
    """Return the root of the mean square."""
    return values.square().mean(-1).sqrt()


def thousandths(values: Tensor) -> list[int]:
    """Round numbers for the file."""
    return (1000 * values).round().int().tolist()


def middle_and_ends(values: Tensor) -> list[float]:
    """Return median, least and largest of ten networks, in two digits."""
    three = (values.double().quantile(0.5), values.min(), values.max())
    return [float(f"{value:.2g}") for value in three]


def main() -> None:
    """Write the file."""
    torch.set_num_threads(1)  # more only wait for each other
    widths = []
    for width in WIDTHS:
        net = networks(width)
        linear = linearised(net)
        runs = [stored(net, linear, alpha) for alpha in ALPHAS]
        widths.append({"width": width, "linear": thousandths(linear[0]), "runs": runs})
    dataset = data()
    document = {
        "made_by": "make data (tools/store_lazy_training.py)",
        "points": [thousandths(part[:, 0]) for part in (dataset.inputs, dataset.labels)],
        "widths": widths,
    }
    FILE.write_text(json.dumps(document, separators=(",", ":")) + "\n", "utf8")
    print(f"stored {len(WIDTHS)} widths at {len(ALPHAS)} alphas in {FILE.name}")


if __name__ == "__main__":
    main()
