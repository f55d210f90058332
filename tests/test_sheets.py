"""Sheets against torch.optim, the measured table, and their own language's rules."""

import math
import random

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from adl import formulas, sheets
from adl.sheets import SHEETS, X, Y, run, summary

# Per epoch: intercept, slope, rmse_running, rmse_line (facts of the chapter, measured beforehand).
MEASURED = {
    "sgd": {
        1: (1.0658, 2.5699, 28.626, 16.342),
        5: (1.2486, 2.5663, 17.059, 16.239),
        10: (1.4755, 2.5618, 16.924, 16.111),
        20: (1.9238, 2.5530, 16.658, 15.858),
        25: (2.1453, 2.5487, 16.527, 15.733),
    },
    "momentum": {
        1: (1.0527, 1.6875, 53.144, 42.738),
        5: (1.2981, 2.4450, 17.761, 15.844),
        10: (1.5655, 2.5115, 16.794, 15.646),
        20: (2.0869, 2.5057, 16.468, 15.378),
        25: (2.3439, 2.5011, 16.316, 15.236),
    },
    "rmsprop": {
        1: (1.6841, 1.5159, 61.320, 50.111),
        5: (3.3234, 2.4781, 15.022, 14.671),
        10: (4.7519, 2.4546, 14.272, 13.895),
        20: (7.6052, 2.4049, 12.703, 12.333),
        25: (9.0303, 2.3801, 11.918, 11.553),
    },
    "adam": {
        1: (8.7807, 2.8436, 29.135, 26.664),
        5: (23.8145, 2.0069, 31.555, 5.905),
        10: (27.2884, 1.7898, 40.438, 12.758),
        20: (29.2123, 1.7931, 39.520, 10.909),
        25: (30.3225, 2.2062, 39.262, 10.478),
    },
    "annealed_size": {
        1: (9.3361, 2.0660, 26.004, 18.019),
        5: (25.1873, 1.7326, 15.129, 17.464),
        10: (31.2366, 1.9600, 5.518, 1.163),
        20: (30.2272, 1.9952, 0.144, 0.134),
        25: (30.0406, 2.0008, 0.121, 0.078),
    },
    "annealed_mean": {
        1: (9.3361, 2.0660, 26.004, 18.019),
        5: (28.5469, 2.0256, 4.564, 0.797),
        10: (29.9018, 2.0114, 0.378, 0.486),
        20: (30.0019, 2.0001, 0.013, 0.008),
        25: (30.0002, 2.0000, 0.001, 0.002),
    },
}


def weights_by_torch(make_optimizer, epochs=10, before_epoch=None):
    """Intercept and slope after each of torch's steps with batch size 1, in float64."""
    b, a = (torch.tensor(1.0, dtype=torch.float64, requires_grad=True) for _ in range(2))
    optimizer = make_optimizer([b, a])
    path = []
    for epoch in range(1, epochs + 1):
        if before_epoch:
            before_epoch(epoch, optimizer)
        for x, y in zip(X, Y, strict=True):
            optimizer.zero_grad()
            ((a * x + b - y) ** 2).backward()
            optimizer.step()
            path.append((b.item(), a.item()))
    return np.array(path)


def weights_by_sheet(name, **options):
    return run(SHEETS[name], epochs=10, **options)[["new_b", "new_a"]].to_numpy()


def seeded(make_optimizer, **state):
    """An optimizer whose state is there before the first step, as the sheets' cells above are."""

    def make(parameters):
        optimizer = make_optimizer(parameters)
        for parameter in parameters:
            optimizer.state[parameter] = {
                name: value.clone() if torch.is_tensor(value) else value
                for name, value in state.items()
            }
        return optimizer

    return make


ZERO = torch.zeros((), dtype=torch.float64)


def test_the_points_are_those_that_the_seed_gives_and_lie_on_the_line():
    rng = random.Random(17901338)
    assert [rng.randint(1, 100) for _ in range(29)] == X
    assert [2 * x + 30 for x in X] == Y


