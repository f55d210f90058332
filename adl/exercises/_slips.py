"""The mistakes that the exercises of chapter 2 foresee, and what is said of each.

A mistake is written as a student would write it, as a formula in the language of sheets, for the
intercept's half of a sheet. Its sentence follows the name of the column that it was found in.
"""

from adl.sheets import Input, Sheet

# --- Mistakes that several exercises share --------------------------------------------------------


def _average(old: str, value: str, beta: str) -> str:
    return f"{beta}*{old} + (1 - {beta})*{value}"


def _wrong_averages(old: str, value: str, beta: str) -> dict[str, str]:
    return {
        f"{beta}*{old} + {value}": f"the factor `1 - {beta}` in front of the new value is missing. "
        "Without it this is a sum, which grows to 1/(1 - β) times the size of an average.",
        f"(1 - {beta})*{old} + {beta}*{value}": f"`{beta}` and `1 - {beta}` are exchanged. "
        f"`{beta}` is the share of the old average that is kept.",
        f"{old} + (1 - {beta})*{value}": "the old average keeps its full weight: its factor "
        f"`{beta}` is missing.",
        f"{old} + {value}": f"this is a sum. An average keeps the share `{beta}` of the old "
        f"average, and takes `1 - {beta}` of the new value.",
        f"{beta}*{old} + 1 - {beta}*{value}": f"brackets are missing: write `(1 - {beta})*`, since "
        "a product comes before a difference.",
        f"{beta}*({old} + (1 - {beta})*{value})": f"`{beta}` multiplies the new value, too: a "
        "bracket closes too late.",
        f"{beta}*{old} - (1 - {beta})*{value}": "the new value is subtracted; in an average both "
        "parts are added.",
        f"{beta}*{old} + {beta}*{value}": f"`{beta}` stands in both places. The share of the new "
        f"value is `1 - {beta}`.",
        f"(1 - {beta})*{old} + (1 - {beta})*{value}": f"`1 - {beta}` stands in both places. The "
        f"share of the old average is `{beta}`.",
        f"(1 - {beta})*{value}": f"nothing of the old average is kept: `{beta}*{old}` is missing.",
        f"{beta}*{old}": "the new value never comes in.",
        value: "this is the new value alone, with nothing of the old average: no average yet.",
        old: "the new value never comes in.",
    }


def _wrong_steps(weight: str, step: str, rate: str = "rate") -> dict[str, str]:
    shown = weight.lstrip("@")
    alone = f"this is the step alone. The new weight is `{shown}` minus the step."
    return {
        f"{weight} + {step}": "your steps go uphill: the derivative points to where the error "
        "rises, so the step is subtracted.",
        step: alone,
        f"-({step})": alone,
        f"{weight} - ({step})/{rate}": f"`{rate}` is left out of the step.",
        f"{step} - {weight}": "the difference is turned round: the step is subtracted from the "
        "weight.",
        weight: "the weight does not move: subtract the step.",
    }


def _both_ways(weight: str, slips: dict[str, str]) -> dict[str, str]:
    """Wrong steps, and the same uphill."""
    return slips | {
        formula.replace(" - ", " + ", 1): "your steps go uphill: subtract them. And " + words
        for formula, words in slips.items()
        if formula.startswith(f"{weight} - ")
    }


_RATE_LEFT_OUT = "`rate` is left out of the step."
_PLAIN = "this is plain gradient descent: the step goes along the row's own derivative."
_ABOVE = (
    "the step uses the average of the row above. Either `@{0}` stands where `{0}` should, or the "
    "weight is updated before the average is: fill `{0}` first, then step with it."
)
_ROOT_FORGOTTEN = (
    "the square root is forgotten. A squared derivative has the square of its unit, and only the "
    "root makes the two comparable."
)
_EPS_INSIDE = "eps stands inside the root. Add it to the root, as torch does: `sqrt({}) + eps`."
_EPS_UNUSED = "eps is missing, or a number stands in its place."
_EPS_LARGER = "the larger of the root and eps is taken. Add eps to the root: it is no lower bound."
_HALVED = (
    "the root lacks its brackets: `**1/2` divides by 2, since a power comes before a quotient. "
    "Write `**0.5` or `**(1/2)`."
)
_OTHER_WEIGHT = "this is the new value of the other weight."
_OTHER_START = "the step starts from the other weight: `a` stands where `b` should."
_EPS_OUTSIDE = "brackets are missing: eps is added to the quotient in place of the root below it."


