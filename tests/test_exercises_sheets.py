"""Chapter 2's exercises: each mistake as a student would write it, and the message it gets."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from adl import exercises
from adl.exercises import _columns, _slips
from adl.exercises._columns import LINE, both_halves, mirrored
from adl.sheets import SHEETS, Input, Sheet, run

SEEDS = range(8)


def say(exercise, answer, seed=0):
    result = exercises.check(exercise, answer, seed=seed)
    assert result.state != "not attempted"
    return "correct" if result.correct else result.message


def said(exercise, answer):
    """What is said of an answer, which must be the same whatever data are drawn."""
    (words,) = {say(exercise, answer, seed) for seed in SEEDS[:4]}
    return words


def always(words, exercise, answer):
    return all(words in say(exercise, answer, seed) for seed in SEEDS)


# --- 2.1 and 2.2: columns -------------------------------------------------------------------------

RIGHT = {
    "2.1": both_halves({"mb": "beta1*@mb + (1 - beta1)*db", "new_b": "b - rate*mb"}),
    "2.2": both_halves(
        {
            "sb": "beta2*@sb + (1 - beta2)*db**2",
            "new_b": "b - rate*db/(sqrt(sb) + eps)",
        }
    ),
}


def columns(exercise, **changes):
    """Right columns but for some, which are changed in both halves of the sheet."""
    return lambda: RIGHT[exercise] | both_halves(changes)


def columns_of_one_half(exercise, **changes):
    return lambda: RIGHT[exercise] | changes


@pytest.mark.parametrize(("exercise", "sheet"), [("2.1", "momentum"), ("2.2", "rmsprop")])
def test_the_columns_of_the_course_are_right(exercise, sheet):
    assert all(SHEETS[sheet].columns[name] == text for name, text in RIGHT[exercise].items())
    assert always("correct", exercise, lambda: RIGHT[exercise])
    assert always("correct", exercise, lambda: SHEETS[sheet].columns)


@pytest.mark.parametrize(
    ("exercise", "changes"),
    [
        ("2.1", {"mb": "@mb + (1 - beta1)*(db - @mb)"}),
        ("2.1", {"mb": "(1-beta1)*db+beta1*@mb"}),
        ("2.1", {"mb": "  db*( 1 - beta1 ) +   @mb * beta1 "}),
        ("2.1", {"mb": "db - beta1*(db - @mb)"}),
        ("2.1", {"mb": "beta1*@mb + db - beta1*db"}),
        ("2.1", {"new_b": "b - mb*rate"}),
        ("2.1", {"new_b": "-rate*mb + b"}),
        ("2.1", {"new_b": "@new_b - rate*mb"}),
        ("2.1", {"new_b": "b - rate*(beta1*@mb + (1 - beta1)*db)"}),
        ("2.1", {"mb": "beta1*@mb + (1 - beta1)*2*(a*x + b - y)", "ma": "@ma*beta1+(1-beta1)*da"}),
        ("2.2", {"sb": "beta2*@sb + (1 - beta2)*db*db"}),
        ("2.2", {"sb": "@sb + (1 - beta2)*(db**2 - @sb)"}),
        ("2.2", {"new_b": "b - rate*db/(sb**0.5 + eps)"}),
        ("2.2", {"new_b": "b - rate*db/(sb**(1/2) + eps)"}),
        ("2.2", {"new_b": "b - rate/(eps + sqrt(sb))*db"}),
        ("2.2", {"new_b": "b - db*(rate/(sqrt(sb) + eps))"}),
    ],
)
def test_right_columns_pass_in_every_style(exercise, changes):
    assert always("correct", exercise, columns(exercise, **changes))
    assert always("correct", exercise, columns_of_one_half(exercise, **changes))


def test_columns_that_help_are_welcome():
    helped = {"square_b": "db**2", "square_a": "da**2"} | both_halves(
        {"sb": "beta2*@sb + (1 - beta2)*square_b", "new_b": "b - rate*db/(sqrt(sb) + eps)"}
    )
    assert always("correct", "2.2", lambda: helped)


@pytest.mark.parametrize(
    ("exercise", "column", "formula"),
    [
        (exercise, column, formula)
        for exercise, slips in (("2.1", _slips.MOMENTUM), ("2.2", _slips.RMSPROP))
        for column, formulas in slips.items()
        for formula in formulas
    ],
)
def test_every_foreseen_mistake_is_told_from_the_others(exercise, column, formula):
    slips = _slips.MOMENTUM if exercise == "2.1" else _slips.RMSPROP
    words = slips[column][formula]
    one_half = columns_of_one_half(exercise, **{column: formula})
    assert said(exercise, one_half) == f"`{column}`: {words}"
    if column in ("mb", "sb", "new_b"):
        both = said(exercise, columns(exercise, **{column: formula}))
        assert both == f"`{column}` and `{mirrored(column)}`: {words}"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"mb": "beta1*@mb + db"}, "the factor `1 - beta1` in front of the new value is missing"),
        ({"mb": "(1 - beta1)*@mb + beta1*db"}, "`beta1` and `1 - beta1` are exchanged"),
        ({"mb": "@mb + beta1*(db - @mb)"}, "`beta1` and `1 - beta1` are exchanged"),
        ({"mb": "beta1*@mb + 1-beta1*db"}, "brackets are missing"),
        ({"mb": "beta1*@mb + (1 - beta1)*db**2"}, "which is what RMSprop averages"),
        ({"mb": "beta1*@mb + (1 - beta1)*rate*db"}, "the rate is multiplied into the average"),
        ({"mb": "rate*db + beta1*@mb", "new_b": "b - mb"}, "the rate is multiplied into"),
        ({"mb": "db"}, "no average yet"),
        ({"new_b": "b - rate*@mb"}, "or the weight is updated before the average is"),
        ({"new_b": "b + rate*mb"}, "`new_b` and `new_a`: your steps go uphill"),
        ({"new_b": "b - mb"}, "`rate` is left out of the step"),
        ({"new_b": "rate*mb"}, "this is the step alone"),
        ({"new_b": "b - rate*db"}, "this is plain gradient descent"),
        ({"new_b": "a - rate*mb"}, "the step starts from the other weight"),
        ({"new_b": "b - rate*(mb + @mb)"}, "two steps are made in one row"),
        ({"new_b": "@new_b - rate*mb - rate*mb"}, "two steps are made in one row"),
        ({"mb": "beta1*@mb + beta1*db"}, "`beta1` stands in both places"),
        ({"mb": "(1 - beta1)*@mb + (1 - beta1)*db"}, "`1 - beta1` stands in both places"),
        ({"mb": "beta1*@mb - rate*db", "new_b": "b + mb"}, "this is a velocity"),
        ({"new_b": "b - rate*(db + mb)"}, "the derivative is added to its average"),
        ({"new_b": "rate*mb - b"}, "the difference is turned round"),
        ({"new_b": "b + rate*@mb"}, "go uphill: subtract them. And the step uses the average"),
        ({"new_b": "b + mb"}, "go uphill: subtract them. And `rate` is left out"),
        ({"mb": "0.9*@mb + 0.1*db"}, "`beta1` is not used: does a number stand in its place?"),
        ({"new_b": "b - 0.0001*mb"}, "`rate` is not used: does a number stand in its place?"),
    ],
)
def test_wrong_momentum_columns_are_named(changes, words):
    assert always(words, "2.1", columns("2.1", **changes))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"sb": "beta2*@sb + db**2"}, "the factor `1 - beta2` in front of the new value is"),
        ({"sb": "(1 - beta2)*@sb + beta2*db**2"}, "`beta2` and `1 - beta2` are exchanged"),
        ({"sb": "beta2*@sb + (1 - beta2)*db"}, "the derivative is not squared"),
        ({"sb": "(beta2*@sb + (1 - beta2)*db)**2"}, "The mean of squares is not the square of a"),
        ({"sb": "beta2*@sb + (1 - beta2)*sqrt(db**2)"}, "this is an average of roots"),
        ({"sb": "sqrt(beta2*@sb + (1 - beta2)*db**2)"}, "the root is taken too early"),
        ({"sb": "beta2*@sb + (1 - beta2)*2*db"}, "doubled where it should be squared"),
        ({"new_b": "b - rate*db/(sb + eps)"}, "the square root is forgotten"),
        ({"new_b": "b - rate*db/sqrt(sb + eps)"}, "eps stands inside the root"),
        ({"new_b": "b - rate*db/(sb + eps)**0.5"}, "eps stands inside the root"),
        ({"new_b": "b - rate*db/sqrt(sb)"}, "eps is missing, or a number stands in its place"),
        ({"new_b": "b - rate*db/(sqrt(sb) + 1e-8)"}, "or a number stands in its place"),
        ({"new_b": "b - rate*db/sqrt(sb) + eps"}, "brackets are missing"),
        ({"new_b": "b - rate*db/MAX(sqrt(sb), eps)"}, "the larger of the root and eps is taken"),
        ({"new_b": "b - rate*db/(sb**1/2 + eps)"}, "the root lacks its brackets"),
        ({"new_b": "b + rate*db/(sb + eps)"}, "go uphill: subtract them. And the square root is"),
        ({"new_b": "b - rate*db/(sqrt(@sb) + eps)"}, "the average of the row above"),
        ({"new_b": "b + rate*db/(sqrt(sb) + eps)"}, "your steps go uphill"),
        ({"new_b": "b - db/(sqrt(sb) + eps)"}, "`rate` is left out of the step"),
        ({"new_b": "b - rate/(sqrt(sb) + eps)"}, "the derivative is missing from the step"),
        ({"new_b": "b - rate*db*(sqrt(sb) + eps)"}, "multiplied by the root"),
    ],
)
def test_wrong_rmsprop_columns_are_named(changes, words):
    assert always(words, "2.2", columns("2.2", **changes))


@pytest.mark.parametrize(
    ("exercise", "changes", "words"),
    [
        ("2.1", {"ma": "beta1*@ma + (1 - beta1)*db"}, "`ma`: the derivative of the other weight"),
        ("2.1", {"ma": "beta1*@ma + (1 - beta1)*db"}, "`db` stands where `da` should"),
        ("2.1", {"new_a": "a - rate*mb"}, "`new_a`: the step is that of the other weight: `mb`"),
        ("2.1", {"new_a": "b - rate*ma"}, "`new_a`: the step starts from the other weight: `b`"),
        ("2.1", {"new_a": "a - rate*ma*x"}, "`new_a`: the step is multiplied by `x`"),
        ("2.2", {"new_a": "b - rate*db/(sqrt(sb) + eps)"}, "new value of the other weight"),
        ("2.2", {"sa": "beta2*@sa + (1 - beta2)*db**2"}, "`sa`: the derivative of the other"),
        ("2.2", {"new_a": "a - rate*da/(sqrt(sb) + eps)"}, "`sb` stands where `sa` should"),
        ("2.2", {"new_a": "a - rate*da*x/(sqrt(sa) + eps)"}, "by `x`, which `da` has already"),
    ],
)
def test_a_mistake_in_one_half_is_found_in_its_column(exercise, changes, words):
    assert always(words, exercise, columns_of_one_half(exercise, **changes))


@pytest.mark.parametrize(
    ("exercise", "changes"),
    [
        ("2.1", {"mb": "(1 - beta1)*@mb + beta1*db**2"}),
        ("2.1", {"mb": "beta1*@mb + rate*db**2"}),
        ("2.1", {"mb": "beta1*@mb - db"}),
        ("2.1", {"new_b": "a + rate*mb"}),
        ("2.2", {"sb": "beta2*@sb + db"}),
        ("2.2", {"sb": "(1 - beta2)*@sb + beta2*db"}),
        ("2.2", {"new_b": "b - rate*db/sqrt(@sb + eps)"}),
        ("2.2", {"new_b": "a + rate*db/(sb + eps)"}),
        ("2.2", {"new_b": "b - db/sqrt(sb + eps)"}),
    ],
)
def test_two_mistakes_in_one_column_are_answered_with_the_first_difference(exercise, changes):
    assert always("Do this row by hand and compare.", exercise, columns(exercise, **changes))


@pytest.mark.parametrize("second", ["b + rate*mb", "b - rate*@mb", "b - mb", "b - rate*mb*x"])
def test_of_mistakes_in_two_columns_the_first_is_named(second):
    answer = columns("2.1", mb="beta1*@mb + db", new_b=second)
    assert always("the factor `1 - beta1` in front of the new value is missing", "2.1", answer)


def test_updating_before_averaging_is_the_average_of_the_row_above():
    def answer():
        before = both_halves({"new_b": "b - rate*@mb"})
        return before | both_halves({"mb": RIGHT["2.1"]["mb"]})

    assert always("fill `mb` first, then step with it", "2.1", answer)


def test_what_nobody_foresaw_is_answered_with_numbers_to_check_by_hand():
    message = say("2.1", columns_of_one_half("2.1", ma="beta1*@ma + (1 - beta1)*da*1.5"))
    assert message.startswith("In row 1 of the data of this check, with `beta1` = 0.")
    assert "`@ma` = " in message
    assert "`ma` should be " in message


def test_a_mistake_of_later_rows_says_that_those_before_are_right():
    answer = columns_of_one_half("2.1", new_a="IF(a > 1.5, a - rate*ma, a - rate*ma)*1 + 0*b")
    assert say("2.1", answer) == "correct"
    late = columns_of_one_half("2.1", ma="IF(x < 0, da, beta1*@ma + (1 - beta1)*da)")
    assert "In row 2 of the data" in say("2.1", late)
    assert "The rows before it are right." in say("2.1", late)


@pytest.mark.parametrize(
    ("formula", "words"),
    [
        ("=beta1*@mb + (1 - beta1)*db", "to the right of the `=`, without the sign"),
        ("mb = beta1*@mb + (1 - beta1)*db", "to the right of the `=`, without the sign"),
        ("beta1*@mb + (1 - beta1)*db^1", "A power is written `**`"),
        ("beta1*J33 + (1 - beta1)*db", "names here in place of addresses"),
        ("beta1*$J$33 + (1 - beta1)*db", "names here in place of addresses"),
        ("beta1@mb + (1 - beta1)*db", "Is a `*` missing in front of it?"),
        ("beta1*@mb + (1 - beta1)db", "Is a `*` missing?"),
        ("beta1(@mb) + (1 - beta1)*db", "Is a `*` missing?"),
        ("beta1 × @mb + (1 - beta1)*db", "The signs are `+ - * / **`"),
        ("0,9*@mb + 0,1*db", "a decimal point, no comma"),
        ("math.sqrt(db)", "The root is `sqrt(...)`, with nothing before it"),
        ("(1 - beta1)*db²", "A power is written `**`"),
        ("pow(db, 2)", "A power is written `**`"),
        ("sq(db)", "A power is written `**`"),
        ("np.square(db)", "A power is written `**`"),
        ("beta1*@mb + (1 - beta1*db", "Count the brackets: there are 1 `(` and 0 `)`."),
        ("beta1*@mb + (1 - beta1))*db", "Count the brackets: there are 1 `(` and 2 `)`."),
        ("beta1*@mb + [1 - beta1]*db", "Brackets are round here"),
        ("beta1*mb[t-1] + db", "The cell above has an `@` before its name"),
        ("mb -= db", "`b - ...` in place of `b -= ...`"),
        ("beta1*@mb + db;", "Leave out the `;`"),
        ("Sqrt(db)", "The root is `sqrt`, in small letters"),
        ("root(db)", "The root is `sqrt`, in small letters"),
        ("abs(db)", "`abs()` may not be called; there are `sqrt`, `IF`, `MIN`, `MAX`."),
        ("db % 2", "the operator in `db % 2` is not one of `+ - * / **`."),
        ("beta*@mb", "`beta` is neither an input nor a column to the left of it."),
        ("@db", "`@db` has no cell above the first row."),
        ("SQRT(db)", "The root is `sqrt`, in small letters"),
        ("beta1*mb + (1 - beta1)*db", "`mb` is the column itself; `@mb` is the cell above"),
        ("beta1*@db + (1 - beta1)*db", "`@` may stand before `mb`, `ma`, `new_b` and `new_a`."),
        ("beta*@mb + (1 - beta)*db", "There are `x`, `y`, `rate`, `beta1`, `b`, `a`, `pred`,"),
        ("-db**2", "a minus before a power"),
        ("open(x)", "`open()` may not be called; there are `sqrt`, `IF`, `MIN`, `MAX`"),
        ("", "'' is no formula"),
        ("(" * 500, "is no formula"),
        (3, "Put the formula in quotation marks"),
        (lambda db: db, "Put the formula in quotation marks"),
        (..., "`mb` has no formula yet"),
        (None, "`mb` has no formula yet"),
        ("1/0", "cannot be computed on the data of this check ("),
        ("MIN((0 - 1)**0.5, 2)", "cannot be computed on the data of this check (TypeError"),
        ("(0 - 1)**0.5", "yours is nan. Is something divided by 0"),
        ("sqrt(0 - 1)", "yours is nan. Is something divided by 0"),
        ("1e300*1e300", "yours is inf. Is something divided by 0"),
    ],
)
def test_formulas_that_cannot_be_used_are_answered_in_words(formula, words):
    message = say("2.1", columns_of_one_half("2.1", mb=formula))
    assert words in message
    assert "`mb`" in message or "cannot be computed" in message
    assert "above_" not in message


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "Your function returns nothing"),
        ([], "Your function returns a list; asked for is a dict"),
        ("beta1*@mb", "Your function returns a str; asked for is a dict"),
        (tuple(RIGHT["2.1"].values()), "Your function returns a tuple; asked for is a dict"),
        (SHEETS["momentum"], "Your function returns a Sheet; asked for is a dict"),
        ({}, "It is empty"),
        ({"mb": "db", "m_a": "da"}, "no `ma`, `new_b` and `new_a`. It has `mb` and `m_a`"),
        (RIGHT["2.1"] | {3: "x"}, "3 is no name of a column"),
        (RIGHT["2.1"] | {"my column": "x"}, "'my column' is no name of a column"),
        (RIGHT["2.1"] | {"beta1": "0.9"}, "`beta1`: the name is taken already"),
        (RIGHT["2.1"] | {"b": "1"}, "`b` should be"),
        (RIGHT["2.1"] | {"db": "pred - y"}, "`db` should be"),
        (dict(reversed(RIGHT["2.1"].items())), "put `ma` before `new_a`"),
    ],
)
def test_columns_of_the_wrong_kind_are_answered_in_words(value, words):
    assert words in say("2.1", lambda: value)


@pytest.mark.parametrize("exercise", ["2.1", "2.2", "2.3", "2.4"])
def test_stubs_are_not_attempted_yet(exercise):
    assert exercises.check(exercise, lambda *_: ...).state == "not attempted"


def test_a_dict_of_placeholders_is_not_attempted_yet():
    stub = dict.fromkeys(RIGHT["2.1"], ...)
    assert exercises.check("2.1", lambda: stub).state == "not attempted"


def test_an_expression_of_python_is_told_to_be_text():
    def answer():
        return RIGHT["2.1"] | {"new_b": new_b - rate}  # noqa: F821

    message = say("2.1", answer)
    assert "NameError" in message
    assert message.endswith("Put the formula in quotation marks.")

    def unknown():
        return result  # noqa: F821

    assert "quotation marks" not in say("2.1", unknown)


@pytest.mark.parametrize("exercise", ["2.1", "2.2"])
def test_the_words_of_the_parser_are_marked_up(exercise):
    broken = RIGHT[exercise] | {"new_b": "abs(b) - @db"}
    html = exercises.check(exercise, lambda: broken, seed=0)._repr_html_()
    assert "<code>abs()</code> may not be called; there are <code>sqrt</code>" in html


@pytest.mark.parametrize("exercise", ["2.1", "2.2", "2.4"])
def test_functions_that_want_arguments_are_told_that_there_are_none(exercise):
    assert "takes other arguments" in say(exercise, lambda x: {})


# --- 2.3: a step of Adam --------------------------------------------------------------------------


def adam_step(weight, gradient, m, s, t, lr, beta1, beta2, eps):
    m = beta1 * m + (1 - beta1) * gradient
    s = beta2 * s + (1 - beta2) * gradient**2
    m_hat = m / (1 - beta1**t)
    s_hat = s / (1 - beta2**t)
    return weight - lr * m_hat / (math.sqrt(s_hat) + eps), m, s


def with_folded_rate(weight, gradient, m, s, t, lr, beta1, beta2, eps):
    m += (1 - beta1) * (gradient - m)
    s += (1 - beta2) * (gradient * gradient - s)
    rate = lr / (1 - beta1**t)
    weight -= rate * m / ((s / (1 - beta2**t)) ** 0.5 + eps)
    return [weight, m, s]


def with_numpy(weight, gradient, m, s, t, lr, beta1, beta2, eps):
    m = np.float64(beta1) * m + (1 - beta1) * gradient
    s = beta2 * s + (1 - beta2) * np.square(gradient)
    correction = np.sqrt(1 - beta2**t)
    return np.array([weight - lr / (1 - beta1**t) * m / (np.sqrt(s) / correction + eps), m, s])


def with_float32(weight, gradient, m, s, t, lr, beta1, beta2, eps):
    m = beta1 * torch.tensor(m) + (1 - beta1) * torch.tensor(gradient)
    s = beta2 * torch.tensor(s) + (1 - beta2) * torch.tensor(gradient) ** 2
    root = torch.sqrt(s / (1 - beta2**t))
    return torch.tensor(weight) - lr * (m / (1 - beta1**t)) / (root + eps), m, s


def with_one_tensor(*arguments):
    return torch.stack(with_float32(*arguments))


def with_the_optimizer(weight, gradient, m, s, t, lr, beta1, beta2, eps):
    p = torch.nn.Parameter(torch.tensor([weight], dtype=torch.float64))
    p.grad = torch.tensor([gradient], dtype=torch.float64)
    optimizer = torch.optim.Adam([p], lr=lr, betas=(beta1, beta2), eps=eps)
    m, s = (torch.tensor([value], dtype=torch.float64) for value in (m, s))
    optimizer.state[p] = {"step": torch.tensor(t - 1.0), "exp_avg": m, "exp_avg_sq": s}
    optimizer.step()
    return p, m, s


@pytest.mark.parametrize(
    "answer",
    [
        adam_step,
        with_folded_rate,
        with_numpy,
        with_float32,
        with_one_tensor,
        with_the_optimizer,
    ],
)
def test_right_steps_of_adam_pass_in_every_style(answer):
    assert always("correct", "2.3", answer)


def test_right_steps_of_adam_are_those_of_torch_from_the_first_to_the_hundredth():
    rng = np.random.default_rng(0)
    parameter = torch.nn.Parameter(torch.tensor(1.0, dtype=torch.float64))
    optimizer = torch.optim.Adam([parameter], lr=0.1, betas=(0.8, 0.95), eps=0.1)
    weight, m, s = 1.0, 0.0, 0.0
    for t in range(1, 101):
        gradient = rng.normal()
        parameter.grad = torch.tensor(gradient, dtype=torch.float64)
        optimizer.step()
        weight, m, s = adam_step(weight, gradient, m, s, t, 0.1, 0.8, 0.95, 0.1)
        assert weight == pytest.approx(parameter.item(), rel=1e-12)


M = "beta1*m + (1 - beta1)*gradient"
S = "beta2*s + (1 - beta2)*gradient**2"
STEP = "lr*(m/(1 - beta1**t))/(sqrt(s/(1 - beta2**t)) + eps)"


def adam(m=M, s=S, weight=f"weight - {STEP}", sqrt=math.sqrt, number=float):
    """A student's function: what becomes of m, of s, and of the weight, in this order."""

    def step(weight_, gradient, m_, s_, t, lr, beta1, beta2, eps):
        names = {"gradient": gradient, "t": t, "lr": lr, "beta1": beta1, "beta2": beta2}
        names |= {"eps": eps, "weight": weight_, "m": m_, "s": s_, "old_m": m_, "old_s": s_}
        names = {name: number(value) for name, value in names.items()} | {"sqrt": sqrt, "MAX": max}
        names["m"] = eval(m, names)
        names["s"] = eval(s, names)
        return eval(weight, names), names["m"], names["s"]

    return step


