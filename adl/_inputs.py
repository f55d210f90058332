"""Reading what callers pass in, and refusing in words what cannot be used.

Every function takes the argument's name first, so that the message can say which argument it was,
what came, and what was expected.
"""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import torch

# Squares, and sums of squares, of numbers between these neither overflow nor vanish.
_SMALLEST, _LARGEST = 1e-100, 1e100


def vector(name: str, values: Any) -> np.ndarray:
    """One-dimensional float64 array from a list, array, pandas Series or tensor.

    Parameters
    ----------
    name : str
        The argument's name, for the message.
    values : array_like, shape (n,)
        Finite real numbers, at least one.

    Returns
    -------
    numpy.ndarray, shape (n,)
        A new float64 array; the caller's data are never shared.

    Raises
    ------
    TypeError
        If `values` is not a sequence of real numbers.
    ValueError
        If it is empty, not one-dimensional, or holds nan or inf.

    Examples
    --------
    >>> vector("x", [1, 2.5])
    array([1. , 2.5])
    """
    expected = "expected a sequence of finite numbers"
    if isinstance(values, str | bytes | dict | set) or values is None:
        raise TypeError(f"{name}: {expected}, got {type(values).__name__} {_short(values)}")
    if hasattr(values, "detach"):  # a tensor, on any device and with or without a graph
        values = values.detach().cpu().to_dense().tolist()
    if isinstance(values, list | tuple):
        values = [value.detach() if hasattr(value, "detach") else value for value in values]
    try:
        array = np.asarray(values)
    except ValueError:
        raise ValueError(f"{name}: {expected}, got rows of different lengths") from None
    if array.dtype.kind == "O" and array.size and all(map(_is_real, array.ravel())):
        try:  # pandas' nullable columns, fractions, long integers
            array = array.astype(float)
        except OverflowError:
            raise ValueError(f"{name}: {expected}, got one that is too large") from None
    if array.dtype.kind not in "iuf" and array.size:
        raise TypeError(f"{name}: {expected}, got {_short(values)} of type {array.dtype}")
    if array.ndim != 1:
        raise ValueError(f"{name}: expected one dimension, got shape {array.shape}")
    if array.size == 0:
        raise ValueError(f"{name}: expected at least one number, got none")
    array = np.array(array, dtype=np.float64)
    bad = np.flatnonzero(~np.isfinite(array))
    if bad.size:
        raise ValueError(f"{name}: {expected}, got {array[bad[0]]} at position {bad[0]}")
    largest = float(np.abs(array).max())
    if largest and not _SMALLEST <= largest <= _LARGEST:
        raise ValueError(
            f"{name}: expected numbers whose squares can be computed (the largest between "
            f"{_SMALLEST:g} and {_LARGEST:g}), got {largest:g}; change the unit"
        )
    return array


def positive_vector(name: str, values: Any) -> np.ndarray:
    """As `vector`, sorted, with all numbers above 0.

    Examples
    --------
    >>> positive_vector("step_sizes", [0.1, 0])
    Traceback (most recent call last):
    ...
    ValueError: step_sizes: expected positive numbers, got 0.0
    """
    array = np.sort(vector(name, values))
    if array[0] <= 0:
        raise ValueError(f"{name}: expected positive numbers, got {array[0]}")
    return array


