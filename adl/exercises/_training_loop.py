"""Checking a reader's training loop: what it returns, learns and saves, and in which order."""

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from numbers import Real
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import huber_loss, l1_loss, mse_loss
from torch.optim import SGD, Optimizer
from torch.optim.optimizer import register_optimizer_step_pre_hook

from adl.exercises._answer import Answer, Mistake, NotAttempted
from adl.exercises._numbers import kind, nothing_returned

_STEP_FIRST = (
    "`step()` comes before `backward()`: it steps along the gradients of the step before, if there "
    "are any. The loss must have been differentiated first."
)
_ADVICE = (
    (
        r"next_batch\(\) missing .*batch_size",
        "A batch has a size: `dataset.next_batch(batch_size)`.",
    ),
    (
        r"modulo|division by zero|arg 3 must not be zero|step cannot be zero",
        "`i % save_weights_every` is a division. Ask first whether save_weights_every is above 0: "
        "`and` looks at its right side only if the left one is true.",
    ),
    (
        r"does not require grad|does not have a grad_fn",
        "The loss has lost its way back to the weights: by `torch.no_grad()` around the forward "
        "pass, or by `.detach()`, `.item()` or `.data` before `backward()`.",
    ),
    (
        r"Boolean value of Tensor",
        "`nn.MSELoss` is a class: `criterion = nn.MSELoss()` makes one, and `criterion(outputs, "
        "labels)` computes the loss.",
    ),
    (
        r"modified by an ?in-?place operation",
        f"The weights change between outputs and `backward()`. {_STEP_FIRST}",
    ),
    (
        r"graph a second time",
        "Outputs and loss are computed once and used in several steps: each step computes both "
        "anew, inside the loop.",
    ),
    (
        r"(name|variable) '(inputs|labels|outputs|loss)'",
        "It is used before it is made: batch, outputs, loss, in this order.",
    ),
    (
        r"'tuple' object|not tuple|too many values to unpack",
        "`next_batch` returns two things: `inputs, labels = dataset.next_batch(batch_size)`.",
    ),
    (r"'method' object is not iterable", "Brackets are missing: `net.parameters()`."),
    (
        r"'NoneType' object has no attribute 'append'",
        "`append` changes the list and returns nothing: `losses.append(...)`, without `losses =`.",
    ),
    (
        r"'(SGD|MSELoss|Tensor)' object has no attribute '(backward|step|zero_grad)'",
        "`backward()` belongs to the loss, `zero_grad()` and `step()` to the optimiser.",
    ),
    (
        r"'_Data'",
        "A data set gives one batch at a time: `inputs, labels = dataset.next_batch(batch_size)`.",
    ),
    (r"'ellipsis'", "A `...` still stands where something should be written."),
)


# --- The witness ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Event:
    """What was done, how often the weights had changed by then, and what else there is to know."""

    what: str
    updates: int
    weights: Tensor
    detail: Any = None


class _Log:
    """Keeps the order of what is done with a network and its data."""

    def __init__(self) -> None:
        self.events: list[_Event] = []
        self.net: _Net | None = None

    def note(self, what: str, detail: Any = None) -> None:
        weights = _weights(self.net)
        updates = 0
        if self.events:
            last = self.events[-1]
            updates = last.updates + (not torch.equal(weights, last.weights))
        self.events.append(_Event(what, updates, weights, detail))

    def of(self, what: str) -> list[_Event]:
        return [event for event in self.events if event.what == what]


def _weights(net: Any) -> Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in net.parameters()])


class _Witness:
    """What tells the log; a copy would tell nobody, so that it is its own copy."""

    def __deepcopy__(self, memo: Any) -> "_Witness":
        return self


@dataclass(frozen=True)
class _Gradients:
    """Whether there is a gradient at a `backward()`: one of an earlier step, and the new one."""

    old: bool
    new: bool