def stepping(step):
    return adam(weight=f"weight - {step}")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (adam(m="beta1*m + gradient"), "`m`: the factor `1 - beta1` in front of the new value"),
        (adam(m="(1 - beta1)*m + beta1*gradient"), "`m`: `beta1` and `1 - beta1` are exchanged"),
        (adam(m="0.9*m + 0.1*gradient"), "`m`: a number stands where the argument `beta1` should"),
        (adam(m="gradient"), "`m`: this is the new value alone"),
        (adam(m="m"), "`m`: the new value never comes in"),
        (adam(m=f"({M})/(1 - beta1**t)"), "`m`: the corrected average is handed on"),
        (adam(m=M.replace("gradient", "gradient**2")), "`m`: the gradient is squared"),
        (adam(m=M.replace("gradient", "lr*gradient")), "`m`: `lr` is multiplied into the average"),
        (adam(s="beta2*s + gradient**2"), "`s`: the factor `1 - beta2` in front of the new value"),
        (adam(s="(1 - beta2)*s + beta2*gradient**2"), "`s`: `beta2` and `1 - beta2` are exchanged"),
        (adam(s=f"({S})/(1 - beta2**t)"), "`s`: the corrected average is handed on"),
        (adam(s=S.replace("**2", ""), sqrt=np.sqrt, number=np.float64), "`s`: the gradient is not"),
        (adam(s="(beta2*s + (1 - beta2)*gradient)**2"), "`s`: the average is squared where"),
        (adam(s=S.replace("gradient**2", "m**2")), "`s`: the average `m` is squared where"),
        (adam(s=S.replace("gradient**2", "abs(gradient)")), "`s`: this is an average of roots"),
        (adam(s=S.replace("beta2", "beta1")), "`s`: `beta1` stands where `beta2` should"),
        (adam(s=f"sqrt({S})"), "`s`: the root is handed on"),
        (stepping("lr*m/(sqrt(s) + eps)"), "the bias correction is missing. Averages that start"),
        (stepping("lr*m/(sqrt(s/(1 - beta2**t)) + eps)"), "the bias correction of `m` is missing"),
        (stepping("lr*m/(1 - beta1**t)/(sqrt(s) + eps)"), "the bias correction of `s` is missing"),
        (stepping(STEP.replace("**t", "**(t + 1)")), "is t, not t + 1"),
        (stepping(STEP.replace("**t", "**(t - 1)")), "is t, not t - 1"),
        (
            adam(
                weight=f"weight - {STEP.replace('**t', '**(t - 1)')}",
                sqrt=np.sqrt,
                number=np.float64,
            ),
            "is t, not t - 1",
        ),
        (stepping(STEP.replace("**t", "*t")), "`beta*t` is a product"),
        (
            stepping("lr*(m/(1 - beta1*t))/((s/(1 - beta2*t))**0.5 + eps)"),
            "`beta*t` is a product",
        ),
        (
            adam(weight=f"weight - {STEP.replace('**t', '*t')}", sqrt=np.sqrt, number=np.float64),
            "`beta*t` is a product",
        ),
        (
            stepping("lr*(m/(1 - beta1)**t)/(sqrt(s/(1 - beta2)**t) + eps)"),
            "the power is taken of the difference",
        ),
        (stepping(STEP.replace("s/(1 - beta2**t)", "s/(1 - beta1**t)")), "`beta1` stands in the"),
        (stepping(STEP.replace("sqrt(s/(1 - beta2**t))", "(s/(1 - beta2**t))**1/2")), "lacks its"),
        (stepping(STEP.replace("sqrt(s", "MAX(eps, sqrt(s").replace(" + eps", ")")), "the larger"),
        (adam(s=S.replace("**2", "")), "`s`: the gradient is not squared"),
        (adam(s="beta2*s - (1 - beta2)*gradient**2"), "`s`: the new value is subtracted"),
        (adam(m="m"), "never comes in, or the old name is returned"),
        (adam(weight="weight"), "subtract the step; or the old name is returned"),
        (adam(m="(1 - beta1)*gradient"), "`beta1*m` is missing"),
        (stepping(STEP.replace("**t", "")), "the power t is missing from the bias correction"),
        (stepping(STEP.replace("/(1", "*(1")), "you multiply by the bias correction"),
        (stepping(STEP.replace("1 - ", "")), "the `1 -` in front of it is missing"),
        (
            stepping("lr*(m/(1 - beta2**t))/(sqrt(s/(1 - beta1**t)) + eps)"),
            "beta1 and beta2 are exchanged in the bias correction",
        ),
        (
            stepping("lr*sqrt(1 - beta2**t)/(1 - beta1**t)*m/(sqrt(s) + eps)"),
            "eps is added before the bias correction",
        ),
        (
            stepping("lr*m/(1 - beta1**t)/(sqrt(s)/(1 - beta2**t) + eps)"),
            "the root is taken before the bias correction of `s`",
        ),
        (stepping(STEP.replace("(m", "(old_m")), "the step uses an average as it came in"),
        (stepping(STEP.replace("(s/", "(old_s/")), "the step uses an average as it came in"),
        (
            stepping(STEP.replace("(m", "(old_m").replace("(s/", "(old_s/")),
            "or the weight is updated before the averages are",
        ),
        (stepping(STEP.replace("(m/(1 - beta1**t))", "gradient")), "that is RMSprop with bias"),
        (stepping("lr*m/(1 - beta1**t)"), "this is momentum with bias correction"),
        (
            stepping("lr*m/(1 - beta1**t)/(s/(1 - beta2**t) + eps)"),
            "the square root is forgotten",
        ),
        (
            stepping("lr*m/(1 - beta1**t)/sqrt(s/(1 - beta2**t) + eps)"),
            "eps stands inside the root",
        ),
        (stepping("lr*m/(1 - beta1**t)/sqrt(s/(1 - beta2**t))"), "eps is missing, or a number"),
        (stepping(STEP.replace("eps", "1e-8")), "eps is missing, or a number"),
        (stepping("lr*m/(1 - beta1**t)/sqrt(s/(1 - beta2**t)) + eps"), "brackets are missing"),
        (adam(weight=f"weight + {STEP}"), "your steps go uphill"),
        (adam(weight=STEP), "this is the step alone. The new weight is `weight` minus the step"),
        (adam(weight=f"-{STEP}"), "this is the step alone"),
        (adam(weight="weight"), "the weight does not move"),
        (stepping(STEP.replace("lr*", "")), "`lr` is left out of the step"),
        (stepping(STEP.replace("lr*", "0.001*")), "a number stands where the argument `lr` should"),
    ],
)
def test_wrong_steps_of_adam_are_named(answer, words):
    assert always(words, "2.3", answer)