# --- 2.1 and 2.2 Columns of a sheet ---------------------------------------------------------------

MB = _average("@mb", "db", "beta1")
_RATE_INSIDE = (
    "the rate is multiplied into the average. Keep it for the step: the average then stays one of "
    "derivatives when the rate is changed in mid-run."
)
_MOMENTUM_STEPS = {
    "b - mb": _RATE_LEFT_OUT,
    "b - rate*@mb": _ABOVE.format("mb"),
    "b - rate*db": f"{_PLAIN} Use the average in its place.",
    "b - rate*ma": "the step is that of the other weight: `ma` stands where `mb` should.",
    "b - rate*(mb + db)": "the derivative is added to its average. Step along `mb` alone.",
    "b - 2*rate*mb": "two steps are made in one row.",
    "b - rate*(mb + @mb)": "two steps are made in one row, one of them with the average of the "
    "row above.",
    "b - rate*(1 - beta1)*mb": "the factor `1 - beta1` comes in twice: it is in the average "
    "already.",
    "b - beta1*mb": "`beta1` stands where the rate should.",
    f"b - rate*({_average('mb', 'db', 'beta1')})": "the derivative is averaged in twice: `mb` "
    "has this row's derivative already.",
    "b - rate*mb*x": "the step is multiplied by `x`. The derivatives have it where it belongs.",
}
MOMENTUM = {
    "mb": _wrong_averages("@mb", "db", "beta1")
    | {
        _average("@mb", "da", "beta1"): "the derivative of the other weight is averaged: `da` "
        "stands where `db` should.",
        _average("@ma", "db", "beta1"): "the old average is that of the other weight: `@ma` stands "
        "where `@mb` should.",
        _average("@ma", "da", "beta1"): "this is the average of the other weight: `ma` stands "
        "where `mb` should.",
        _average("@mb", "db**2", "beta1"): "the derivative is squared, which is what RMSprop "
        "averages. Momentum averages the derivative itself.",
        _average("@mb", "b", "beta1"): "the weight is averaged; asked for is an average of the "
        "derivative.",
        _average("@mb", "rate*db", "beta1"): _RATE_INSIDE,
        f"rate*({MB})": _RATE_INSIDE,
        "beta1*@mb + rate*db": _RATE_INSIDE,
        "beta1*@mb - rate*db": "this is a velocity, which is added to the weight. Asked for is an "
        "average of the derivatives, with no rate and no minus in it.",
    },
    "new_b": _wrong_steps("b", "rate*mb")
    | {"a - rate*mb": _OTHER_START, "a - rate*ma": _OTHER_WEIGHT}
    | _both_ways(
        "b",
        _MOMENTUM_STEPS,
    ),
}

