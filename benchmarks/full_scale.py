"""The experiments of chapters 3 and 4 at the size of the notes that they grew from.

The chapters train networks of 32 units for some hundred steps. The notes trained networks of 100
units for 50,000 steps, on 40,000 examples a step (chapter 4) or 10,000 (chapter 3). That is what
this script runs: hours a case on a CPU, so each can be cut short, and goes on from where it was.

    python benchmarks/full_scale.py --device cuda
    python benchmarks/full_scale.py --only mse-1e-4 relative-l1-1e-4 --steps 1000

After each case its results go into a file that `adl.full_scale` reads; the other cases in it stay,
whatever machine they were run on, and a run never replaces a longer one. Checkpoints let a run that
was interrupted, or that is asked for more steps, end bit for bit where it would have ended in one
go, on the same machine with as many threads. The variable OMP_NUM_THREADS sets their number.

A case that is cut short is the first part of the full one: the rate that decays over the note's
50,000 steps has then hardly begun to fall. The note's controller of the learning rate is not among
the cases: `adl.spread_control.hold_spread` begins each call with an empty window, so what is run in
parts would not be what is run in one go.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from adl._session import unattended
from adl.data import singular_batch
from adl.edge import stability
from adl.fluctuations import spread
from adl.losses import LOSSES
from adl.models import StackedMLP
from adl.training import StackedAdam, train_stacked

ROOT = Path(__file__).resolve().parent.parent
STEPS = 50_000  # of the notes
PIECE = 20  # steps from one look at the clock to the next
PAUSE = 60  # seconds from checkpoint to checkpoint
NET, BATCHES, TEST, PROBE = range(4)  # seeds: initial weights, training, test, curvature
TEST_EXAMPLES = 200_000
LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)
FIRST = 5  # steps whose losses are stored, to see whether a case still begins as it did
WINDOW, EARLY = 300, 700  # steps: of the spread, and where its early window ends
NOT_A_CASE = ["the controller of the learning rate (chapter 3)"]


@dataclass(frozen=True)
class Case:
    """One training: Adam with its usual options, in float32.

    Parameters
    ----------
    chapter : int
        Which chapter's note it is from.
    loss : str, default "MSE"
        A name in `adl.losses.LOSSES`.
    epsilon : float, default 1e-4
        Of the singular target.
    hidden : tuple of int, default (100, 100)
        Widths of the hidden layers.
    step_size : float, default 3e-4
        Learning rate of the first step.
    last_step_size : float, optional
        What the rate has fallen to after 50,000 steps, by the same factor in each; by default it
        is constant.
    batch_size : int, default 40,000
        Examples in a step.
    fresh : bool, default True
        Whether each step draws a new batch, or all have the same.
    """

    chapter: int
    loss: str = "MSE"
    epsilon: float = 1e-4
    hidden: tuple[int, ...] = (100, 100)
    step_size: float = 3e-4
    last_step_size: float | None = None
    batch_size: int = 40_000
    fresh: bool = True

    def rates(self, first: int, steps: int) -> Tensor:
        """Learning rates of some steps, in float64, after `first` others."""
        rates = torch.full((steps,), self.step_size, dtype=torch.float64)
        if self.last_step_size is None:
            return rates
        share = torch.arange(first, first + steps, dtype=torch.float64) / STEPS
        return rates * (self.last_step_size / self.step_size) ** share

    def batch(self, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Inputs and targets, drawn where the generator lives."""
        return singular_batch(self.batch_size, epsilon=self.epsilon, seed=generator)


def _chapter_3(step_size: float, *, fresh: bool, last: float | None = None) -> Case:
    return Case(
        3,
        epsilon=1e-3,
        step_size=step_size,
        last_step_size=last,
        batch_size=10_000,
        fresh=fresh,
    )