def rooted(step, root):
    """A student's step of Adam, with a root of his choice: what np, math and `**0.5` make of it."""
    if root == "**0.5":
        step = step.replace("sqrt(s/(1 - beta2**t))", "((s/(1 - beta2**t))**0.5)")
        return lambda change: adam(weight=f"weight - {change(step)}")
    if root == "np.sqrt":
        return lambda c: adam(weight=f"weight - {c(step)}", sqrt=np.sqrt, number=np.float64)
    return lambda change: stepping(change(step))


@pytest.mark.parametrize("root", ["math.sqrt", "np.sqrt", "**0.5"])
@pytest.mark.parametrize(
    ("right", "wrong", "words"),
    [
        ("{0}/(1 - {1}**t)", "{0}/1 - {1}**t", "brackets are missing: write {2}, since a quotient"),
        ("{0}/(1 - {1}**t)", "{0}/(1 - {1}*t)", "`beta**t`: write {2}."),
        ("{0}/(1 - {1}**t)", "{0}/(1 - {1})**t", "`1 - beta**t` should stand. Write {2}."),
        ("{0}/(1 - {1}**t)", "{0}/(1 - {1}**(t - 1))", "is t, not t - 1. Write {2}."),
    ],
)
def test_slips_in_the_bias_correction_are_named_for_both_and_for_one(root, right, wrong, words):
    averages = {"m": "beta1", "s": "beta2"}
    for concerned in ("ms", "m", "s"):

        def change(step, concerned=concerned):
            for name in concerned:
                names = name, averages[name]
                step = step.replace(right.format(*names), wrong.format(*names))
            return step

        shown = " and ".join(f"`{name}/(1 - {averages[name]}**t)`" for name in concerned)
        assert always(words.format("", "", shown), "2.3", rooted(STEP, root)(change))