SB = _average("@sb", "db**2", "beta2")
_ROOT_IN_AVERAGE = (
    "the root is taken too early. Keep the average of the squares itself in `sb`, and take its "
    "root in the step."
)
_AVERAGE_SQUARED = (
    "the average is squared where the derivative should be. The mean of squares is not the square "
    "of a mean: derivatives of both signs cancel in it."
)
_RMSPROP_STEPS = {
    "b - db/(sqrt(sb) + eps)": _RATE_LEFT_OUT,
    "b - rate*db/(sb + eps)": _ROOT_FORGOTTEN,
    "b - rate*db/sqrt(sb + eps)": _EPS_INSIDE.format("sb"),
    "b - rate*db/sqrt(sb)": _EPS_UNUSED,
    "b - rate*db/MAX(sqrt(sb), eps)": _EPS_LARGER,
    "b - rate*db/(sb/2 + eps)": _HALVED,
    "b - rate*db/sqrt(sb) + eps": _EPS_OUTSIDE,
    "b - (rate*db/sqrt(sb) + eps)": _EPS_OUTSIDE,
    "b - rate*db/(sqrt(@sb) + eps)": _ABOVE.format("sb"),
    "b - rate*db": f"{_PLAIN} Divide the derivative by the root of `sb`.",
    "b - rate/(sqrt(sb) + eps)": "the derivative is missing from the step.",
    "b - rate*db*(sqrt(sb) + eps)": "the derivative is multiplied by the root; it should be "
    "divided by it.",
    "b - rate*db**2/(sqrt(sb) + eps)": "the derivative is squared in the step; the square "
    "belongs in the average only.",
    "b - rate*sb/(sqrt(sb) + eps)": "the average of squares stands where the derivative should.",
    "b - rate*db/(sqrt(sa) + eps)": "the derivative is divided by the root of the other "
    "weight's average: `sa` stands where `sb` should.",
    "b - rate*da/(sqrt(sb) + eps)": "the derivative is that of the other weight: `da` stands "
    "where `db` should. They differ by the factor x.",
    "b - rate*da/(sqrt(sa) + eps)": "the step is that of the other weight.",
    "b - 2*rate*db/(sqrt(sb) + eps)": "two steps are made in one row.",
}
RMSPROP = {
    "sb": _wrong_averages("@sb", "db**2", "beta2")
    | {
        _average("@sb", "db", "beta2"): "the derivative is not squared.",
        f"({_average('@sb', 'db', 'beta2')})**2": _AVERAGE_SQUARED,
        _average("@sb**2", "db**2", "beta2"): "the old average is squared, too: it holds squares "
        "already.",
        "beta2*@sb + ((1 - beta2)*db)**2": "the factor `1 - beta2` is squared, too: square the "
        "derivative alone.",
        _average("@sb", "sqrt(db**2)", "beta2"): "this is an average of roots, that is, of the "
        "derivative's size. Average the squares first, and take the root of the average.",
        _average("@sb", "2*db", "beta2"): "the derivative is doubled where it should be squared: "
        "`db**2`.",
        f"sqrt({SB})": _ROOT_IN_AVERAGE,
        f"sqrt({_average('@sb**2', 'db**2', 'beta2')})": _ROOT_IN_AVERAGE,
        _average("@sb", "da**2", "beta2"): "the derivative of the other weight is averaged: `da` "
        "stands where `db` should.",
        _average("@sb", "db*da", "beta2"): "the two derivatives are multiplied by each other; each "
        "is multiplied by itself.",
        _average("@sa", "db**2", "beta2"): "the old average is that of the other weight: `@sa` "
        "stands where `@sb` should.",
        _average("@sa", "da**2", "beta2"): "this is the average of the other weight: `sa` stands "
        "where `sb` should.",
        _average("@sb", "err2", "beta2"): "the error is averaged; asked for is the square of the "
        "derivative.",
        f"{SB} + eps": "eps is added to the average, where it piles up from row to row. It "
        "belongs in the step.",
    },
    "new_b": _wrong_steps("b", "rate*db/(sqrt(sb) + eps)")
    | {
        "a - rate*db/(sqrt(sb) + eps)": _OTHER_START,
        "a - rate*da/(sqrt(sa) + eps)": _OTHER_WEIGHT,
        "(b - rate*db)/(sqrt(sb) + eps)": "a bracket closes too late: the weight is divided, too.",
    }
    | _both_ways(
        "b",
        _RMSPROP_STEPS,
    ),
    # In the other half this would be the derivative of the other weight.
    "new_a": {
        "a - rate*da*x/(sqrt(sa) + eps)": "the step is multiplied by `x`, which `da` has already.",
    },
}


