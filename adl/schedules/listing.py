"""Which schedulers torch has: asked of the library itself, in a good way and in a hasty one."""

from collections.abc import Iterator

from torch.optim import lr_scheduler
from torch.optim.lr_scheduler import LRScheduler

__all__ = ["COMMON", "by_first_letters", "names"]

COMMON = {
    "LambdaLR": "multiplies the first rate by a function of the step",
    "StepLR": "multiplies the rate by gamma every step_size steps",
    "ExponentialLR": "multiplies the rate by gamma at each step",
    "LinearLR": "moves along a straight line between two shares of the first rate",
    "CosineAnnealingLR": "falls along half a cosine, slowly at both ends",
    "OneCycleLR": "rises to a peak and falls to almost nothing, momentum the other way round",
    "ReduceLROnPlateau": "cuts the rate when a number that you pass in has stopped improving",
    "SequentialLR": "runs one schedule after another",
}
"""Eight schedulers that you will meet, and what each does; every version of torch has them."""


def names() -> list[str]:
    """Names of torch's schedulers: the public classes that descend from ``LRScheduler``.

    Returns
    -------
    list of str
        In alphabetical order. How many there are depends on the version of torch.

    See Also
    --------
    by_first_letters : what goes wrong when names are judged by their looks.

    Notes
    -----
    ``LRScheduler`` itself is left out: it is the plan that the others follow, and has no schedule.
    So are names that begin with an underscore (old or internal), and schedulers that somebody
    defined outside torch.

    Examples
    --------
    >>> set(COMMON) <= set(names())
    True
    >>> "SWALR" in names(), "LRScheduler" in names()
    (True, False)
    """
    return sorted(
        {
            kind.__name__
            for kind in _descendants(LRScheduler)
            if kind.__module__.startswith("torch.optim.") and not kind.__name__.startswith("_")
        }
    )


def by_first_letters() -> list[str]:
    """Names in torch's scheduler module that look like classes: upper case, then lower case.

    A quick filter, and a trap. It lets in whatever else the module has imported under such a name,
    and it misses schedulers that live in another module or begin with two capitals.

    Returns
    -------
    list of str
        In alphabetical order.

    See Also
    --------
    names : asks for the ancestors instead.

    Examples
    --------
    >>> let_in = by_first_letters()
    >>> "StepLR" in let_in, "Optimizer" in let_in, "SWALR" in let_in
    (True, True, False)
    """
    return [name for name in dir(lr_scheduler) if name[:1].isupper() and name[1:2].islower()]


def _descendants(kind: type) -> Iterator[type]:
    for child in kind.__subclasses__():
        yield child
        yield from _descendants(child)
