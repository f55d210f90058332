"""Every refusal names the argument, what came, and what was expected."""

from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
import torch

from adl import _inputs

SAME = [1.0, 2.0, 3.0]


@pytest.mark.parametrize(
    "values",
    [
        [1, 2, 3],
        (1.0, 2.0, 3.0),
        range(1, 4),
        np.array([1, 2, 3], dtype=np.int8),
        np.array([1, 2, 3], dtype=np.float32),
        pd.Series([1, 2, 3]),
        pd.Series([1, 2, 3], index=[7, 8, 9]),
        pd.Series([1, 2, 3], dtype="Int64"),
        torch.tensor([1, 2, 3]),
        torch.tensor([1.0, 2.0, 3.0], requires_grad=True),
        torch.tensor([1.0, 2.0, 3.0], dtype=torch.bfloat16),
        [Fraction(1), 2, 3.0],
        [torch.tensor(1.0), torch.tensor(2.0), torch.tensor(3.0)],
    ],
    ids=lambda values: type(values).__name__,
)
def test_vector_reads_what_users_have_at_hand(values):
    result = _inputs.vector("x", values)
    assert result.dtype == np.float64
    assert result.tolist() == SAME


def test_vector_never_shares_the_callers_data():
    mine = np.array(SAME)
    _inputs.vector("x", mine)[0] = 99
    assert mine[0] == 1


@pytest.mark.parametrize(
    ("values", "error", "words"),
    [
        ([], ValueError, "at least one number, got none"),
        (torch.tensor([]), ValueError, "at least one number"),
        (3.0, ValueError, r"one dimension, got shape \(\)"),
        ([[1, 2], [3, 4]], ValueError, r"one dimension, got shape \(2, 2\)"),
        ([[1, 2], [3]], ValueError, "different lengths"),
        ([1, float("nan")], ValueError, "got nan at position 1"),
        ([1, float("inf"), 2], ValueError, "got inf at position 1"),
        (pd.Series([1, None]), ValueError, "got nan at position 1"),
        (["a", "b"], TypeError, "sequence of finite numbers"),
        ([1, None], TypeError, "sequence of finite numbers"),
        ([True, False], TypeError, "sequence of finite numbers"),
        ([1j], TypeError, "complex"),
        ("123", TypeError, "got str '123'"),
        (None, TypeError, "got NoneType"),
        ({1.0: 2.0}, TypeError, "got dict"),
    ],
)
def test_vector_refuses(values, error, words):
    with pytest.raises(error, match=f"^weights: .*{words}"):
        _inputs.vector("weights", values)


@pytest.mark.parametrize("value", [2, 2.0, np.float32(2), np.int64(2), torch.tensor(2.0)])
def test_real_reads_numbers_of_all_kinds(value):
    assert _inputs.real("step_size", value) == 2.0


@pytest.mark.parametrize(
    ("value", "error", "words"),
    [
        ("0.1", TypeError, "finite number, got str '0.1'"),
        (None, TypeError, "got NoneType"),
        (True, TypeError, "got bool"),
        ([0.1], TypeError, "got list"),
        (float("nan"), ValueError, "got nan"),
        (float("-inf"), ValueError, "got -inf"),
    ],
)
def test_real_refuses(value, error, words):
    with pytest.raises(error, match=f"^step_size: .*{words}"):
        _inputs.real("step_size", value)


@pytest.mark.parametrize(
    ("value", "limits", "words"),
    [
        (0, {"above": 0}, "a number above 0, got 0"),
        (-0.5, {"at_least": 0}, "a number of at least 0, got -0.5"),
        (2, {"below": 2}, "a number below 2, got 2"),
        (1, {"at_least": 0, "below": 1}, "a number from 0 to below 1, got 1"),
        (1.5, {"above": 0, "below": 1}, "a number between 0 and 1, got 1.5"),
        (float("nan"), {"above": 0}, "a finite number, got nan"),
    ],
)
def test_real_refuses_what_is_beyond_its_limits(value, limits, words):
    with pytest.raises(ValueError, match=f"^momentum: expected {words}$"):
        _inputs.real("momentum", value, **limits)


def test_real_accepts_what_is_within_its_limits():
    assert _inputs.real("momentum", 0, at_least=0, below=1) == 0.0
    assert _inputs.real("momentum", np.float32(0.5), above=0, below=1) == 0.5


@pytest.mark.parametrize(
    "dtype", [torch.int64, torch.bool, torch.complex64, float, "float32", None]
)
def test_floating_refuses_what_is_no_floating_dtype(dtype):
    with pytest.raises(TypeError, match="^dtype: expected a floating dtype such as torch.float32"):
        _inputs.floating(dtype)


@pytest.mark.parametrize("value", [3, 3.0, np.int32(3), torch.tensor(3)])
def test_whole_accepts_whole_numbers_of_all_kinds(value):
    result = _inputs.whole("epochs", value, at_least=1)
    assert result == 3
    assert type(result) is int


@pytest.mark.parametrize("value", [0, -1, 2.5, float("nan"), float("inf")])
def test_whole_refuses_values(value):
    with pytest.raises(ValueError, match="^epochs: expected a (whole|finite) number"):
        _inputs.whole("epochs", value, at_least=1)


@pytest.mark.parametrize("value", ["3", None, True, [3]])
def test_whole_refuses_types(value):
    with pytest.raises(TypeError, match="^epochs: "):
        _inputs.whole("epochs", value, at_least=1)


@pytest.mark.parametrize("numbers", [[1e101], [1e-101, 0.0], [10**400], [-(10**120), 1]])
def test_vector_refuses_numbers_whose_squares_cannot_be_computed(numbers):
    with pytest.raises(ValueError, match="^x: "):
        _inputs.vector("x", numbers)


def test_vector_reads_lists_of_tensors_with_a_graph():
    parts = [torch.tensor(1.0, requires_grad=True), torch.tensor(2.0, requires_grad=True)]
    assert _inputs.vector("x", parts).tolist() == [1.0, 2.0]


def test_seeds_of_all_kinds_are_reproducible():
    for make in (lambda: 3, lambda: np.int64(3), lambda: torch.Generator().manual_seed(3)):
        first, second = (_inputs.generator(make()).random() for _ in range(2))
        assert first == second


@pytest.mark.parametrize(("seed", "error"), [("a", TypeError), (-1, ValueError), (1.5, ValueError)])
def test_other_seeds_are_refused(seed, error):
    with pytest.raises(error, match="^seed: "):
        _inputs.generator(seed)


@pytest.mark.parametrize(("low", "high"), [(-1e160, 1e160), (0, 1e-300), (1, 1 + 1e-12)])
def test_interval_refuses_what_cannot_be_drawn(low, high):
    with pytest.raises(ValueError, match="^wmin: "):
        _inputs.interval("wmin", low, "wmax", high)


@pytest.mark.parametrize(("low", "high"), [(1, 1), (2, 1)])
def test_interval_refuses_ends_in_the_wrong_order(low, high):
    with pytest.raises(ValueError, match="^wmin: expected a number below wmax"):
        _inputs.interval("wmin", low, "wmax", high)