# --- 2.3 A step of Adam: with @ what a step is given, without what it returns ---------------------

_CORRECTED_M = "(m/(1 - beta1**t))"
_CORRECTED_S = "(s/(1 - beta2**t))"


def _adam(m: str = _CORRECTED_M, s: str = _CORRECTED_S) -> str:
    return f"@weight - lr*{m}/(sqrt({s}) + eps)"


_STORED = (
    "the corrected average is handed on to the next step, which corrects it once more. Return the "
    "average as it is, and give the corrected one a name of its own."
)
_NUMBER = "a number stands where the argument `{}` should."
_OLD = (
    "the step uses an average as it came in. Either the old name stands where the new one should, "
    "or the weight is updated before the averages are: average first, then step."
)
_CORRECTIONS = {
    "{x}": "the bias correction{of} is missing. Averages that start at 0 are too small at first: "
    "write {right}.",
    "{x}/1 - {beta}**t": "brackets are missing: write {right}, since a quotient comes before a "
    "difference.",
    "{x}/(1 - {beta}**(t - 1))": "you divide by 0 at the first step: the power of the bias "
    "correction is t, not t - 1. Write {right}.",
    "{x}/(1 - {beta}**(t + 1))": "the power of the bias correction is t, not t + 1: t is 1 at the "
    "first step. Write {right}.",
    "{x}/(1 - {beta}*t)": "`beta*t` is a product. The bias correction has the power `beta**t`: "
    "write {right}.",
    "{x}/(1 - {beta})**t": "the power is taken of the difference: `(1 - beta)**t` where "
    "`1 - beta**t` should stand. Write {right}.",
    "{x}/(1 - {beta})": "the power t is missing from the bias correction: write {right}.",
    "{x}*(1 - {beta}**t)": "you multiply by the bias correction. The averages are too small at "
    "first: divide, as in {right}.",
    "{x}/{beta}**t": "you divide by `beta**t`: the `1 -` in front of it is missing. Write {right}.",
}


def _wrong_corrections() -> dict[str, str]:
    """Wrong corrections of both averages, and of one only."""
    betas = {"m": "beta1", "s": "beta2"}
    right = {name: f"`{name}/(1 - {beta}**t)`" for name, beta in betas.items()}
    slips = {}
    for wrong, words in _CORRECTIONS.items():
        m, s = (f"({wrong.format(x=name, beta=beta)})" for name, beta in betas.items())
        slips[_adam(m, s)] = words.format(of="", right=" and ".join(right.values()))
        slips[_adam(m)] = words.format(of=" of `m`", right=right["m"])
        slips[_adam(s=s)] = words.format(of=" of `s`", right=right["s"])
    return slips