@pytest.mark.parametrize("root", ["math.sqrt", "np.sqrt", "**0.5"])
def test_a_correction_that_is_turned_round_is_asked_for_the_sign_under_the_root(root):
    turned = rooted(STEP, root)(lambda step: step.replace("1 - beta2**t", "beta2**t - 1"))
    for seed in SEEDS:
        message = say("2.3", turned, seed)
        assert "`beta2**t - 1` is." in message or "a number under a root negative?" in message
        assert "product" not in message


def test_a_step_that_remembers_by_itself_is_told_so():
    state = {"m": 0.0, "s": 0.0, "t": 0}

    def remembering(weight, gradient, m, s, t, *others):
        state["t"] += 1
        weight, state["m"], state["s"] = adam_step(
            weight, gradient, state["m"], state["s"], state["t"], *others
        )
        return weight, state["m"], state["s"]

    assert "it remembers something of its own" in say("2.3", remembering)


def in_another_order(weight, gradient, lr, beta1, beta2, eps, m, s, t):
    return adam_step(weight, gradient, m, s, t, lr, beta1, beta2, eps)


class Adam:
    def __init__(self, *arguments):
        pass


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (in_another_order, "has its parameters in another order"),
        (Adam, "Your answer is a class; asked for is a function"),
        (adam(weight="weight - root(s)"), "NameError"),
        (stepping(STEP.replace("sqrt", "square_root")), "NameError"),
        (adam(weight="undefined", sqrt=None), "NameError"),
        (stepping("torch.sqrt(s)"), "NameError"),
        (adam(weight="weight.sqrt()"), "The arguments are plain numbers"),
        (adam(weight="sqrt(s)", sqrt=torch.sqrt), "The arguments are plain numbers"),
    ],
)
def test_functions_that_cannot_be_called_as_asked_are_answered_in_words(answer, words):
    assert always(words, "2.3", answer)