class _Net(_Witness, nn.Module):
    """A small network with what those of the course have."""

    net_type = "shallow"

    def __init__(self, case: "_Case", log: _Log) -> None:
        super().__init__()
        self.hidden_dim = case.hidden
        # Without their own initialisation, which would draw from the reader's random numbers.
        self.hidden = nn.utils.skip_init(nn.Linear, 1, case.hidden)
        self.lout = nn.utils.skip_init(nn.Linear, case.hidden, 1)
        generator = torch.Generator().manual_seed(case.seed)
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.copy_(torch.randn(parameter.shape, generator=generator))
        self.weight_history: list[np.ndarray] = []
        self.log = log
        log.net = self
        # The hook comes before the new gradient is added: an old one is one that nobody emptied.
        self.lout.bias.register_hook(
            lambda new: log.note(
                "backward", detail=_Gradients(_is_there(self.lout.bias.grad), _is_there(new))
            )
        )

    def forward(self, x: Tensor) -> Tensor:
        self.log.note("forward")
        return self.lout(torch.tanh(self.hidden(x)))

    def save_weights(self) -> None:
        self.log.note("save")
        self.weight_history.append(self.lout.weight.detach().numpy().flatten())


def _is_there(gradient: Tensor | None) -> bool:
    return gradient is not None and bool(gradient.any())


class _Data(_Witness):
    """Points, and batches of them that are different each time."""

    type = "middle"

    def __init__(self, case: "_Case", log: _Log | None = None) -> None:
        self._generator = torch.Generator().manual_seed(case.seed + 1)
        self._log = log
        self.n = case.points
        self.inputs = 2 * torch.rand(case.points, 1, generator=self._generator) - 1
        self.labels = 2 * torch.sin(5 * self.inputs) + 0.5

    def next_batch(self, batch_size: int) -> tuple[Tensor, Tensor]:
        if self._log is not None:
            self._log.note("batch", detail=batch_size)
        chosen = torch.randperm(self.n, generator=self._generator)[:batch_size]
        return self.inputs[chosen], self.labels[chosen]

    def risk(self, net: nn.Module) -> Tensor:
        with torch.no_grad():
            return mse_loss(net(self.inputs), self.labels)


@dataclass(frozen=True)
class _Case:
    """What a training is called with."""

    seed: int
    points: int
    hidden: int
    steps: int
    batch_size: int
    rate: float
    every: int

    @classmethod
    def draw(cls, rng: np.random.Generator) -> "_Case":
        every = int(rng.integers(3, 5))
        return cls(
            seed=int(rng.integers(2**31)),
            points=int(rng.integers(11, 14)),
            hidden=int(rng.integers(3, 6)),
            steps=2 * every + 2,  # the last step saves nothing, whoever counts from 0 or from 1
            batch_size=int(rng.integers(5, 8)),
            rate=float(rng.uniform(0.02, 0.03)),
            every=every,
        )

    @property
    def saved(self) -> list[int]:
        """After how many updates the weights should be saved."""
        return list(range(0, self.steps, self.every)) if self.every > 0 else []


@dataclass
class _Run:
    """What came of a training."""

    log: _Log
    start: Tensor
    final: Tensor
    losses: list[float] = field(default_factory=list)
    after: list[float] = field(default_factory=list)  # of the same batches, after their update
    risks: list[float] = field(default_factory=list)  # of all points, before each update and last
    path: list[Tensor] = field(default_factory=list)  # the weights before each update

    @property
    def move(self) -> Tensor:
        return self.final - self.start


_Loss = Callable[[Tensor, Tensor], Tensor]


def _reference(case: _Case, loss: _Loss = mse_loss) -> _Run:
    """Train as asked, with any loss."""
    log = _Log()
    net, data = _Net(case, log), _Data(case)
    optimizer = SGD(net.parameters(), lr=case.rate)
    run = _Run(log, _weights(net), _weights(net))
    for _ in range(case.steps):
        inputs, labels = data.next_batch(case.batch_size)
        run.path.append(_weights(net))
        run.risks.append(data.risk(net).item())
        optimizer.zero_grad()
        value = loss(net(inputs), labels)
        value.backward()
        optimizer.step()
        run.losses.append(value.item())
        run.after.append(loss(net(inputs), labels).item())
    run.risks.append(data.risk(net).item())
    run.final = _weights(net)
    return run