CASES = {
    "mse-1e-4": Case(4),
    "huber-1e-4": Case(4, "Huber"),
    "l1-1e-4": Case(4, "L1"),
    "log-error-1e-4": Case(4, "log error"),
    "two-sided-log-1e-4": Case(4, "two-sided log"),
    "relative-l2-1e-4": Case(4, "relative L2"),
    "relative-l1-1e-4": Case(4, "relative L1"),
    "mse-1e-3": Case(4, epsilon=1e-3),
    "mse-1e-2": Case(4, epsilon=1e-2),
    "mse-0.1": Case(4, epsilon=0.1),
    "mse-1": Case(4, epsilon=1.0),
    "four-layers-1e-3": Case(4, epsilon=1e-3, hidden=(100, 100, 100, 100)),
    "four-layers-1e-4": Case(4, hidden=(100, 100, 100, 100)),
    "lower-rate-1e-4": Case(4, step_size=1e-4),
    "constant-rate-one-batch": _chapter_3(3e-2, fresh=False),
    "constant-rate-fresh-batches": _chapter_3(3e-2, fresh=True),
    "decaying-rate-one-batch": _chapter_3(3e-1, last=3e-3, fresh=False),
}
"""What is run, by name, in this order."""


class Training:
    """A case under way: what has to be kept so that it can go on.

    Parameters
    ----------
    case : Case
    device : str
        "cpu" or "cuda".
    """

    def __init__(self, case: Case, device: str) -> None:
        self.case = case
        net = StackedMLP(1, inputs=3, hidden=case.hidden, seed=NET, device=device)
        self.optimizer = StackedAdam(net)
        self.generator = _generator(BATCHES, device)
        self.losses = torch.empty(0)
        self.seconds = 0.0
        self.made: dict[str, str] = {}  # where and when the last steps were
        # The fixed batch comes from a generator of its own, so that going on draws it again.
        self.batch = case.batch if case.fresh else case.batch(_generator(BATCHES, device))

    @property
    def steps(self) -> int:
        """Steps made so far."""
        return self.optimizer.steps

    def go_on(self, steps: int) -> None:
        """Make some more steps."""
        start = time.perf_counter()
        run = train_stacked(
            self.optimizer,
            self.batch,
            step_size=self.case.rates(self.steps, steps)[:, None],
            steps=steps,
            loss=LOSSES[self.case.loss],
            seed=self.generator,
        )
        self.losses = torch.cat([self.losses, run.losses[:, 0].cpu()])  # waits for a GPU
        self.seconds += time.perf_counter() - start
        self.made = {
            "machine": _machine(run.losses.device),
            "torch": str(torch.__version__),
            "date": date.today().isoformat(),
        }

    def save(self, path: Path) -> None:
        """Write a checkpoint, whole or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        state = {
            "case": asdict(self.case),
            "net": self.optimizer.net.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "generator": self.generator.get_state(),
            "losses": self.losses,
            "seconds": self.seconds,
            "made": self.made,
        }
        unfinished = path.with_suffix(".part")
        torch.save(state, unfinished)
        unfinished.replace(path)

    def load(self, path: Path) -> None:
        """Go back to a checkpoint."""
        try:
            state = torch.load(path, map_location="cpu", weights_only=True)
            if state["case"] != asdict(self.case):
                raise SystemExit(
                    f"{path}: is of another case, {state['case']}; remove it to start anew"
                )
            self.optimizer.net.load_state_dict(state["net"])
            self.optimizer.load_state_dict(state["optimizer"])
            self.generator.set_state(state["generator"])
            self.losses, self.seconds, self.made = state["losses"], state["seconds"], state["made"]
        except Exception as error:  # a broken file can raise anything
            raise SystemExit(
                f"{path}: is no checkpoint that this script can read; remove it to start anew"
            ) from error


def train(
    name: str, case: Case, *, steps: int, device: str, checkpoints: Path, quiet: bool = True
) -> Training:
    """Train up to a number of steps, from the last checkpoint if there is one.

    Parameters
    ----------
    name : str
        What bar and checkpoint are called.
    case : Case
    steps : int
        How many there shall be in all.
    device : str
        "cpu" or "cuda". Their random numbers differ, so each has its own checkpoints.
    checkpoints : pathlib.Path
        Folder, made when it is needed.
    quiet : bool, default True
        Whether there is no bar.

    Returns
    -------
    Training
        With as many steps as were asked for, or more if the checkpoint had them.
    """
    training, path = Training(case, device), checkpoints / f"{name}-{device}.pt"
    if path.exists():
        training.load(path)
    saved = time.monotonic()
    progress = {"total": steps, "initial": training.steps, "leave": False, "disable": quiet}
    with tqdm(desc=name, **progress) as bar:
        while training.steps < steps:
            piece = min(PIECE, steps - training.steps)
            training.go_on(piece)
            bar.update(piece)
            if training.steps == steps or time.monotonic() - saved > PAUSE:
                training.save(path)
                saved = time.monotonic()
    return training


def results(training: Training) -> dict[str, Any]:
    """What is stored of a training, rounded.

    Parameters
    ----------
    training : Training

    Returns
    -------
    dict
        Ready for JSON; None where a number is not finite.
    """
    case, net = training.case, training.optimizer.net
    return {
        **asdict(case),
        "steps": training.steps,
        "steps_of_the_note": STEPS,
        "device": net.vector.device.type,
        **training.made,
        "seconds_per_step": _rounded(training.seconds / training.steps, 3),
        "first_log10_losses": _rounded(training.losses[:FIRST].log10(), 3),
        **sample_errors(net, singular_batch(TEST_EXAMPLES, epsilon=case.epsilon, seed=TEST)),
        **(at_the_edge(training) if case.chapter == 3 else {}),
    }


@torch.no_grad()
def sample_errors(net: StackedMLP, sample: tuple[Tensor, Tensor]) -> dict[str, Any]:
    """How wrong a network is on examples that it never saw.

    Parameters
    ----------
    net : StackedMLP
        Of one model.
    sample : tuple of torch.Tensor
        Inputs and targets.

    Returns
    -------
    dict
        ``log10_squared_error``, its quantiles at `LEVELS`; ``explained``, the share of the
        targets' variance (R²); ``mean_absolute_error``; and ``median_relative_error``, where
        the relative error is ``abs(error) / (1 + abs(target))``.
    """
    inputs, targets = (part.to(net.vector.device) for part in sample)
    outputs, targets = net(inputs)[0].double(), targets.double()
    errors = outputs - targets
    deviations = targets - targets.mean()
    logs = errors.square().log10()
    return {
        "log10_squared_error": _rounded(logs.quantile(logs.new_tensor(LEVELS)), 4),
        "explained": _rounded(1 - errors.square().sum() / deviations.square().sum(), 4),
        "mean_absolute_error": _rounded(errors.abs().mean(), 4),
        "median_relative_error": _rounded((errors.abs() / (1 + targets.abs())).quantile(0.5), 4),
    }


def at_the_edge(training: Training) -> dict[str, float | None]:
    """Fluctuation of the loss, early and at the end, and step size × curvature at the end.

    Parameters
    ----------
    training : Training

    Returns
    -------
    dict
        ``spread_early`` and ``spread_late``, the detrended spread of log10 loss over steps 400 to
        700 and over the last 300, None where there were fewer; ``stability`` as
        `adl.edge.stability` gives it, for the rate of the next step.
    """
    case, losses = training.case, training.losses
    spreads = {
        name: _rounded(spread(losses[end - WINDOW : end], WINDOW, detrend=True)[0], 3)
        if len(losses) >= end
        else None
        for name, end in {"spread_early": EARLY, "spread_late": max(WINDOW, len(losses))}.items()
    }
    device = training.optimizer.net.vector.device
    batch = training.batch if not case.fresh else case.batch(_generator(PROBE, device))
    rate = case.rates(training.steps, 1).item()
    product = stability(training.optimizer, batch, step_size=rate)[0]
    return {**spreads, "stability": _rounded(product, 3)}


def merge(path: Path, name: str, entry: dict[str, Any]) -> bool:
    """Put one case's results into the file, in place of a run of it that is no longer.

    Parameters
    ----------
    path : pathlib.Path
        Made if it is not there.
    name : str
        Of the case.
    entry : dict
        As from `results`.

    Returns
    -------
    bool
        Whether it was put in: False if the file has a longer run of this case.
    """
    cases = _cases(path)
    if name in cases and cases[name]["steps"] > entry["steps"]:
        return False
    cases[name] = entry
    missing = [planned for planned in CASES if planned not in cases]
    ordered = sorted(cases, key=[*CASES, *cases].index)
    lines = ",\n".join(f"{json.dumps(key)}: {json.dumps(cases[key])}" for key in ordered)
    unfinished = path.with_suffix(".part")
    unfinished.write_text(
        '{\n"made_by": "benchmarks/full_scale.py",\n'
        f'"not_run": {json.dumps(missing + NOT_A_CASE)},\n'
        f'"cases": {{\n{lines}\n}}\n}}\n',
        "utf8",
    )
    unfinished.replace(path)
    return True


def _cases(path: Path) -> dict[str, Any]:
    """What a file of results holds, nothing if it is not there."""
    return json.loads(path.read_text("utf8"))["cases"] if path.exists() else {}


def _generator(seed: int, device: torch.device | str) -> torch.Generator:
    return torch.Generator(device).manual_seed(seed)


def _machine(device: torch.device) -> str:
    """Model of what computed, and nothing that tells whose it is."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    cpuinfo = Path("/proc/cpuinfo")  # on Linux, where Python does not know the name
    lines = cpuinfo.read_text("utf8").splitlines() if cpuinfo.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    threads = torch.get_num_threads()
    model = names[0] if names else platform.processor() or platform.machine()
    return f"{model}, {threads} thread{'s' * (threads > 1)}"