def test_the_first_rows_are_those_of_the_lesson():
    first, second = (row for _, row in run(SHEETS["sgd"], epochs=1).iloc[:2].iterrows())
    assert (first["x"], first["y"], first["pred"], first["err2"]) == (14, 58, 15, 1849)
    assert first["db_estimated"] == pytest.approx(-85.99)
    assert first["da_estimated"] == pytest.approx(-1202.04)
    assert (first["db"], first["da"]) == (-86, -1204)
    assert first["new_a"] == pytest.approx(1.1204)
    assert first["new_b"] == pytest.approx(1.0086)
    assert (second["x"], second["y"]) == (86, 202)


@settings(deadline=None, max_examples=30)
@given(st.floats(1e-3, 0.5))
def test_finite_differences_are_off_by_h_and_by_h_times_the_square_of_x(h):
    table = run(SHEETS["sgd"], epochs=1, h=h)
    assert np.allclose(table["db_estimated"] - table["db"], h, atol=1e-6)
    assert np.allclose(table["da_estimated"] - table["da"], h * table["x"] ** 2, atol=1e-4)


@pytest.mark.parametrize("name", MEASURED)
def test_sheets_give_the_measured_table(name):
    lines = summary(run(SHEETS[name], epochs=25))
    for epoch, (intercept, slope, running, line) in MEASURED[name].items():
        found = lines.loc[epoch]
        assert (found["intercept"], found["slope"]) == pytest.approx((intercept, slope), abs=6e-5)
        assert (found["rmse_running"], found["rmse_line"]) == pytest.approx(
            (running, line), abs=6e-4
        )


def test_sgd_sheet_equals_torch_sgd():
    expected = weights_by_torch(lambda p: torch.optim.SGD(p, lr=1e-4))
    assert np.abs(weights_by_sheet("sgd") - expected).max() < 1e-13


def test_momentum_sheet_equals_dampened_torch_sgd_with_a_buffer_of_zeros():
    make = seeded(
        lambda p: torch.optim.SGD(p, lr=1e-4, momentum=0.9, dampening=0.9), momentum_buffer=ZERO
    )
    assert np.abs(weights_by_sheet("momentum") - weights_by_torch(make)).max() < 1e-13


def test_momentum_sheet_equals_undampened_torch_sgd_at_a_tenth_of_the_rate():
    expected = weights_by_torch(lambda p: torch.optim.SGD(p, lr=1e-5, momentum=0.9))
    assert np.abs(weights_by_sheet("momentum") - expected).max() < 1e-13


def test_rmsprop_sheet_equals_torch_rmsprop():
    expected = weights_by_torch(lambda p: torch.optim.RMSprop(p, lr=0.02, alpha=0.9, eps=1e-8))
    assert np.abs(weights_by_sheet("rmsprop") - expected).max() < 1e-13


def test_adam_sheet_equals_torch_adam_without_bias_correction():
    make = seeded(
        lambda p: torch.optim.Adam(p, lr=1.0, betas=(0.9, 0.9)),
        step=torch.tensor(1e6),
        exp_avg=ZERO,
        exp_avg_sq=ZERO,
    )
    assert np.abs(weights_by_sheet("adam") - weights_by_torch(make)).max() < 1e-11


def test_corrected_adam_sheet_equals_torch_adam():
    expected = weights_by_torch(lambda p: torch.optim.Adam(p, lr=1.0, betas=(0.9, 0.9)))
    assert np.abs(weights_by_sheet("adam_corrected") - expected).max() < 1e-11


