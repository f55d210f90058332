"""Small trainings with a reader's callback, and what a witness sees in them."""

import dis
import inspect
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import SGD, Optimizer

from adl.exercises._answer import Answer, Mistake, NotAttempted
from adl.exercises._numbers import kind, nothing_returned
from adl.learner import HOOKS, Callback, Learner


@dataclass(frozen=True)
class Case:
    """A small network of two layers and its data, the same each time that it is trained."""

    seed: int
    batches: int
    validations: int
    epochs: int
    rate: float
    hidden: int

    @classmethod
    def draw(cls, rng: np.random.Generator, *, validated: bool = True) -> "Case":
        return cls(
            seed=int(rng.integers(2**32)),
            batches=int(rng.integers(4, 7)),
            validations=int(rng.integers(3, 5)) if validated else 0,  # 2 look like the 2 passes
            epochs=int(rng.integers(2, 4)),
            rate=float(rng.uniform(0.01, 0.03)),
            hidden=int(rng.integers(3, 6)),
        )

    @property
    def updates(self) -> int:
        return self.batches * self.epochs

    def learner(self, *callbacks: Callback) -> Learner:
        """A new learner, whose two layers have a parameter group and a rate each."""
        rng = np.random.default_rng(self.seed)

        def tensor(*shape: int) -> Tensor:
            return torch.tensor(rng.normal(size=shape))

        def batches(number: int) -> list[tuple[Tensor, Tensor]]:
            return [(tensor(8, 2), tensor(8, 2)) for _ in range(number)]

        net = nn.Sequential(nn.Linear(2, self.hidden), nn.Tanh(), nn.Linear(self.hidden, 2))
        net.double()
        with torch.no_grad():
            for parameter in net.parameters():
                parameter.copy_(tensor(*parameter.shape))

        def optimizer(_: Any, lr: float) -> Optimizer:
            layers = [
                {"params": list(net[place].parameters()), "lr": rate}
                for place, rate in ((0, lr), (2, lr / 3))
            ]
            return SGD(layers, momentum=0.8)

        return Learner(
            net,
            batches(self.batches),
            batches(self.validations) if self.validations else None,
            loss=nn.functional.mse_loss,
            lr=self.rate,
            optimizer=optimizer,
            callbacks=callbacks,
        )


class Moment:
    """The network when a hook is called."""

    def __init__(self, hook: str, learn: Learner) -> None:
        parameters = list(learn.model.parameters())
        loss = getattr(learn, "loss_value", None)
        self.hook, self.training = hook, learn.training
        self.loss = math.nan if loss is None else loss.item()
        self.weights = [p.detach().clone() for p in parameters]
        self.gradients = [p.grad.clone() for p in parameters if p.grad is not None]


class Witness(Callback):
    """Keeps every moment of a training, from before the other callbacks are called."""

    order = -math.inf

    def __init__(self) -> None:
        self.moments: list[Moment] = []


def _see(hook: str) -> Callable[[Witness, Learner], None]:
    return lambda witness, learn: witness.moments.append(Moment(hook, learn))


for _hook in HOOKS:
    setattr(Witness, _hook, _see(_hook))


def made(answer: Answer, *arguments: Any, advice: Iterable[tuple[str, str]] = ()) -> Callback:
    """Make one of the reader's callbacks.

    Raises
    ------
    NotAttempted
        If none of its hooks does anything yet.
    Mistake
        If it is no callback.
    """
    misspelt = {"_init_", "init", "__int__"} & set(getattr(answer.function, "__dict__", ()))
    if misspelt:
        raise Mistake(
            f"`{misspelt.pop()}` is not called when a callback is made: `__init__` is, with two "
            "underscores on each side."
        )
    callback = answer(*arguments, advice=advice)
    if callback is None:
        raise Mistake(nothing_returned(answer, "hand in the class itself"))
    if not isinstance(callback, Callback):
        what = "Your class makes" if isinstance(answer.function, type) else "Your function returns"
        raise Mistake(
            f"{what} {kind(callback)}, which is not a callback. A class says in brackets what it "
            f"is a kind of: `class {answer.name}(Callback):`."
        )
    if not strays(callback) and all(is_empty(hook) for hook in hooks_of(callback).values()):
        raise NotAttempted("its hooks are still to be written")
    return callback


def hooks_of(callback: Callback) -> dict[str, Any]:
    """The hooks that a callback's class defines."""
    written = {hook: getattr(type(callback), hook) for hook in HOOKS}
    return {hook: body for hook, body in written.items() if body is not getattr(Callback, hook)}


def is_empty(method: Any) -> bool:
    """Whether a method does nothing, or has a `...` where something should be."""
    code = getattr(inspect.unwrap(method), "__code__", None)
    if code is None:
        return False
    calls = any(step.opname.startswith("CALL") for step in dis.get_instructions(code))
    return not (code.co_names or code.co_freevars) or (... in code.co_consts and not calls)


def strays(callback: Callback) -> list[str]:
    """Public methods that no learner calls."""
    return [
        name
        for name, part in vars(type(callback)).items()
        if callable(part) and not name.startswith("_") and not hasattr(Callback, name)
    ]


def nothing_done(callback: Callback, call: str) -> str:
    """Say of a callback that never makes a call why that may be."""
    there = [f"`{hook}`" for hook in hooks_of(callback) if hook != "before_fit"]
    if there:
        return (
            f"{' and '.join(there)} {'is' if len(there) == 1 else 'are'} there: is `{call}` "
            "missing, or its brackets? Is a condition never true, or a line not indented as far "
            "as it should be?"
        )
    called = " and ".join(f"`{name}`" for name in strays(callback))
    if called:
        return f"A learner calls hooks only, and {called} is none: is the name of a hook meant?"
    return "Which hook comes right after an update?"
