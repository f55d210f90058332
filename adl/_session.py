"""What depends on whether a person is watching: progress bars and the record of exercises."""

import os
from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")


def unattended() -> bool:
    """Whether a build or a test is running, rather than a person.

    True if the environment variable ``ADL_UNATTENDED`` is set to anything but nothing or 0. The
    Makefile sets it, so that neither progress bars nor anybody's solved exercises are stored in
    the committed notebooks.

    Examples
    --------
    >>> unattended() in (True, False)
    True
    """
    return os.environ.get("ADL_UNATTENDED", "0") not in ("", "0")


def progress_bar(steps: Iterable[T], *, label: str) -> Iterator[T]:
    """Go through `steps` with a plain progress bar, shown only if it takes over two seconds.

    Parameters
    ----------
    steps : iterable
        What is gone through.
    label : str
        What the bar says is being done.

    Examples
    --------
    >>> sum(progress_bar(range(4), label="adding"))
    6
    """
    from tqdm import tqdm

    return iter(tqdm(steps, desc=label, delay=2, leave=False, disable=unattended()))