@pytest.mark.parametrize("name", ["annealed_size", "annealed_mean"])
def test_annealed_sheets_equal_torch_adam_with_their_rates(name):
    table = run(SHEETS[name], epochs=10)
    rates = table["rate"].groupby("epoch").first()

    def set_rate(epoch, optimizer):
        optimizer.param_groups[0]["lr"] = rates[epoch]

    make = seeded(
        lambda p: torch.optim.Adam(p, lr=1.0, betas=(0.9, 0.95)),
        step=torch.tensor(1e6),
        exp_avg=ZERO,
        exp_avg_sq=ZERO,
    )
    expected = weights_by_torch(make, before_epoch=set_rate)
    assert np.abs(table[["new_b", "new_a"]].to_numpy() - expected).max() < 1e-11


@pytest.mark.parametrize(
    ("name", "epochs"),
    [
        ("sgd", 2886),
        ("momentum", 2471),
        ("rmsprop", 105),
        ("annealed_size", 18),
        ("annealed_mean", 8),
    ],
)
def test_epochs_until_the_line_is_found_for_good(name, epochs):
    # The rule on the running size is there at epoch 14 too, and leaves again at 17.
    lines = summary(run(SHEETS[name], epochs=epochs + 5))
    found = (lines["slope"] - 2).abs().le(0.02) & (lines["intercept"] - 30).abs().le(0.3)
    assert found[~found].index[-1] == epochs - 1


def test_adam_at_a_fixed_rate_never_settles():
    lines = summary(run(SHEETS["adam"], epochs=200))
    found = (lines["slope"] - 2).abs().le(0.02) & (lines["intercept"] - 30).abs().le(0.3)
    assert not found.any()


def test_a_rate_for_each_epoch_as_lowered_by_hand_in_the_lesson():
    lines = summary(run(SHEETS["adam"], epochs=30, lr=[1.0] * 15 + [0.1] * 10 + [0.01] * 5))
    for epoch, running, line in [
        (15, 38.936, 10.064),
        (20, 1.886, 3.459),
        (25, 0.973, 0.429),
        (30, 0.318, 0.051),
    ]:
        assert lines.loc[epoch, "rmse_running"] == pytest.approx(running, abs=6e-4)
        assert lines.loc[epoch, "rmse_line"] == pytest.approx(line, abs=6e-4)
    assert lines.loc[30, ["intercept", "slope"]].tolist() == pytest.approx(
        [30.0748, 1.9994], abs=6e-5
    )


@pytest.mark.parametrize("seed", range(5))
def test_one_row_multiplies_the_error_along_it_by_one_minus_rate_times_curvature(seed):
    rng = np.random.default_rng(seed)
    x, rate = rng.integers(1, 100, 6).astype(float), float(rng.uniform(1e-5, 1e-4))
    table = run(SHEETS["sgd"], epochs=1, lr=rate, x=x, y=2 * x + 30)
    along = np.stack([np.ones(6), x])
    before = (table[["b", "a"]].to_numpy() - [30, 2]) * along.T
    after = (table[["new_b", "new_a"]].to_numpy() - [30, 2]) * along.T
    factor = 1 - 2 * rate * (x**2 + 1)
    assert after.sum(axis=1) == pytest.approx(before.sum(axis=1) * factor, rel=1e-9, abs=1e-7)


def test_a_diverging_run_keeps_its_numbers():
    table = run(SHEETS["sgd"], epochs=30, lr=0.1)
    assert len(table) == 30 * 29
    assert not np.isfinite(table["new_a"].iloc[-1])