# --- 5.1 The training loop ------------------------------------------------------------------------


def examine_train(answer: Answer, rng: np.random.Generator) -> str | None:
    """Check ``train(...)`` on recording networks; see `adl.exercises.Exercise`."""
    case = _Case.draw(rng)
    run, value = _train(answer, case)
    right = _reference(case)
    if not run.log.events and (value is None or (isinstance(value, list) and not value)):
        raise NotAttempted("the loop does nothing with the network yet")
    if not _is_close(run.move, right.move):
        raise Mistake(_recognise_training(answer, case, run, right))
    losses = _read_losses(answer, value)
    if not _is_close(losses, right.losses):
        raise Mistake(_recognise_losses(losses, case, right))
    _examine_saves(run, case)
    for every in (case.steps + 5, 0, -int(rng.integers(1, 4))):
        other = replace(case, every=every)
        run, value = _train(answer, other, where=f"with save_weights_every={every}")
        if not _is_close(_read_losses(answer, value), right.losses):
            raise Mistake(
                f"All is right with save_weights_every={case.every}. With {every} the losses are "
                "others: saving should change nothing else."
            )
        _examine_saves(run, other)
    return _remark(run)


def _train(answer: Answer, case: _Case, where: str = "") -> tuple[_Run, object]:
    """Train a recording network by the reader's function."""
    log = _Log()
    net, data = _Net(case, log), _Data(case, log)
    asked = (net, data, case.steps, case.batch_size, case.rate, case.every)
    start = _weights(net)
    with _watching(log):
        value = answer(*asked, where=where, advice=_ADVICE)
    return _Run(log, start, _weights(net)), value


@contextmanager
def _watching(log: _Log) -> Iterator[None]:
    """Note the steps of all optimisers."""
    handle = register_optimizer_step_pre_hook(
        lambda optimizer, *_: log.note("step", detail=_Step(optimizer))
    )
    try:
        yield
    finally:
        handle.remove()


class _Step:
    """An optimiser at the moment of its step, and whether it has a gradient to use."""

    def __init__(self, optimizer: Optimizer) -> None:
        self.optimizer = optimizer
        self.settings = dict(optimizer.param_groups[0])
        parameters = [p for group in optimizer.param_groups for p in group["params"]]
        self.parameters = {id(parameter) for parameter in parameters}
        self.has_gradient = any(_is_there(parameter.grad) for parameter in parameters)


def _remark(run: _Run) -> str | None:
    optimizers = {id(step.detail.optimizer) for step in run.log.of("step")}
    if len(optimizers) < 2:
        return None
    return (
        "Right: losses, weights, and when they are saved. One remark: your loop makes a new "
        "optimiser in each step. Plain SGD remembers nothing, so nothing is lost. With momentum, "
        "or in Adam, it would forget all that it knows. Make it once, before the loop."
    )


# --- What the network learns


def _recognise_training(answer: Answer, case: _Case, run: _Run, right: _Run) -> str:
    """Say in words why a network has other weights after the training than it should."""
    return (
        _wrong_batches(case, run)
        or _standstill(run)
        or _wrong_optimizer(case, run)
        or _wrong_order(run)
        or _wrong_loss(case, run, right)
        or _wrong_steps(case, run, right)
        or (
            "After your training the network has other weights than after plain gradient descent "
            "on the mean squared error. In each step: a batch, the gradients emptied, outputs, "
            "loss, `backward()`, `step()`."
        )
    )