def test_a_root_that_is_not_there_is_shown():
    def answer(weight, gradient, m, s, t, lr, beta1, beta2, eps):
        return sqrt(s), m, s  # noqa: F821

    assert say("2.3", answer).endswith("The root is `s_hat**0.5`, with nothing to import.")


def test_a_stub_that_returns_the_weight_is_not_attempted_yet():
    answer = exercises.check("2.3", lambda weight, *_: (weight, ..., ...))
    assert answer.state == "not attempted"


def test_there_is_no_language_of_sheets_in_the_words_on_adam():
    assert "@" not in "".join(words for slips in _slips.ADAM.values() for words in slips.values())
    assert not any("@" in hint for hint in exercises.find("2.3").hints)


@pytest.mark.parametrize(
    ("column", "formula"),
    [(column, formula) for column, slips in _slips.ADAM.items() for formula in slips],
)
def test_every_foreseen_mistake_with_adam_is_told_from_the_others(column, formula):
    formulas = {"m": M, "s": S, "weight": f"@weight - {STEP}"} | {column: formula}

    def in_python(name):
        # With @, what the function is given; without, what it is about to return.
        return formulas[name].replace("@weight", "weight").replace("@", "old_")

    answer = adam(*map(in_python, ("m", "s", "weight")), sqrt=np.sqrt, number=np.float64)
    assert said("2.3", answer) == f"`{column}`: {_slips.ADAM[column][formula]}"


