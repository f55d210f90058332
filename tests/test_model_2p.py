"""The straight line, against torch's Hessian, scikit-learn and closed forms."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from adl import model_2p, sheets
from adl.claims.learning_rate import X, Y, random_data

inputs = st.lists(
    st.floats(-20, 20).map(lambda number: round(number, 2)), min_size=2, max_size=12, unique=True
).map(np.array)


@pytest.mark.parametrize("step_size", [0.01, 0.028, 0.03])
def test_train_equals_torch_sgd(step_size):
    x, y = torch.tensor(X, dtype=torch.float64), torch.tensor(Y, dtype=torch.float64)
    w = torch.zeros((), dtype=torch.float64, requires_grad=True)
    b = torch.ones((), dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.SGD([w, b], lr=step_size)
    for row in model_2p.train(X, Y, step_size, epochs=20, b=1.0).itertuples():
        optimizer.zero_grad()
        loss = torch.nn.functional.mse_loss(w * x + b, y)
        loss.backward()
        assert row.loss == pytest.approx(loss.item(), rel=1e-9)
        optimizer.step()
        assert (row.new_w, row.new_b) == pytest.approx((w.item(), b.item()), rel=1e-9)


@given(inputs)
def test_curvatures_are_the_eigenvalues_of_autograds_hessian(x):
    data = torch.tensor(x)

    def loss(parameters):
        return ((parameters[0] * data + parameters[1]) ** 2).mean()

    hessian = torch.autograd.functional.hessian(loss, torch.zeros(2, dtype=torch.float64))
    expected = np.linalg.eigvalsh(hessian.numpy())
    assert model_2p.curvatures(x) == pytest.approx(tuple(expected), rel=1e-6, abs=1e-9)


@given(inputs)
def test_standardised_inputs_bear_the_step_size_one(x):
    standard = (x - x.mean()) / x.std()
    assert model_2p.critical_step_size(standard) == pytest.approx(1, abs=1e-9)
    assert model_2p.condition_number(standard) == pytest.approx(1, abs=1e-8)


@settings(deadline=None)
@given(inputs)
def test_centring_never_shortens_the_critical_step_size(x):
    centred = model_2p.critical_step_size(x - x.mean())
    assert centred >= model_2p.critical_step_size(x) * (1 - 1e-9)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("share", "grows"), [(0.98, False), (1.02, True)])
def test_the_largest_curvature_limits_the_step(seed, share, grows):
    x, y = random_data(seed)
    w, b = np.polyfit(x, y, 1)
    table = model_2p.train(x, y, share * model_2p.critical_step_size(x), 400, w=w + 1, b=b + 1)
    end = np.hypot(table["new_w"].iloc[-1] - w, table["new_b"].iloc[-1] - b)
    assert (end > np.hypot(1, 1)) == grows


def test_a_constant_input_has_no_condition_number():
    assert model_2p.condition_number([3.0, 3.0, 3.0]) == np.inf
    assert model_2p.condition_number([3.0]) == np.inf


def test_paths_start_together_and_their_alt_text_follows_the_data():
    plot = model_2p.plot_paths(X, Y, share=0.9, epochs=40, b=14)
    assert "condition number 167" in plot.alt
    assert "condition number 7.16" in plot.alt
    shifted = model_2p.plot_paths(np.array(X) + 3, Y, share=0.9, epochs=40, b=14)
    assert plot.alt != shifted.alt
    plot.draw()


def test_paths_refuse_equal_inputs_and_bad_starts():
    with pytest.raises(ValueError, match="^x: expected at least two different inputs"):
        model_2p.plot_paths([3, 3, 3], [1, 2, 3], share=0.5, epochs=3)
    with pytest.raises(TypeError, match="^w: "):
        model_2p.plot_paths(X, Y, share=0.5, epochs=3, w="q")


@pytest.mark.parametrize("share", [0, 1, 1.5, -0.1])
def test_paths_refuse_a_share_outside_zero_to_one(share):
    with pytest.raises(ValueError, match="^share: "):
        model_2p.plot_paths(X, Y, share=share, epochs=5)


@settings(deadline=None)
@given(st.integers(0, 2**31), st.floats(1e-5, 2e-4))
def test_an_epoch_of_single_steps_multiplies_the_error_by_its_matrix(seed, step_size):
    x = np.random.default_rng(seed).uniform(1, 50, 12)
    table = sheets.run(sheets.SHEETS["sgd"], 1, step_size, x=x, y=2 * x + 30)
    left = model_2p.epoch_matrix(x, step_size) @ [1 - 2, 1 - 30]
    end = table.iloc[-1]
    assert [end["new_a"] - 2, end["new_b"] - 30] == pytest.approx(left, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("x", [0.0, 3.0, 100.0])
def test_one_row_has_the_factor_of_its_curvature_and_one(x):
    factors = sorted(np.linalg.eigvalsh(model_2p.epoch_matrix([x], 0.001)))
    assert factors == pytest.approx(sorted([1 - 0.002 * (x**2 + 1), 1.0]))
