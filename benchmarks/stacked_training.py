"""How many times faster `adl.training.train_stacked` is than training network by network.

Prints a table with a row for each number of networks and a column for each case: the time of the
plain loop (one ``torch.nn.Sequential`` at a time, ``torch.optim``) per network and step, divided by
that of the stack. Both are measured in this run, each as the best of twelve repeats, on one thread.

    python benchmarks/stacked_training.py
"""

import os
import time
from collections.abc import Callable

import torch
import torch.nn.functional as F

from adl.data import singular_batch
from adl.models import StackedMLP
from adl.training import StackedAdam, StackedSGD, train_stacked

NETWORKS = (1, 10, 50, 100)
CASES = {  # inputs, widths, points, stacked optimiser, PyTorch's
    "1-10-1, 15 points, SGD": (1, [10], 15, StackedSGD, torch.optim.SGD),
    "1-10-1, 15 points, Adam": (1, [10], 15, StackedAdam, torch.optim.Adam),
    "3-32-32-1, 200 points, Adam": (3, [32, 32], 200, StackedAdam, torch.optim.Adam),
}
STEPS, REPEATS, STEP_SIZE = 100, 12, 1e-3


def best(train: Callable[[], object]) -> float:
    """Seconds for one step, the best of several repeats."""
    seconds = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        train()
        seconds.append(time.perf_counter() - start)
    return min(seconds) / STEPS


def loop(
    net: torch.nn.Module, optimizer: torch.optim.Optimizer, batch: tuple[torch.Tensor, torch.Tensor]
) -> None:
    """The plain training of one network."""
    inputs, targets = batch
    for _ in range(STEPS):
        loss = F.mse_loss(net(inputs)[:, 0], targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def main() -> None:
    """Measure and print."""
    os.environ["ADL_UNATTENDED"] = "1"
    torch.set_num_threads(1)
    print("networks", *CASES, sep="  |  ")
    alone = {}
    for models in NETWORKS:
        ratios = []
        for case, (inputs, hidden, points, stacked, plain) in CASES.items():
            batch = singular_batch(points, epsilon=1, seed=0)
            batch = batch[0][:, :inputs], batch[1]
            net = StackedMLP(models, inputs=inputs, hidden=hidden, seed=0)
            if case not in alone:
                one = net.single(0)
                optimizer = plain(one.parameters(), lr=STEP_SIZE)
                alone[case] = best(lambda: loop(one, optimizer, batch))  # noqa: B023
            optimizer = stacked(net)
            together = best(
                lambda: train_stacked(optimizer, batch, step_size=STEP_SIZE, steps=STEPS)  # noqa: B023
            )
            ratios.append(f"{float(f'{alone[case] * models / together:.2g}'):g} times")
        print(f"{models:8}", *map(str.rjust, ratios, map(len, CASES)), sep="  |  ")


if __name__ == "__main__":
    main()