def _wrong_batches(case: _Case, run: _Run) -> str | None:
    batches, forwards = run.log.of("batch"), run.log.of("forward")
    if not batches and not forwards:
        begun = "" if run.log.events else " Does the loop begin at all?"
        return f"Neither the data nor the network is used.{begun}"
    if not batches:
        return (
            "`next_batch` of the data set that your function gets is never called: each step has a "
            "batch of its own, of `batch_size` points."
        )
    sizes = {event.detail for event in batches}
    if sizes != {case.batch_size}:
        return (
            f"`next_batch` is called with {_listed(sizes)} where batch_size is "
            f"{case.batch_size}: hand on `batch_size`."
        )
    if not forwards:
        return (
            "The network is never called, the one that your function gets: `outputs = net(inputs)`."
        )
    if len(batches) == case.steps:
        return None
    if len(batches) == 1:
        return (
            f"`next_batch` is called once for {case.steps} steps. Is it in front of the loop, or "
            "does the loop end after its first step, by a `return` indented too far?"
        )
    if len(batches) == 2 * case.steps and all(
        first.updates == second.updates
        for first, second in zip(batches[::2], batches[1::2], strict=True)
    ):
        return (
            "`next_batch` is called twice in each step, so that the labels belong to other inputs. "
            "Take both from one call: `inputs, labels = dataset.next_batch(batch_size)`."
        )
    if len(batches) == case.steps * math.ceil(case.points / case.batch_size):
        return (
            f"Your loop makes {len(batches)} steps for N_steps={case.steps}: are epochs counted? A "
            "step is one batch and one update."
        )
    return (
        f"`next_batch` is called {len(batches)} times for N_steps={case.steps}: each step has one "
        "batch."
    )


def _ids(run: _Run) -> set[int]:
    return {id(parameter) for parameter in run.log.net.parameters()}


def _standstill(run: _Run) -> str | None:
    """Why the weights have not moved at all."""
    if not torch.equal(run.final, run.start):
        return None
    backwards, steps = run.log.of("backward"), run.log.of("step")
    if not backwards:
        return "No gradient is ever computed: `loss.backward()` is missing, or its brackets."
    if not any(event.detail.new for event in backwards):
        return "The gradient is 0 everywhere: is the loss the mean squared error?"
    if not steps:
        return (
            "The weights never change: the gradients are there, and `optimizer.step()` is missing, "
            "or its brackets."
        )
    if not any(step.detail.parameters & _ids(run) for step in steps):
        return (
            "Your optimiser has other parameters than those of `net`: make it of "
            "`net.parameters()`."
        )
    if not any(step.detail.has_gradient for step in steps):
        if _steps_first(run):
            return _STEP_FIRST + " Here they have just been emptied, and nothing is ever learnt."
        return (
            "The gradients are emptied between `backward()` and `step()`, so that there is nothing "
            "left to step along: `zero_grad()` comes before `backward()`, or after `step()`."
        )
    return "The weights never change, though the optimiser steps: is its `lr` the one asked for?"


def _steps_first(run: _Run) -> bool:
    order = [event.what for event in run.log.events if event.what in ("step", "backward")]
    return bool(order) and order[0] == "step"


def _wrong_optimizer(case: _Case, run: _Run) -> str | None:
    own = _ids(run)
    for step in run.log.of("step"):
        optimizer, settings = step.detail.optimizer, step.detail.settings
        if not isinstance(optimizer, SGD):
            return (
                f"Your optimiser is {type(optimizer).__name__}. Asked for is plain gradient "
                "descent, `torch.optim.SGD`: what the chapter says of step sizes holds for it."
            )
        if not math.isclose(settings["lr"], case.rate):
            return (
                f"Your optimiser steps with lr={settings['lr']:g}, and was asked for "
                f"lr={case.rate:.3g}: hand on `lr`."
            )
        for name, value in settings.items():
            if name in ("momentum", "weight_decay", "nesterov", "maximize") and value:
                return f"Your SGD has {name}={value}. Asked for is plain gradient descent."
        if not own <= step.detail.parameters:
            return (
                "Your optimiser has some of the parameters only: give it all, `net.parameters()`."
            )
    return None


def _wrong_order(run: _Run) -> str | None:
    if _steps_first(run):
        return _STEP_FIRST
    backwards = run.log.of("backward")
    if any(event.detail.old for event in backwards[1:]):
        return (
            "The gradients are never emptied: `backward()` adds to what is there, so that the "
            "second step goes along the sum of two gradients, and so on. Call "
            "`optimizer.zero_grad()` in each step, before `backward()`."
        )
    return None