@pytest.mark.parametrize(
    "answer",
    [
        adam(m="(1 - beta1)*m + beta1*gradient**2"),
        adam(s="beta2*s + abs(gradient)"),
        stepping("lr*m/sqrt(s + eps)"),
        stepping("lr*m/(s + eps)"),
        stepping(STEP.replace("**t", "**(t + 1)").replace("lr*", "")),
        stepping(STEP.replace("(m", "(old_m").replace("**t", "**(t + 1)")),
    ],
)
def test_two_mistakes_with_adam_are_answered_with_the_first_difference(answer):
    assert always("Do this step by hand and compare.", "2.3", answer)


def test_the_first_difference_of_a_step_can_be_checked_by_hand():
    def odd(weight, gradient, m, s, t, lr, beta1, beta2, eps):
        weight, m, s = adam_step(weight, gradient, m, s, t, lr, beta1, beta2, eps)
        return (1.01 * weight if t > 3 else weight), m, s

    message = say("2.3", odd)
    assert "t=4, lr=" in message
    assert "The steps before it are right." in message


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda weight, m, s: (m, s, weight), "in another order: yours are m, s, weight."),
        (lambda weight, m, s: (weight, s, m), "in another order: yours are weight, s, m."),
        (lambda weight, m, s: (weight, m), "returns 2 values"),
        (lambda weight, m, s: (weight, m, s, 1), "returns 4 values"),
        (lambda weight, m, s: weight, "returns one value"),
        (lambda weight, m, s: None, "end with `return weight, m, s`"),
        (lambda weight, m, s: {"weight": weight, "m": m, "s": s}, "returns a dict"),
        (lambda weight, m, s: (weight, ..., s), "returns an ellipsis; asked for is m"),
        (lambda weight, m, s: (weight, None, s), "returns a NoneType; asked for is m"),
        (lambda weight, m, s: (str(weight), m, s), "returns a str; asked for is weight"),
        (lambda weight, m, s: (weight, math.nan, s), "`m` should be"),
        (lambda weight, m, s: (weight, m, math.inf), "yours is inf. Is something divided by 0"),
        (lambda weight, m, s: (weight, m, 1j), "complex number"),
        (lambda weight, m, s: (weight, [m, m], s), "returns a list; asked for is m"),
        (lambda weight, m, s: weight / 0, "ZeroDivisionError"),
        (lambda weight, m, s: undefined, "NameError"),  # noqa: F821
    ],
)
def test_steps_of_the_wrong_kind_are_answered_in_words(change, words):
    assert always(words, "2.3", lambda *arguments: change(*adam_step(*arguments)))


# --- 2.4: a sheet of one's own --------------------------------------------------------------------

EPS = {"eps": Input(1e-10, 0.0, 1.0, "keeps the division away from zero")}
BETA1 = {"beta1": Input(0.9, 0.0, 0.999, "how much of the buffer above is kept")}
BETA2 = {"beta2": Input(0.9, 0.0, 0.999, "how much of the average above is kept")}
ADAGRAD = {"gb": "@gb + db**2", "new_b": "b - rate*db/(sqrt(gb) + eps)"}
NESTEROV = {"vb": "beta1*@vb + db", "new_b": "b - rate*(db + beta1*vb)"}


def own(columns, inputs, **options):
    """A sheet of a student's own; the formulas are those of the intercept's half."""
    columns = LINE | both_halves(columns)
    start = {name: 0.0 for name in columns if name not in LINE} | {"new_b": 1.0, "new_a": 1.0}
    options = {"rate": 0.1, "start": start, "inputs": inputs} | options
    return lambda: Sheet("own", "of a student's own", columns=columns, **options)


def adagrad(**changes):
    return own(ADAGRAD | changes, EPS)


def nesterov(**changes):
    return own(NESTEROV | changes, BETA1)


@pytest.mark.parametrize(
    "answer",
    [
        adagrad(),
        adagrad(gb="db*db + @gb"),
        adagrad(new_b="b - rate/(eps + gb**0.5)*db"),
        own(ADAGRAD, EPS | BETA1),
        own(ADAGRAD, EPS | BETA1 | BETA2),
        own({"squared_b": "db**2", "gb": "@gb + squared_b", "new_b": ADAGRAD["new_b"]}, EPS),
        own(ADAGRAD, EPS, start={"new_b": -3.0, "new_a": 2, "gb": 0, "ga": 0}),
        own(ADAGRAD, EPS, epoch_end={"next_rate": "rate/2"}),
        own(ADAGRAD | {"new_b": "b - rate*db/(gb**(1 / 2) + eps)"}, EPS | BETA1),
        own(ADAGRAD, {"eps": Input(1e-10, 0.0, 1e-3, "smaller than the eps of the check")}),
    ],
)
def test_adagrad_is_recognised(answer):
    assert always("correct", "2.4", answer)
    assert exercises.check("2.4", answer).message.startswith("This is AdaGrad, equal to torch's")


@pytest.mark.parametrize(
    "answer",
    [
        nesterov(),
        nesterov(vb="db + @vb*beta1"),
        nesterov(new_b="b - rate*db - rate*beta1*vb"),
        nesterov(new_b="b - rate*(db + beta1*(beta1*@vb + db))"),
        own(NESTEROV, BETA1 | EPS),
        own(NESTEROV | {"size": "sqrt(err2)"}, BETA1 | EPS),
    ],
)
def test_nesterov_momentum_is_recognised(answer):
    assert always("correct", "2.4", answer)
    assert exercises.check("2.4", answer).message.startswith("This is Nesterov momentum, equal")


def test_a_sheet_that_sets_its_rate_is_told_that_this_is_not_compared():
    praise = "was left out of the comparison"
    annealed = own(ADAGRAD, EPS, epoch_end={"next_rate": "rate/2"})
    assert praise in exercises.check("2.4", annealed).message
    assert praise not in exercises.check("2.4", adagrad()).message


def of_one_half(answer, **changes):
    """A sheet with some columns changed in one half only."""

    def changed():
        sheet = answer()
        return replace(sheet, columns=sheet.columns | changes)

    return changed


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (of_one_half(adagrad(), ga="@ga + db**2"), "`ga`: the derivative of the other weight"),
        (of_one_half(adagrad(), new_a=ADAGRAD["new_b"]), "new value of the other weight"),
        (
            of_one_half(adagrad(), new_a="b - rate*da/(sqrt(ga) + eps)"),
            "the step starts from the other weight: `b` stands where `a` should",
        ),
        (
            of_one_half(adagrad(), new_a="a - rate*da/(sqrt(gb) + eps)"),
            "`new_a`: the derivative is divided by the root of the other weight's sum",
        ),
        (of_one_half(nesterov(), va="beta1*@va + db"), "`va`: the derivative of the other weight"),
        (of_one_half(nesterov(), new_a=NESTEROV["new_b"]), "new value of the other weight"),
        (
            of_one_half(nesterov(), new_a="b - rate*(da + beta1*va)"),
            "the step starts from the other weight: `b` stands where `a` should",
        ),
    ],
)
def test_a_mistake_in_one_half_of_a_sheet_is_named(answer, words):
    assert always(words, "2.4", answer)


@pytest.mark.parametrize(
    "changes",
    [
        {"gb": "@gb - db**2"},
        {"gb": "@gb + db**2", "new_b": "b - rate*db/(sqrt(-gb) + eps)"},
        {"new_b": "b - rate*db/(sqrt(0 - x**2) + eps)"},
    ],
)
def test_nan_is_like_no_other_nan(changes):
    for seed in SEEDS:
        message = say("2.4", adagrad(**changes), seed)
        assert "squared" not in message
        assert "a number under a root negative?" in message or "is subtracted" in message