_OLD_RETURNED = "the new value never comes in, or the old name is returned."
_BETAS_EXCHANGED = "`{}` stands in the bias correction of `{}`, where `{}` should."
_ADAM_STEPS = _wrong_corrections() | {
    _adam().replace("lr*", ""): "`lr` is left out of the step.",
    _adam(
        "(m/(1 - beta2**t))", "(s/(1 - beta1**t))"
    ): "beta1 and beta2 are exchanged in the bias correction.",
    _adam("(m/(1 - beta2**t))"): _BETAS_EXCHANGED.format("beta2", "m", "beta1"),
    _adam(s="(s/(1 - beta1**t))"): _BETAS_EXCHANGED.format("beta1", "s", "beta2"),
    f"@weight - lr*{_CORRECTED_M}/(sqrt(s)/(1 - beta2**t) + eps)": "the root is taken before "
    "the bias correction of `s`: correct first, then take the root.",
    "@weight - lr*sqrt(1 - beta2**t)/(1 - beta1**t)*m/(sqrt(s) + eps)": "eps is added before "
    "the bias correction, as in the paper's shorter form, which makes it count for more in "
    "the first steps. torch corrects `s` first and adds eps to the root of that.",
    _adam("(@m/(1 - beta1**t))", "(@s/(1 - beta2**t))"): _OLD,
    _adam("(@m/(1 - beta1**t))"): _OLD,
    _adam(s="(@s/(1 - beta2**t))"): _OLD,
    _adam("gradient"): "the gradient stands where its average should: that is RMSprop with "
    "bias correction.",
    f"@weight - lr*{_CORRECTED_M}": "this is momentum with bias correction: divide the step by "
    "the root of the corrected `s`, plus eps.",
    f"@weight - lr*{_CORRECTED_M}/({_CORRECTED_S} + eps)": _ROOT_FORGOTTEN,
    f"@weight - lr*{_CORRECTED_M}/sqrt({_CORRECTED_S} + eps)": _EPS_INSIDE.format("..."),
    f"@weight - lr*{_CORRECTED_M}/sqrt({_CORRECTED_S})": _EPS_UNUSED,
    f"@weight - lr*{_CORRECTED_M}/MAX(sqrt({_CORRECTED_S}), eps)": _EPS_LARGER,
    f"@weight - lr*{_CORRECTED_M}/({_CORRECTED_S}/2 + eps)": _HALVED,
    f"@weight - lr*{_CORRECTED_M}/sqrt({_CORRECTED_S}) + eps": _EPS_OUTSIDE,
    f"@weight - (lr*{_CORRECTED_M}/sqrt({_CORRECTED_S}) + eps)": _EPS_OUTSIDE,
    _adam().replace("lr", "0.001"): _NUMBER.format("lr"),
}
_ADAM = {
    "m": _wrong_averages("@m", "gradient", "beta1")
    | {
        "@m": _OLD_RETURNED,
        f"({_average('@m', 'gradient', 'beta1')})/(1 - beta1**t)": _STORED,
        _average("@m", "gradient", "beta2"): "`beta2` stands where `beta1` should.",
        _average("@m", "gradient**2", "beta1"): "the gradient is squared, which is for `s`; `m` "
        "averages the gradient itself.",
        _average("@m", "lr*gradient", "beta1"): "`lr` is multiplied into the average. Keep it for "
        "the step.",
        _average("@s", "gradient", "beta1"): "the old average is `s` where it should be `m`.",
        "0.9*@m + 0.1*gradient": _NUMBER.format("beta1"),
    },
    "s": _wrong_averages("@s", "gradient**2", "beta2")
    | {
        "@s": _OLD_RETURNED,
        f"({_average('@s', 'gradient**2', 'beta2')})/(1 - beta2**t)": _STORED,
        _average("@s", "gradient", "beta2"): "the gradient is not squared.",
        _average("@s", "m**2", "beta2"): "the average `m` is squared where the gradient should be.",
        f"({_average('@s', 'gradient', 'beta2')})**2": _AVERAGE_SQUARED,
        "beta2*@s + ((1 - beta2)*gradient)**2": "the factor `1 - beta2` is squared, too: square "
        "the gradient alone.",
        _average("@s", "sqrt(gradient**2)", "beta2"): "this is an average of roots. Average the "
        "squares first, and take the root of the average in the step.",
        _average("@s", "2*gradient", "beta2"): "the gradient is doubled where it should be "
        "squared: `gradient**2`.",
        _average("@s", "gradient**2", "beta1"): "`beta1` stands where `beta2` should.",
        _average("@m", "gradient**2", "beta2"): "the old average is `m` where it should be `s`.",
        f"sqrt({_average('@s', 'gradient**2', 'beta2')})": "the root is handed on. Return the "
        "average of the squares itself, and take its root in the step only.",
        "0.999*@s + 0.001*gradient**2": _NUMBER.format("beta2"),
        "0.9*@s + 0.1*gradient**2": _NUMBER.format("beta2"),
    },
    "weight": _wrong_steps("@weight", _adam().removeprefix("@weight - "), "lr")
    | {"@weight": "the weight does not move: subtract the step; or the old name is returned."}
    | _both_ways(
        "@weight",
        _ADAM_STEPS,
    ),
}
# There is no @ in Python: what a step is given and what it returns have one name.
ADAM = {
    name: {formula: words.replace("@", "") for formula, words in slips.items()}
    for name, slips in _ADAM.items()
}