_BROADCAST = (
    "Outputs and labels have different shapes, such as (n, 1) and (n,), when the loss is taken. "
    "They are spread out to n × n differences, each output against each label, and the network "
    "learns the mean of all labels. Leave both at (n, 1)."
)
_LOSSES: list[tuple[str, _Loss]] = [
    (
        "The squares are added up: the loss, and with it each step, grows with the batch. Take "
        "their mean.",
        lambda o, y: mse_loss(o, y, reduction="sum"),
    ),
    (_BROADCAST, lambda o, y: (o.squeeze() - y).square().mean()),
    (
        f"{_BROADCAST} And they are added up, where a mean should be taken.",
        lambda o, y: (o.squeeze() - y).square().sum(),
    ),
    (
        "The loss is half the mean square, and each step half as long as it should be.",
        lambda o, y: mse_loss(o, y) / 2,
    ),
    (
        "The root of the mean square is differentiated: its slope is another one. Leave the root "
        "out.",
        lambda o, y: mse_loss(o, y).sqrt(),
    ),
    ("The loss is the mean absolute error; asked for is the mean squared one.", l1_loss),
    ("The loss is Huber's; asked for is the mean squared error.", huber_loss),
    (
        "The differences are not squared: their mean goes down without end.",
        lambda o, y: (o - y).mean(),
    ),
    (
        "The difference is averaged before it is squared: square each, then take the mean.",
        lambda o, y: (o - y).mean().square(),
    ),
    ("The steps go uphill. Is there a minus too many?", lambda o, y: -mse_loss(o, y)),
]


def _wrong_loss(case: _Case, run: _Run, right: _Run) -> str | None:
    """Recognise the loss by the first update alone, whatever goes wrong afterwards."""
    later = [event.weights for event in run.log.events] + [run.final]
    first = next(weights for weights in later if not torch.equal(weights, run.start)) - run.start
    asked = right.path[1] - run.start
    if _is_close(first, asked, 1e-3):
        return None
    alike = [
        (words, _reference(case, loss))
        for words, loss in _LOSSES
        if _is_close(first, _reference(replace(case, steps=1), loss).move, 1e-3)
    ]
    if alike:
        return next((words for words, way in alike if _is_close(run.move, way.move)), alike[0][0])
    ratio = float(first @ asked / asked.square().sum())
    if _is_close(first, ratio * asked, 1e-3):
        if math.isclose(ratio * case.rate, 1, rel_tol=1e-3):
            return "The step is the gradient itself: multiply it by `lr`."
        return (
            f"Your first update is {ratio:.3g} times as long as it should be: is the loss, or the "
            "gradient, multiplied or divided by something?"
        )
    return None


def _wrong_steps(case: _Case, run: _Run, right: _Run) -> str | None:
    updates = run.log.events[-1].updates + (not torch.equal(run.log.events[-1].weights, run.final))
    for done, weights in enumerate(right.path):
        if done and _is_close(run.move, weights - run.start):
            return (
                f"After N_steps={case.steps} your network has made {done} updates: each step ends "
                "with one."
            )
    if updates > case.steps or len(run.log.of("step")) > case.steps:
        return (
            f"Your loop makes {max(updates, len(run.log.of('step')))} updates in {case.steps} "
            "steps: call `step()` once in each."
        )
    return None


# --- What is returned


def _read_losses(answer: Answer, value: object) -> list[float]:
    """The numbers of a returned list of losses."""
    asked = "asked for is a list with the loss of each step, before its update"
    if value is None:
        raise Mistake(nothing_returned(answer, "collect the losses in a list, and return it"))
    if isinstance(value, Real) or getattr(value, "shape", None) in ((), (1,), (1, 1)):
        raise Mistake(
            f"Your function returns a single number; {asked}. Is the `return` inside the loop, or "
            "only the last loss kept?"
        )
    if isinstance(value, tuple) and any(isinstance(part, list) for part in value):
        raise Mistake(
            "Your function returns several things: return the list of losses only. The saved "
            "weights are kept by the network, in `net.weight_history`."
        )
    if isinstance(value, nn.Module):
        raise Mistake(f"Your function returns the network; {asked}.")
    if isinstance(value, str | Mapping | set):
        raise Mistake(f"Your function returns {kind(value)}; {asked}.")
    try:
        entries = list(value)
    except TypeError:
        raise Mistake(f"Your function returns {kind(value)}; {asked}.") from None
    return [_loss(entry) for entry in entries]