def _rounded(values: Any, digits: int) -> Any:
    """To significant digits, for JSON: None where a number is not finite."""
    if getattr(values, "shape", None) or isinstance(values, list):
        return [_rounded(value, digits) for value in values]
    value = float(values)
    return float(f"{value:.{digits}g}") if math.isfinite(value) else None


def _results(text: str) -> Path:
    """A file that results can be put into, for the command line."""
    path = Path(text)
    _folder(str(path.parent))
    try:
        _cases(path)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise argparse.ArgumentTypeError(
            f"{path}: expected results of this script, or no such file"
        ) from error
    return path


def _folder(text: str) -> Path:
    """A folder, made if it is not there, for the command line."""
    path = Path(text)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise argparse.ArgumentTypeError(f"{path}: cannot be made a folder") from error
    return path


def _asked(arguments: Sequence[str] | None) -> argparse.Namespace:
    """What was asked for on the command line, or words on why it cannot be done."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument(
        "--only",
        nargs="+",
        choices=CASES,
        default=list(CASES),
        metavar="NAME",
        help=", ".join(CASES),
    )
    parser.add_argument("--steps", type=int, default=STEPS, help="by default the notes' 50,000")
    # As text, so that what stands by default is looked at too.
    results, checkpoints = ROOT / "adl" / "full_scale.json", ROOT / "_build" / "full_scale"
    parser.add_argument("--results", type=_results, default=str(results))
    parser.add_argument("--checkpoints", type=_folder, default=str(checkpoints))
    asked = parser.parse_args(arguments)
    if not 1 <= asked.steps <= STEPS:
        parser.error(f"argument --steps: expected 1 to {STEPS:,}, got {asked.steps}")
    if asked.device == "cuda" and not torch.cuda.is_available():
        parser.error("argument --device: PyTorch finds no GPU on this machine; use --device cpu")
    return asked


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the cases that were asked for, one after the other."""
    asked = _asked(arguments)
    quiet = unattended()
    # Who watches sees a bar for each case, and not one for each of its pieces.
    os.environ["ADL_UNATTENDED"] = "1"
    for name in asked.only:
        training = train(
            name,
            CASES[name],
            steps=asked.steps,
            device=asked.device,
            checkpoints=asked.checkpoints,
            quiet=quiet,
        )
        entry = results(training)
        kept = "" if merge(asked.results, name, entry) else "; a longer run stays stored"
        print(
            f"{name}: {entry['steps']:,} of {STEPS:,} steps, "
            f"{entry['seconds_per_step']} s each; median log10 squared error "
            f"{entry['log10_squared_error'][2]}, R2 {entry['explained']}{kept}",
            flush=True,
        )


if __name__ == "__main__":
    main()
