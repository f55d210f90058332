"""The automatic annealer as a PyTorch scheduler, against the sheet that has the same rule."""

import io
import warnings

import pytest
import torch

from adl.schedules import Annealer
from adl.sheets import SHEETS, X, Y, run


def train(annealer, optimizer, b, a, epochs):
    """Rates used in each epoch, with batch size 1 on the points of the sheets."""
    rates = []
    for _ in range(epochs):
        rates.append(optimizer.param_groups[0]["lr"])
        for x, y in zip(X, Y, strict=True):
            optimizer.zero_grad()
            ((a * x + b - y) ** 2).backward()
            optimizer.step()
        annealer.step()
    return rates


def line(start=1.0):
    return [torch.tensor(start, dtype=torch.float64, requires_grad=True) for _ in range(2)]


def adam_of_the_sheets(parameters):
    optimizer = torch.optim.Adam(parameters, lr=1.0, betas=(0.9, 0.95))
    for parameter in parameters:  # no bias correction: as if a million steps had been made
        optimizer.state[parameter] = {
            "step": torch.tensor(1e6),
            "exp_avg": torch.zeros_like(parameter),
            "exp_avg_sq": torch.zeros_like(parameter),
        }
    return optimizer


def test_rates_and_weights_equal_the_sheets():
    b, a = line()
    optimizer = adam_of_the_sheets([b, a])
    rates = train(Annealer(optimizer), optimizer, b, a, epochs=10)
    table = run(SHEETS["annealed_mean"], epochs=10)
    assert rates == table["rate"].groupby("epoch").first().tolist()
    assert b.item() == pytest.approx(table["new_b"].iloc[-1], abs=1e-10)
    assert a.item() == pytest.approx(table["new_a"].iloc[-1], abs=1e-10)


@pytest.mark.parametrize("stop", [3, 6])
def test_a_run_that_is_saved_and_resumed_is_the_same(stop):
    b, a = line()
    optimizer = adam_of_the_sheets([b, a])
    annealer = Annealer(optimizer)
    whole = train(annealer, optimizer, b, a, epochs=10)

    b, a = line()
    optimizer = adam_of_the_sheets([b, a])
    annealer = Annealer(optimizer)
    first = train(annealer, optimizer, b, a, epochs=stop)
    file = io.BytesIO()
    torch.save([annealer.state_dict(), optimizer.state_dict(), b.item(), a.item()], file)
    file.seek(0)
    scheduler_state, optimizer_state, *weights = torch.load(file, weights_only=True)
    b, a = (torch.tensor(weight, dtype=torch.float64, requires_grad=True) for weight in weights)
    optimizer = torch.optim.Adam([b, a], lr=1.0, betas=(0.9, 0.95))
    annealer = Annealer(optimizer)
    optimizer.load_state_dict(optimizer_state)
    annealer.load_state_dict(scheduler_state)
    assert first + train(annealer, optimizer, b, a, epochs=10 - stop) == whole


def test_every_group_is_cut_by_the_same_factor():
    b, a = line()
    optimizer = torch.optim.SGD([{"params": [b], "lr": 1e-3}, {"params": [a], "lr": 1e-5}])
    annealer = Annealer(optimizer, when=1.5, cut=10)
    for scale in (1.0, 2.0, 1.0, 1.2):
        optimizer.zero_grad()
        (scale * (a + b)).backward()
        optimizer.step()
        annealer.step()
    assert annealer.get_last_lr() == pytest.approx([1e-4, 1e-6])


def test_an_epoch_without_a_step_changes_nothing():
    optimizer = torch.optim.SGD(line(), lr=1.0)
    annealer = Annealer(optimizer)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch warns of the order of the calls
        annealer.step()
    assert annealer.get_last_lr() == [1.0]


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"when": 0.5}, ValueError, "^when: expected a number of at least 1"),
        ({"cut": 1}, ValueError, "^cut: expected a number above 1"),
        ({"when": "2"}, TypeError, "^when: "),
    ],
)
def test_bad_arguments_are_refused_in_words(options, error, words):
    with pytest.raises(error, match=words):
        Annealer(torch.optim.SGD(line(), lr=1.0), **options)
    with pytest.raises(TypeError, match="^optimizer: expected an Optimizer, got list"):
        Annealer([])