def _loss(entry: Any) -> float:
    if isinstance(entry, Tensor) and entry.grad_fn is not None:
        raise Mistake(
            "The losses in your list still carry their graphs: each keeps its whole computation "
            "in memory, so that a long training fills it. Store the number, `loss.item()`."
        )
    if isinstance(entry, Tensor | np.ndarray | np.generic):
        if math.prod(entry.shape) != 1:
            raise Mistake(
                f"Your list holds {kind(entry)} of shape {tuple(entry.shape)}; asked for is one "
                "number for each step, the mean over its batch."
            )
        entry = entry.item()
    if isinstance(entry, tuple | list):
        raise Mistake(
            f"Your list holds {kind(entry)} for each step; asked for is one number, its loss."
        )
    if isinstance(entry, str):
        raise Mistake(
            f"Your list holds text ({entry[:20]!r}). Return numbers; formatting is for printing."
        )
    if callable(entry):
        raise Mistake(
            "Your list holds a method, and not a number: are the brackets of `item()` missing?"
        )
    if not isinstance(entry, Real) or isinstance(entry, bool):
        raise Mistake(f"Your list holds {kind(entry)}; asked for is a number for each step.")
    return float(entry)


def _recognise_losses(losses: list[float], case: _Case, right: _Run) -> str:
    """Say in words what is wrong with a list of losses, the weights being right."""
    asked = right.losses
    learnt = "The network learns what it should, the list of losses is not right:"
    if not losses:
        return f"{learnt} it is empty. Is `losses.append(...)` missing, or the list made anew?"
    if _is_close(losses, right.after):
        return (
            f"{learnt} each loss is measured after the update. Asked for is that before it, which "
            "`backward()` started from; it is there already."
        )
    if _is_close(losses, right.risks[:-1]) or _is_close(losses, right.risks[1:]):
        return f"{learnt} it has the loss of all points. Asked for is that of the step's batch."
    if _is_close(losses, [value * case.batch_size for value in asked]):
        return f"{learnt} the losses are added up over the batch. Take the mean."
    if _is_close(losses, np.sqrt(asked)):
        return f"{learnt} these are the roots of the losses. Leave the root out."
    if _is_close(losses, np.cumsum(asked)):
        return f"{learnt} each number is the sum of all losses so far."
    if _is_close(losses, np.cumsum(asked) / np.arange(1, len(asked) + 1)):
        return f"{learnt} each number is the mean of all losses so far."
    if _is_close(losses, asked[::-1]):
        return f"{learnt} it is in reverse order."
    if _is_close(losses, asked[:: case.every]):
        return (
            f"{learnt} it has a loss only when weights are saved. Is the line indented too far? "
            "Asked for is one for each step."
        )
    if _is_close(losses, np.repeat(asked, 2)):
        return f"{learnt} each loss is in it twice."
    if len(losses) == case.steps:
        for digits in range(1, 5):
            if np.array_equal(np.round(losses, digits), losses):
                return f"{learnt} its numbers are rounded. Round when you print."
        first = int(np.argmin(np.isclose(losses, asked, rtol=1e-4)))
        return (
            f"{learnt} for step {first} it has {losses[first]:.4g}, and the loss of that batch "
            f"before the update is {asked[first]:.4g}."
        )
    for numbers, which in ((losses[1:], "first"), (losses[:-1], "last")):
        if _is_close(numbers, asked):
            return f"{learnt} it has one too many, the {which}."
    for numbers, which in ((asked[1:], "first"), (asked[:-1], "last")):
        if _is_close(losses, numbers):
            return f"{learnt} it has one too few: the {which} is missing."
    if len(losses) == 1:
        return f"{learnt} it has a single number. Is the list made anew in each step?"
    return (
        f"{learnt} it has {len(losses)} numbers after {case.steps} steps. Asked for is one for "
        "each step."
    )