def test_all_columns_but_the_weights_are_free():
    def answer():
        return Sheet(
            "mine",
            "AdaGrad without the columns of the course",
            rate=0.5,
            start={"new_b": 1.0, "new_a": 1.0, "sum_of_squares": 0.0, "other": 0.0},
            inputs=EPS,
            columns={
                "b": "@new_b",
                "a": "@new_a",
                "db": "b + a*x - y",
                "slope": "2*db",
                "sum_of_squares": "@sum_of_squares + slope**2",
                "other": "@other + (slope*x)**2",
                "new_a": "a - rate*slope*x/(sqrt(other) + eps)",
                "new_b": "b - rate*slope/(sqrt(sum_of_squares) + eps)",
            },
        )

    assert always("correct", "2.4", answer)


@pytest.mark.parametrize(
    ("answer", "optimizer"),
    [
        (adagrad(), lambda p: torch.optim.Adagrad(p, lr=0.5, eps=1e-10)),
        (nesterov(), lambda p: torch.optim.SGD(p, lr=1e-5, momentum=0.9, nesterov=True)),
    ],
)
def test_right_sheets_are_those_of_torch_on_the_points_of_the_chapter(answer, optimizer):
    b, a = (torch.tensor(1.0, dtype=torch.float64, requires_grad=True) for _ in range(2))
    steps = optimizer([b, a])
    table = run(answer(), epochs=3, lr=steps.param_groups[0]["lr"])
    for row in table.itertuples():
        steps.zero_grad()
        ((a * row.x + b - row.y) ** 2).backward()
        steps.step()
        assert (row.new_b, row.new_a) == pytest.approx((b.item(), a.item()), rel=1e-10)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (
            own(ADAGRAD | {"gb": "beta2*@gb + (1 - beta2)*db**2"}, EPS | BETA2),
            "the squares are averaged: that is RMSprop",
        ),
        (adagrad(gb="0.9*@gb + 0.1*db**2"), "the squares are averaged: that is RMSprop"),
        (adagrad(new_b="b - rate*db/(sqrt(@gb) + eps)"), "the sum of the row above"),
        (adagrad(new_b="b - rate*db/(gb + eps)"), "the square root is forgotten"),
        (adagrad(gb="@gb + db"), "`gb`: the derivative is not squared"),
        (adagrad(gb="@gb + sqrt(db**2)", new_b="b - rate*db/(gb + eps)"), "has its root taken"),
        (adagrad(new_b="b - rate*db/sqrt(gb + eps)"), "eps stands inside the root"),
        (adagrad(new_b="b - rate*db/sqrt(gb)"), "eps is missing, or a number stands in its place"),
        (adagrad(new_b="b - rate*db/(sqrt(gb) + 1e-10)"), "or a number stands in its place"),
        (adagrad(new_b="b - rate*db/sqrt(gb) + eps"), "brackets are missing"),
        (adagrad(new_b="b - rate*db/MAX(sqrt(gb), eps)"), "the larger of the root and eps is"),
        (adagrad(new_b="b - rate*db/(gb**1/2 + eps)"), "the root lacks its brackets"),
        (adagrad(gb="db**2 + 0*@gb"), "the squares of the rows above are not added up"),
        (adagrad(gb="@gb + db**2 + da**2 + 0*@ga"), "both weights share one sum"),
        (adagrad(new_b="b + rate*db/(sqrt(gb) + eps)"), "your steps go uphill"),
        (adagrad(new_b="b - db/(sqrt(gb) + eps)"), "`rate` is left out of the step"),
        (adagrad(new_b="rate*db/(sqrt(gb) + eps)"), "this is the step alone"),
        (adagrad(new_b="b - rate*db"), "this is plain gradient descent"),
        (adagrad(new_b="b - 0.1*db/(sqrt(gb) + eps)"), "`rate` is not used"),
        (adagrad(b="1"), "`b` does not go on from `new_b` of the row above"),
        (
            adagrad(b="x*1e308*1e308 - x*1e308*1e308"),
            "`b` does not go on from `new_b` of the row above",
        ),
        (adagrad(db="y - pred"), "`db` is not the derivative"),
        (adagrad(db="pred - y"), "`db` is not the derivative of this row's squared error"),
        (adagrad(new_b="1.5e308"), "Your weights grow beyond all bounds"),
        (adagrad(new_b="b - rate*db/sqrt(@gb)"), "yours is "),
        (lambda: SHEETS["rmsprop"], "the squares are averaged: that is RMSprop"),
        (lambda: SHEETS["adam"], "this is Adam, not one of the two"),
    ],
)
def test_wrong_sheets_of_adagrad_are_named(answer, words):
    assert always(words, "2.4", answer)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (nesterov(new_b="b - rate*vb"), "this is momentum without the look-ahead"),
        (nesterov(new_b="b - rate*(db + beta1*@vb)"), "or the buffer of the row above looks ahead"),
        (nesterov(vb="beta1*@vb + (1 - beta1)*db"), "the buffer is a running average"),
        (
            nesterov(vb="beta1*@vb + (1 - beta1)*db", new_b="b - rate*((1 - beta1)*db + beta1*vb)"),
            "the buffer is a running average",
        ),
        (lambda: SHEETS["momentum"], "And the look-ahead is missing"),
        (nesterov(vb="(1 - beta1)*@vb + beta1*db"), "stand in the buffer, and exchanged"),
        (nesterov(new_b="b - rate*(db + vb)"), "`beta1` is missing from the look-ahead"),
        (nesterov(new_b="b - rate*beta1*vb"), "the derivative itself is missing"),
        (nesterov(new_b="b - rate*(beta1*db + vb)"), "`beta1` stands on the wrong side"),
        (
            nesterov(vb="beta1*@vb + rate*db", new_b="b - rate*db - beta1*vb"),
            "the rate is inside the buffer",
        ),
        (nesterov(vb="beta1*@vb - rate*db", new_b="b + vb"), "the rate is inside the buffer"),
        (nesterov(new_b="b + rate*(db + beta1*vb)"), "your steps go uphill"),
        (nesterov(new_b="b - rate*db + beta1*vb"), "is added, and without the rate"),
        (nesterov(new_b="b - rate*db - beta1*vb"), "is not multiplied by `rate`"),
        (nesterov(new_b="b - rate*db + rate*beta1*vb"), "is a bracket missing after the minus?"),
        (nesterov(new_b="b - rate*db"), "this is plain gradient descent"),
        (nesterov(vb="0.9*@vb + db", new_b="b - rate*(db + 0.9*vb)"), "`beta1` is not used"),
        (nesterov(db="2*(pred - y) + 0*@vb + 1"), "`db` is not the derivative"),
    ],
)
def test_wrong_sheets_of_nesterov_momentum_are_named(answer, words):
    assert always(words, "2.4", answer)