# --- 2.4 A sheet of one's own ---------------------------------------------------------------------

# What optimizers remember, for slips to refer to: x is the derivative, y the rate of the row.
MEMORY = Sheet(
    "memory",
    "sums and averages of a column of derivatives",
    rate=1.0,
    inputs={name: Input(0.9, 0.0, 1.0, "") for name in ("beta1", "beta2")},
    start=dict.fromkeys(("sum", "average", "plain", "size", "buffer", "lerp", "turned", "fast"), 0),
    columns={
        "sum": "@sum + x**2",
        "average": "beta2*@average + (1 - beta2)*x**2",
        "plain": "@plain + x",
        "size": "@size + sqrt(x**2)",
        "buffer": "beta1*@buffer + x",
        "lerp": "beta1*@lerp + (1 - beta1)*x",
        "turned": "(1 - beta1)*@turned + beta1*x",
        "fast": "beta1*@fast + y*x",
    },
)


def _adagrad(divisor: str) -> str:
    return f"b - rate*db/{divisor}"


_ADAGRAD_STEPS = {
    "b - rate*lerp_b/(sqrt(average_b) + eps)": "this is Adam, not one of the two.",
    _adagrad(
        "(sqrt(average_b) + eps)"
    ): "the squares are averaged: that is RMSprop. AdaGrad adds them up, and forgets none.",
    _adagrad("sqrt(average_b + eps)"): "the squares are averaged: that is RMSprop, and with eps "
    "inside the root. AdaGrad adds them up, and torch adds eps to the root.",
    _adagrad("(sqrt(sum_b - db**2) + eps)"): "the step divides by the sum of the row above. Either "
    "an `@` is too many, or the weight is updated before the sum: this row's square belongs to it.",
    _adagrad("(sum_b + eps)"): _ROOT_FORGOTTEN,
    _adagrad("(plain_b + eps)"): "the derivatives are added up without being squared, and the "
    "root is missing.",
    _adagrad("(size_b + eps)"): "each square has its root taken before they are added. Add the "
    "squares first, and take the root of the sum.",
    _adagrad("sqrt(sum_b + eps)"): _EPS_INSIDE.format("sum"),
    _adagrad("sqrt(sum_b)"): _EPS_UNUSED,
    _adagrad("MAX(sqrt(sum_b), eps)"): _EPS_LARGER,
    _adagrad("(sum_b/2 + eps)"): _HALVED,
    _adagrad("(sqrt(db**2) + eps)"): "the squares of the rows above are not added up: this row's "
    "derivative is divided by its own size.",
    _adagrad("sqrt(sum_b) + eps"): _EPS_OUTSIDE,
    "b - (rate*db/sqrt(sum_b) + eps)": _EPS_OUTSIDE,
    _adagrad("(sqrt(sum_b + sum_a) + eps)"): "both weights share one sum. AdaGrad keeps a sum for "
    "each, so that each has a rate of its own.",
    _adagrad(
        "(sqrt(sum_a) + eps)"
    ): "the derivative is divided by the root of the other weight's sum.",
    "b - rate*da/(sqrt(sum_b) + eps)": "the derivative is that of the other weight.",
    "b - rate*da/(sqrt(sum_a) + eps)": "the step is that of the other weight.",
    "b - rate*db": f"{_PLAIN} Divide it by the root of the sum.",
    "b - db/(sqrt(sum_b) + eps)": _RATE_LEFT_OUT,
}
ADAGRAD = (
    _both_ways(
        "b",
        _ADAGRAD_STEPS,
    )
    | _wrong_steps("b", "rate*db/(sqrt(sum_b) + eps)")
    | {
        "a - rate*db/(sqrt(sum_b) + eps)": _OTHER_START,
        "a - rate*da/(sqrt(sum_a) + eps)": _OTHER_WEIGHT,
    }
)
# Of a column that should be the sum: its root may be nan, and the step then tells nothing.
SUMS = {
    "plain_b": "the derivative is not squared. AdaGrad adds up squares.",
    "-sum_b": "the square is subtracted. AdaGrad adds up squares.",
}