def test_a_recipe_of_ones_own_takes_a_few_lines():
    sgd = SHEETS["sgd"]
    nesterov = sheets.Sheet(
        "nesterov",
        "momentum that looks ahead",
        rate=1e-5,
        start=sgd.start | {"mb": 0.0, "ma": 0.0},
        columns={name: sgd.columns[name] for name in ("b", "a", "pred", "err2", "db", "da")}
        | {"mb": "0.9*@mb + db", "ma": "0.9*@ma + da"}
        | {"new_b": "b - rate*(db + 0.9*mb)", "new_a": "a - rate*(da + 0.9*ma)"},
    )
    expected = weights_by_torch(lambda p: torch.optim.SGD(p, lr=1e-5, momentum=0.9, nesterov=True))
    found = run(nesterov, epochs=10)[["new_b", "new_a"]].to_numpy()
    assert np.abs(found - expected).max() < 1e-11


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"b": "c + 1"}, "column b: c is neither an input nor a column to the left"),
        ({"b": "d + 1", "d": "1"}, "column b: d is neither an input nor a column to the left"),
        ({"b": "b + 1"}, "column b: b is the column itself; @b is the cell above"),
        ({"b": "@c"}, "column b: @c has no cell above the first row"),
        ({"b": "-x**2"}, "column b: a minus before a power"),
        ({"b": "open(x)"}, r"column b: open\(\) may not be called"),
        ({"b": "sqrt(x, y)"}, r"column b: sqrt\(\) takes 1 values, got 2"),
        ({"b": "x.real"}, "column b: 'x.real' is not of the language"),
        ({"b": "[x for x in y]"}, "column b: .* is not of the language"),
        ({"b": "(lambda: x)()"}, "column b: .* is not of the language"),
        ({"b": "x if y else 1"}, "column b: .* is not of the language"),
        ({"b": "IF(x < y < 1, 1, 2)"}, "column b: one comparison can stand"),
        ({"b": "x // 2"}, "column b: the operator in 'x // 2'"),
        ({"b": "IF(x != 2, 1, 2)"}, "column b: the comparison in 'x != 2'"),
        ({"b": "'x'"}, "column b: 'x' is no number"),
        ({"b": "True"}, "column b: True is no number"),
        ({"b": "x @ y"}, "column b: @ stands before a name"),
        ({"b": "x +"}, "column b: 'x \\+' is no formula"),
        ({"b": "IF(x, 1, 2)"}, r"column b: the first value of IF\(\) is a comparison"),
        ({"b": "(x < y)*2"}, "column b: one comparison can stand in IF"),
        ({"b": "1e999"}, "column b: a number of that size"),
        ({"b": "x" + " + x" * 5000}, "column b: it is too long"),
        ({"row": "x"}, "column row: the name is taken already"),
        ({"b": "..."}, "column b: it has no formula yet"),
        ({"b": "above_b"}, "column b: a name cannot begin with above_"),
        ({"g b": "x"}, "column g b: a name is made of letters"),
        ({"sqrt": "x"}, "column sqrt: a name is made of letters"),
        ({"b": "x, @m"}, r"column b: \'\(x, @m\)\' is not of the language"),
        ({"b": "1" + "0" * 400}, "column b: a number of that size"),
        ({"b": 3}, "column b: expected a formula as text, got int"),
        ({"x": "1"}, "column x: the name is taken already"),
        ({"__import__": "__builtins__"}, "is neither an input nor a column"),
    ],
)
def test_a_recipe_that_cannot_be_used_is_refused_with_column_and_reason(columns, words):
    with pytest.raises(formulas.FormulaError, match=words):
        sheets.Sheet("own", "a recipe", rate=1.0, start={}, columns=columns)


def test_a_minus_before_a_power_in_brackets_is_clear():
    table = sheets.run(
        sheets.Sheet("own", "a recipe", rate=1.0, start={}, columns={"b": "-(x**2)"}), epochs=1
    )
    assert table["b"].iloc[0] == -196.0


@pytest.mark.parametrize(
    ("cells", "error", "words"),
    [
        ({"start": {"b": "1"}}, TypeError, "start of b"),
        ({"rate": None}, TypeError, "rate"),
        ({"rate": -1}, ValueError, "rate: expected a number of at least 0"),
        ({"inputs": {"h": 3}}, TypeError, "inputs: expected h to be Input"),
        ({"epoch_end": {"b": "x"}}, formulas.FormulaError, "column b: the name is taken already"),
        ({"inputs": {"rate": sheets.Input(1, 0, 2, "")}}, formulas.FormulaError, "input rate"),
    ],
)
def test_a_cell_that_is_no_number_is_refused(cells, error, words):
    given = {"rate": 1.0, "start": {}, "columns": {"b": "x"}} | cells
    with pytest.raises(error, match=words):
        sheets.Sheet("own", "a recipe", **given)