@pytest.mark.parametrize(
    ("name", "formula"),
    [("AdaGrad", f) for f in _slips.ADAGRAD] + [("Nesterov", f) for f in _slips.NESTEROV],
)
def test_every_foreseen_mistake_of_a_sheet_is_told_from_the_others(name, formula):
    slips = _slips.ADAGRAD if name == "AdaGrad" else _slips.NESTEROV
    memory = {
        "sum_b": "@sum_b + db**2",
        "average_b": "beta2*@average_b + (1 - beta2)*db**2",
        "plain_b": "@plain_b + db",
        "size_b": "@size_b + MAX(db, 0 - db)",
        "buffer_b": "beta1*@buffer_b + db",
        "lerp_b": "beta1*@lerp_b + (1 - beta1)*db",
        "turned_b": "(1 - beta1)*@turned_b + beta1*db",
        "fast_b": "beta1*@fast_b + rate*db",
    }
    inputs = BETA1 | BETA2 | (EPS if name == "AdaGrad" else {})
    answer = own(memory | {"new_b": formula}, inputs)
    if "sqrt" not in formula and name == "AdaGrad":  # both inputs are there: a root decides
        answer = own(memory | {"root": "sqrt(x**2)", "new_b": formula}, inputs)
    assert said("2.4", answer) == f"`new_b` and `new_a`: {slips[formula]}"


def test_a_sum_that_does_not_start_at_zero_is_told_so():
    start = {"new_b": 1.0, "new_a": 1.0, "gb": 0.1, "ga": 0.1}
    assert always("`gb` starts at 0.1", "2.4", own(ADAGRAD, EPS, start=start))


def test_a_sheet_without_the_constant_is_told_the_names():
    message = say("2.4", own({"new_b": "b - rate*db"}, {"mu": BETA1["beta1"]}))
    assert "`eps` for AdaGrad, `beta1` for Nesterov momentum" in message
    assert message.endswith("The inputs of your sheet: `mu`.")


def a_number_for_an_input():
    return own(ADAGRAD, {"eps": 1e-8})()


def no_slope():
    return Sheet("own", "", 0.1, {"new_b": 1.0}, {"b": "@new_b", "new_b": "b - rate*2*(b - y)"})


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda: None, "end with `return Sheet(...)`"),
        (lambda: ADAGRAD, "returns a dict; asked for is an `adl.sheets.Sheet`"),
        (lambda: [1], "returns a list; asked for is an `adl.sheets.Sheet`"),
        (lambda: Sheet, "asked for is an `adl.sheets.Sheet`"),
        (
            a_number_for_an_input,
            "inputs: expected eps to be Input(value, low, high, about), got 1e-08",
        ),
        (no_slope, "Your sheet has no column `a`"),
        (lambda: Sheet("own", rate=1.0), "TypeError"),
        (lambda: adagrad(new_b="b - db^2")(), "A power is written `**`"),
        (lambda: adagrad(new_b="= b - db")(), "to the right of the `=`, without the sign"),
        (lambda: adagrad(new_b="b - db*J33")(), "names here in place of addresses"),
        (own(ADAGRAD, EPS, start={"@new_b": 1.0}), "In `start` a name stands without the `@`"),
        (adagrad(new_b="b - db*(rate"), "Count the brackets: there are 1 `(` and 0 `)`."),
        (adagrad(gb="gb + db**2"), "`gb` is the column itself; `@gb` is the cell above"),
        (lambda: own(ADAGRAD, {})(), "a constant needs an entry in `inputs`"),
        (lambda: own(ADAGRAD, EPS, start={"new_b": 1.0, "new_a": 1.0})(), "one in `start`"),
        (own(ADAGRAD, EPS, start={"new_b": "x", "new_a": 1, "gb": 0, "ga": 0}), "start of new_b"),
    ],
)
def test_sheets_of_the_wrong_kind_are_answered_in_words(answer, words):
    message = say("2.4", answer)
    assert words in message
    assert "above_" not in message


# --- All of them ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("exercise", "wrong"),
    [
        ("2.1", lambda: {}),
        ("2.2", lambda: RIGHT["2.1"]),
        ("2.3", lambda *_: (0.0, 0.0, 0.0)),
        ("2.4", lambda: SHEETS["adam"]),
    ],
)
def test_hints_come_one_by_one(exercise, wrong, monkeypatch, tmp_path):
    monkeypatch.setenv("ADL_UNATTENDED", "")
    monkeypatch.chdir(tmp_path)
    given = [exercises.check(exercise, wrong) for _ in range(4)]
    assert [result.hint_number for result in given] == [1, 2, 3, 3]
    assert [result.hint for result in given[:3]] == list(exercises.find(exercise).hints)


@pytest.mark.parametrize("exercise", ["2.1", "2.2", "2.4"])
def test_a_result_instead_of_the_function_is_answered_in_words(exercise):
    assert "The check wants the function itself" in say(exercise, RIGHT["2.1"])


NUMBERS = st.none() | st.booleans() | st.integers() | st.floats() | st.complex_numbers()
JUNK = st.recursive(
    NUMBERS | st.text(max_size=9) | st.binary(max_size=9) | st.just(...) | st.just(print),
    lambda parts: (
        st.lists(parts, max_size=4)
        | st.tuples(parts, parts, parts)
        | st.dictionaries(st.sampled_from([*RIGHT["2.1"], *RIGHT["2.2"]]), parts, max_size=6)
        | st.dictionaries(NUMBERS | st.text(max_size=5), parts, max_size=4)
    ),
    max_leaves=8,
)


@pytest.mark.parametrize("exercise", ["2.1", "2.2", "2.3", "2.4"])
@settings(deadline=None, max_examples=60)
@given(value=JUNK)
@example(value=math.nan)
@example(value=(math.nan,) * 3)
@example(value=(1e308, -1e308, 1e308))
@example(value=(np.zeros(3), np.zeros(3), np.zeros(3)))
@example(value=np.array([[1, 2], [3, 4]]))
@example(value=torch.zeros(3, requires_grad=True))
@example(value=dict.fromkeys(RIGHT["2.1"], "x"))
@example(value=dict.fromkeys(RIGHT["2.2"], "1e999"))
def test_whatever_is_returned_is_answered_in_words(exercise, value):
    result = exercises.check(exercise, lambda *_: value, seed=0)
    assert not result.correct
    assert result.message or result.state == "not attempted"


TOKENS = ["@mb", "@new_b", "mb", "db", "b", "x", "rate", "beta1", "sqrt(", "(", ")", "MIN(", ","]
TOKENS += ["+", "-", "*", "/", "**", "0", "1.5", "@", "J33", "=", "<", "IF(", " ", "^", "√"]


@pytest.mark.parametrize("column", ["mb", "new_b", "db", "helper"])
@settings(deadline=None, max_examples=60)
@given(tokens=st.lists(st.sampled_from(TOKENS), max_size=4))
def test_whatever_a_formula_says_is_answered_in_words(column, tokens):
    formula = "".join(tokens)
    result = exercises.check("2.1", columns_of_one_half("2.1", **{column: formula}), seed=0)
    assert result.correct <= (column == "helper")
    assert result.message

    def sheet():
        return own(ADAGRAD | {column: formula}, EPS | BETA1)()

    result = exercises.check("2.4", sheet, seed=0)
    assert result.correct <= (column in ("helper", "mb"))
    assert result.message


def test_the_two_halves_of_a_sheet_are_exchanged_and_back():
    for formula in SHEETS["adam_corrected"].columns.values():
        assert mirrored(mirrored(formula)) == formula
    assert _columns.both_halves({"mb": "@mb + db"}) == {"mb": "@mb + db", "ma": "@ma + da"}