_LERPED = (
    "the buffer is a running average, with the factor `1 - beta1`, as in the course's momentum. "
    "torch's buffer is a sum: `beta1` times the old buffer plus the derivative, with no `1 -`."
)
_PLAIN_MOMENTUM = (
    "this is momentum without the look-ahead. Either the step goes along the buffer itself, or the "
    "buffer of the row above looks ahead, which gives the same numbers. Step along the derivative "
    "plus `beta1` times this row's buffer."
)
_RATE_IN_BUFFER = (
    "the rate is inside the buffer. That is the same as torch's as long as the rate stays what it "
    "is; in this check it is lowered after the first epoch, and old steps must follow. Multiply "
    "the whole step by `rate` at the end."
)
_NESTEROV_STEPS = {
    "b - rate*buffer_b": _PLAIN_MOMENTUM,
    "b - rate*(db + beta1*lerp_b)": _LERPED,
    "b - rate*((1 - beta1)*db + beta1*lerp_b)": _LERPED,
    "b - rate*lerp_b": f"{_LERPED} And the look-ahead is missing.",
    "b - rate*(db + beta1*turned_b)": "`beta1` and `1 - beta1` stand in the buffer, and exchanged. "
    "torch's buffer is `beta1` times the old buffer plus the derivative.",
    "b - rate*(db + buffer_b)": "`beta1` is missing from the look-ahead: the step goes along the "
    "derivative plus `beta1` times the buffer.",
    "b - rate*beta1*buffer_b": "the derivative itself is missing: the step goes along the "
    "derivative plus `beta1` times the buffer.",
    "b - rate*(beta1*db + buffer_b)": "`beta1` stands on the wrong side: the step goes along the "
    "derivative plus `beta1` times the buffer.",
    "b - (rate*db + beta1*fast_b)": _RATE_IN_BUFFER,
    "b - fast_b": f"{_RATE_IN_BUFFER} And the look-ahead is missing.",
    "b - rate*(db + beta1*buffer_a)": "the buffer is that of the other weight.",
    "b - rate*(da + beta1*buffer_a)": "the step is that of the other weight.",
    "b - rate*db": f"{_PLAIN} Add `beta1` times the buffer.",
    "b - (db + beta1*buffer_b)": _RATE_LEFT_OUT,
}
NESTEROV = (
    _both_ways(
        "b",
        _NESTEROV_STEPS,
    )
    | _wrong_steps("b", "rate*(db + beta1*buffer_b)")
    | {
        "b - rate*db + beta1*buffer_b": "the buffer's part of the step is added, and without "
        "the rate. Both parts are multiplied by `rate` and subtracted.",
        "b - rate*db - beta1*buffer_b": "the buffer's part of the step is not multiplied by "
        "`rate`: brackets are missing.",
        "b - rate*db + rate*beta1*buffer_b": "the buffer's part of the step is added. Both parts "
        "are subtracted: is a bracket missing after the minus?",
        "a - rate*(db + beta1*buffer_b)": _OTHER_START,
        "a - rate*(da + beta1*buffer_a)": _OTHER_WEIGHT,
    }
)