# --- When the weights are saved


def _examine_saves(run: _Run, case: _Case) -> None:
    saved = [event.updates for event in run.log.of("save")]
    if saved != case.saved or len(run.log.net.weight_history) != len(saved):
        raise Mistake(_recognise_saves(saved, case, run))


def _recognise_saves(saved: list[int], case: _Case, run: _Run) -> str:
    """Say in words when the weights were saved, and when they should have been."""
    every, asked = case.every, case.saved
    right = "Losses and weights are right. But"
    by_hand = len(run.log.net.weight_history) - len(saved)
    if by_hand < 0:
        return f"{right} your loop empties `weight_history`: what was saved before is lost."
    if by_hand > 0:
        return f"{right} {_kept_by_hand(run.log.net)}"
    if every <= 0:
        why = (
            f" `i % {every}` is 0 for {'each' if every == -1 else 'every so many a'} step `i`: ask "
            "whether it is above 0, too."
            if every
            else ""
        )
        return (
            f"{right} weights are saved {len(saved)} times with save_weights_every={every}: 0 and "
            f"below mean never.{why}"
        )
    said = f"with save_weights_every={every} they should be saved after {_listed(asked)} updates"
    if not saved:
        return (
            f"{right} no weights are ever saved; {said}. Is `net.save_weights()` missing, or its "
            "brackets?"
        )
    if saved == [updates + 1 for updates in asked]:
        return (
            f"{right} the first weights saved have seen an update already. Those of the start are "
            "lost, and nothing tells how far the network has moved from there. Save at step 0, and "
            "before the update."
        )
    if saved in (list(range(case.steps)), list(range(1, case.steps + 1))):
        return f"{right} weights are saved in each step; {said}."
    if saved == asked[:1]:
        return f"{right} weights are saved at the start only; {said}."
    if saved == [case.steps]:
        return f"{right} weights are saved only when all is over; {said}."
    if saved[: len(asked)] == asked:
        return f"{right} weights are saved once more at the end; {said}, and not again."
    if saved == sorted([*asked, *asked]):
        return f"{right} weights are saved twice each time. Once will do."
    if saved == list(range(every - 1, case.steps, every)):
        return (
            f"{right} weights are saved after {_listed(saved)} updates, {said[5:]}. Are the steps "
            "counted from 1 on? The first is step 0."
        )
    if saved == list(range(every, case.steps + 1, every)):
        return (
            f"{right} those of the start are not saved: the first saved have seen {every} updates. "
            "Step 0 counts, too."
        )
    return f"{right} weights are saved after {_listed(saved)} updates; {said}."


def _kept_by_hand(net: _Net) -> str:
    live = [parameter.detach().numpy() for parameter in net.parameters()]
    entries = [entry for entry in net.weight_history if isinstance(entry, Tensor | np.ndarray)]
    arrays = [entry.detach().numpy() if isinstance(entry, Tensor) else entry for entry in entries]
    if any(np.shares_memory(array, weights) for array in arrays for weights in live):
        return (
            "what you put into `weight_history` is not a copy: it shares its memory with the "
            "network, goes on changing, and shows the last weights everywhere. "
            "`net.save_weights()` makes a copy."
        )
    return (
        "you put something into `weight_history` yourself. Leave that to `net.save_weights()`: "
        "each kind of network knows what to keep."
    )


def _listed(numbers: Any) -> str:
    words = [str(number) for number in numbers]
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def _is_close(found: Any, asked: Any, tolerance: float = 1e-4) -> bool:
    found, asked = np.asarray(found, dtype=float), np.asarray(asked, dtype=float)
    return found.shape == asked.shape and bool(
        np.allclose(found, asked, rtol=tolerance, atol=tolerance * np.abs(asked).max(initial=0))
    )