@pytest.mark.parametrize("numbers", [("1", 0, 2), (3, 0, 2), (1, 0, math.inf)])
def test_an_input_is_a_number_within_its_bounds(numbers):
    with pytest.raises((TypeError, ValueError)):
        sheets.Input(*numbers, "about")


def test_a_blank_may_stand_after_the_sign_for_the_cell_above():
    assert filled("@ q + x", q=2.0) == 16.0


def filled(formula, **start):
    columns = {"b": formula} | dict.fromkeys(start, "x")
    own = sheets.Sheet("own", "a recipe", rate=1.0, start=start, columns=columns)
    return sheets.run(own, epochs=1)["b"].iloc[0]


def test_what_overflows_or_divides_by_zero_is_shown_as_such():
    assert filled("(1/sqrt(@q))*x", q=0.0) == math.inf
    assert math.isnan(filled("(0*x)/@q", q=0.0))
    assert filled("x**(9**9*x)") == math.inf


@pytest.mark.parametrize("formula", ["1/0", "9**9**9"])
def test_a_formula_that_fails_whatever_the_data_are_is_refused(formula):
    with pytest.raises(formulas.FormulaError, match="whatever the data are"):
        filled(formula)


def test_a_start_without_a_column_is_refused():
    with pytest.raises(formulas.FormulaError, match="column m: it has a start and no formula"):
        sheets.Sheet("own", "a recipe", rate=1.0, start={"m": 0.0}, columns={"b": "x"})


@settings(deadline=None, max_examples=100)
@given(st.integers(0, 2**31), st.floats(0.1, 5), st.floats(0.1, 5))
def test_what_the_language_computes_is_what_python_computes(seed, x, y):
    rng = random.Random(seed)

    def formula(depth):
        kind = rng.choice(["x", "y", "number", "+", "*", "/", "sqrt", "MAX", "IF"])
        if depth == 0 or kind in ("x", "y", "number"):
            return kind if kind in ("x", "y") else repr(round(rng.uniform(0.1, 3), 2))
        one, two = formula(depth - 1), formula(depth - 1)
        return {
            "sqrt": f"sqrt({one})",
            "MAX": f"MAX({one}, {two})",
            "IF": f"IF({one} > {two}, {one}, {two})",
        }.get(kind, f"({one} {kind} {two})")

    text = formula(4)
    sheet = sheets.Sheet("own", "a recipe", rate=1.0, start={}, columns={"b": text})
    names = {"x": x, "y": y, "sqrt": math.sqrt, "MAX": max, "IF": lambda c, a, b: a if c else b}
    assert run(sheet, 1, x=[x], y=[y])["b"].iloc[0] == eval(text, names)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"epochs": 0}, ValueError, "^epochs: "),
        ({"epochs": 2, "lr": [1.0]}, ValueError, "^lr: .*each of 2 epochs, got 1"),
        ({"epochs": 2, "lr": "fast"}, TypeError, "^lr: "),
        ({"epochs": 2, "lr": math.nan}, ValueError, "^lr: "),
        ({"epochs": 2, "beta": 0.5}, ValueError, r"^beta: expected an input of adam \(beta1, "),
        ({"epochs": 2, "beta1": 1.5}, ValueError, "^beta1: expected a number from 0 to 0.999"),
        ({"epochs": 2, "x": [1, 2]}, ValueError, "^y: "),
    ],
)
def test_run_refuses_in_words(options, error, words):
    with pytest.raises(error, match=words):
        run(SHEETS["adam"], **options)


def test_a_sheet_that_sets_its_rate_takes_no_list_of_rates():
    with pytest.raises(ValueError, match="^lr: expected one number, since annealed_mean"):
        run(SHEETS["annealed_mean"], epochs=2, lr=[1.0, 0.1])
