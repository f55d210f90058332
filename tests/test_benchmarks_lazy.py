"""The benchmark of chapter 5 compares what is the same: its loops and the package train alike."""

import importlib.util
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.usefixtures("one_thread")


def script():
    """The benchmark as a module: it is no part of the package."""
    path = Path(__file__).resolve().parent.parent / "benchmarks" / "lazy_training.py"
    specification = importlib.util.spec_from_file_location("lazy_training_benchmark", path)
    module = importlib.util.module_from_spec(specification)
    sys.modules[specification.name] = module
    specification.loader.exec_module(module)
    return module


bench = script()
STEPS = 100
SMALL = {
    "networks": bench.networks("", 2, [10], STEPS, rate=0.01),
    "deep network": bench.networks("", 1, [5, 5], STEPS, rate=0.1),
    "bad start": bench.networks("", 2, [100], STEPS, rate=0.001, bad=True),
    "scaled networks": bench.scaled([1, 100], STEPS, rate=0.1),
    "linear models": bench.linear_models(2, 8, STEPS),
    "sweep": bench.sizes([2, 8], 2, STEPS),
    "descent": bench.points(2, 1e-4, STEPS),
}


@pytest.mark.parametrize("name", SMALL)
def test_the_loop_and_the_package_arrive_at_the_same_parameters_and_losses(name):
    experiment = SMALL[name]
    loop, stack = experiment.loop(STEPS), experiment.stack(STEPS)
    for one_by_one, together in zip(loop, stack, strict=True):
        assert one_by_one.numpy() == pytest.approx(together.numpy(), rel=1e-3, abs=1e-5)


@pytest.mark.parametrize("name", SMALL)
def test_the_parameters_compared_are_those_after_the_first_hundred_steps(name):
    experiment = SMALL[name]
    early, _ = experiment.loop(bench.EARLY + 20)
    wanted, _ = experiment.stack(bench.EARLY)
    assert early.numpy() == pytest.approx(wanted.numpy(), rel=1e-3, abs=1e-5)


def test_every_experiment_gets_a_row_and_all_a_sum(monkeypatch, capsys):
    experiments = [bench.networks("ten", 10, [5], 300, rate=0.1), bench.points(2, 1e-4, 300)]
    monkeypatch.setenv("ADL_UNATTENDED", "1")  # as the script sets it, and back afterwards
    monkeypatch.setattr(bench, "practical", lambda: experiments)
    monkeypatch.setattr(bench, "MODELS", (1, 2))
    monkeypatch.setattr(bench, "GROWTH_STEPS", 2)
    monkeypatch.setattr(bench, "REPEATS", 1)
    bench.main(["--quick"])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("  ")[0] for line in lines[1:3]] == ["ten", "descent, rate 0.0001"]
    assert lines[3].startswith("all: ")
    assert [line.split()[0] for line in lines[5:]] == ["models", "1", "2"]