def pair(x: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
    """Inputs and targets as two float64 arrays of one length; see `vector`.

    Examples
    --------
    >>> pair([1, 2], [3])
    Traceback (most recent call last):
    ...
    ValueError: y: expected as many numbers as in x (2), got 1
    """
    x, y = vector("x", x), vector("y", y)
    if len(x) != len(y):
        raise ValueError(f"y: expected as many numbers as in x ({len(x)}), got {len(y)}")
    return x, y


def not_all_zero(name: str, array: np.ndarray) -> np.ndarray:
    """Return the array if it holds a number that is not zero.

    Examples
    --------
    >>> not_all_zero("x", np.zeros(3))
    Traceback (most recent call last):
    ...
    ValueError: x: expected at least one number that is not zero, got only zeros
    """
    if not array.any():
        raise ValueError(f"{name}: expected at least one number that is not zero, got only zeros")
    return array


def real(
    name: str,
    value: Any,
    *,
    above: float | None = None,
    at_least: float | None = None,
    below: float | None = None,
) -> float:
    """One finite real number, within limits if there are any.

    Parameters
    ----------
    name : str
        The argument's name, for the message.
    value : float
        A number, also as a NumPy scalar or a tensor of no dimension.
    above, at_least, below : float, optional
        Limits; at most one of the first two.

    Raises
    ------
    TypeError
        If `value` is not a number (truth values and strings are not).
    ValueError
        If it is nan or infinite, or beyond a limit.

    Examples
    --------
    >>> real("step_size", float("nan"))
    Traceback (most recent call last):
    ...
    ValueError: step_size: expected a finite number, got nan
    >>> real("momentum", 1.5, at_least=0, below=1)
    Traceback (most recent call last):
    ...
    ValueError: momentum: expected a number from 0 to below 1, got 1.5
    """
    if hasattr(value, "item") and getattr(value, "shape", None) == ():
        value = value.item()  # numpy scalars and zero-dimensional tensors
    if not _is_real(value):
        raise TypeError(
            f"{name}: expected a finite number, got {type(value).__name__} {_short(value)}"
        )
    if not math.isfinite(value):
        raise ValueError(f"{name}: expected a finite number, got {value}")
    if (
        (above is not None and value <= above)
        or (at_least is not None and value < at_least)
        or (below is not None and value >= below)
    ):
        raise ValueError(f"{name}: expected {_within(above, at_least, below)}, got {value}")
    return float(value)


def whole(name: str, value: Any, *, at_least: int | None) -> int:
    """A whole number, not below `at_least` if that is given; 8.0 is one, True is none.

    Raises
    ------
    TypeError
        If `value` is not a number.
    ValueError
        If it is not whole, or too small.

    Examples
    --------
    >>> whole("epochs", 2.5, at_least=1)
    Traceback (most recent call last):
    ...
    ValueError: epochs: expected a whole number of at least 1, got 2.5
    """
    number = value if isinstance(value, Integral) and _is_real(value) else real(name, value)
    if number != int(number) or (at_least is not None and number < at_least):
        bound = "" if at_least is None else f" of at least {at_least}"
        raise ValueError(f"{name}: expected a whole number{bound}, got {value}")
    return int(number)


def interval(low_name: str, low: Any, high_name: str, high: Any) -> tuple[float, float]:
    """Two finite numbers of which the first is below the second.

    Examples
    --------
    >>> interval("wmin", 4, "wmax", -1)
    Traceback (most recent call last):
    ...
    ValueError: wmin: expected a number below wmax (-1.0), got 4.0
    """
    low, high = real(low_name, low), real(high_name, high)
    if low >= high:
        raise ValueError(f"{low_name}: expected a number below {high_name} ({high}), got {low}")
    size = max(abs(low), abs(high))
    if size > _LARGEST or high - low < max(1e-9 * size, _SMALLEST):
        raise ValueError(
            f"{low_name}: expected a range that can be drawn up to {high_name} ({high}), got {low}"
        )
    return low, high


def generator(seed: Any) -> np.random.Generator:
    """NumPy's random numbers, from a seed as the course's functions take it.

    Parameters
    ----------
    seed : int or torch.Generator, optional
        None is fresh randomness; a torch generator is drawn from, and so moves on.

    Raises
    ------
    TypeError, ValueError
        If `seed` is anything else, or negative.

    Examples
    --------
    >>> bool(generator(3).integers(100) == generator(3).integers(100))
    True
    >>> generator(-1)
    Traceback (most recent call last):
    ...
    ValueError: seed: expected a whole number of at least 0, got -1
    """
    if hasattr(seed, "initial_seed"):
        import torch

        seed = torch.randint(2**62, (), generator=seed, device=seed.device).item()
    return np.random.default_rng(None if seed is None else whole("seed", seed, at_least=0))


def torch_generator(seed: Any) -> torch.Generator:
    """PyTorch's random numbers, from a seed as the course's functions take it.

    Parameters
    ----------
    seed : int or torch.Generator, optional
        None is fresh randomness; a generator is returned as it is, and so moves on.

    Raises
    ------
    TypeError, ValueError
        If `seed` is anything else, or negative.

    Examples
    --------
    >>> torch_generator(3).initial_seed()
    3
    """
    import torch

    if isinstance(seed, torch.Generator):
        return seed
    made = torch.Generator()
    if seed is None:
        made.seed()
        return made
    return made.manual_seed(whole("seed", seed, at_least=0))


def floating(dtype: Any) -> torch.dtype:
    """A dtype of real numbers with a decimal point.

    Raises
    ------
    TypeError
        If `dtype` is anything else.

    Examples
    --------
    >>> import torch
    >>> floating(torch.int64)
    Traceback (most recent call last):
    ...
    TypeError: dtype: expected a floating dtype such as torch.float32, got torch.int64
    """
    if not getattr(dtype, "is_floating_point", False):
        raise TypeError(
            f"dtype: expected a floating dtype such as torch.float32, got {_short(dtype)}"
        )
    return dtype


def _within(above: float | None, at_least: float | None, below: float | None) -> str:
    """Limits of a number in words."""
    if below is None:
        return f"a number above {above}" if at_least is None else f"a number of at least {at_least}"
    if at_least is not None:
        return f"a number from {at_least} to below {below}"
    return f"a number below {below}" if above is None else f"a number between {above} and {below}"


def _is_real(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool | np.bool_)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
