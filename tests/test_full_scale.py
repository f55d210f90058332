"""The notes' experiments at their size: trained as torch does, resumed exactly, stored whole."""

import importlib.util
import json
import sys
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from adl import full_scale
from adl.data import singular_batch
from adl.losses import LOSSES
from adl.models import StackedMLP

pytestmark = pytest.mark.usefixtures("one_thread")
ROOT = Path(__file__).resolve().parent.parent


def script():
    """The benchmark as a module: it is no part of the package."""
    path = ROOT / "benchmarks" / "full_scale.py"
    specification = importlib.util.spec_from_file_location("full_scale_benchmark", path)
    module = importlib.util.module_from_spec(specification)
    sys.modules[specification.name] = module
    specification.loader.exec_module(module)
    return module


bench = script()
DECAY = bench.CASES["decaying-rate-one-batch"]


def small(case):
    return replace(case, batch_size=50, hidden=(8,) * len(case.hidden))


def small_training(steps, name="mse-1e-4"):
    training = bench.Training(small(bench.CASES[name]), "cpu")
    training.go_on(steps)
    return training


def state(training):
    optimizer = training.optimizer.state_dict()
    return [
        training.optimizer.net.vector.detach(),
        *map(torch.as_tensor, optimizer.values()),
        training.losses,
        training.generator.get_state(),
    ]


def flat(alone):
    """Parameters of a single network in the order of a stack's vector."""
    parts = [part for linear in alone[::2] for part in (linear.weight.T, linear.bias)]
    return torch.cat([part.detach().flatten() for part in parts])


@pytest.mark.parametrize("name", bench.CASES)
def test_every_case_trains_as_torch_adam_trains_a_network_of_pytorch(name):
    case = small(bench.CASES[name])
    training = bench.Training(case, "cpu")
    alone = training.optimizer.net.single(0)
    optimizer = torch.optim.Adam(alone.parameters())
    generator = torch.Generator().manual_seed(bench.BATCHES)
    losses = []
    for step in range(20):
        if case.fresh or step == 0:
            inputs = torch.randn(50, 3, generator=generator)
            targets = inputs[:, 2] * inputs[:, 1] / (case.epsilon + inputs[:, 0] ** 2)
        decayed = 1 if case.last_step_size is None else (1 / 100) ** (step / 50_000)
        optimizer.param_groups[0]["lr"] = case.step_size * decayed
        loss = LOSSES[case.loss](alone(inputs)[:, 0], targets)
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    training.go_on(20)
    torch.testing.assert_close(training.losses, torch.tensor(losses), rtol=1e-4, atol=1e-6)
    vector = training.optimizer.net.vector[0]
    torch.testing.assert_close(vector, flat(alone), rtol=1e-3, atol=1e-4)


every_kind = pytest.mark.parametrize(
    "name", ["relative-l1-1e-4", "four-layers-1e-3", "decaying-rate-one-batch"]
)


@every_kind
def test_more_steps_go_on_bit_for_bit_where_fewer_ended(name, tmp_path):
    case, options = small(bench.CASES[name]), {"device": "cpu", "checkpoints": tmp_path}
    bench.train(name, case, steps=20, **options)
    resumed = bench.train(name, case, steps=40, **options)
    whole = bench.train("whole", case, steps=40, **options)
    assert all(map(torch.equal, state(resumed), state(whole)))
    assert len(whole.losses) == 40


@every_kind
def test_an_interrupted_run_ends_bit_for_bit_where_it_would_have_ended(name, tmp_path, monkeypatch):
    case, options = small(bench.CASES[name]), {"device": "cpu", "checkpoints": tmp_path}
    monkeypatch.setattr(bench, "PIECE", 10)
    monkeypatch.setattr(bench, "PAUSE", -1)
    whole = bench.train("whole", case, steps=40, **options)
    train_stacked, calls = bench.train_stacked, []

    def interrupted(*arguments, **named):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return train_stacked(*arguments, **named)

    monkeypatch.setattr(bench, "train_stacked", interrupted)
    with pytest.raises(KeyboardInterrupt):
        bench.train(name, case, steps=40, **options)
    resumed = bench.train(name, case, steps=40, **options)
    assert len(calls) == 3 + 2  # 20 steps were kept
    assert all(map(torch.equal, state(resumed), state(whole)))


def test_a_run_that_has_more_steps_than_are_asked_for_keeps_them(tmp_path):
    case, options = small(bench.Case(4)), {"device": "cpu", "checkpoints": tmp_path}
    bench.train("a", case, steps=30, **options)
    assert bench.train("a", case, steps=10, **options).steps == 30


def test_a_run_keeps_the_day_on_which_it_was_made(tmp_path, monkeypatch):
    case, options = small(bench.Case(4)), {"device": "cpu", "checkpoints": tmp_path}
    made = bench.train("a", case, steps=10, **options).made
    monkeypatch.setattr(bench, "_machine", lambda device: "another")
    assert bench.train("a", case, steps=10, **options).made == made
    assert bench.train("a", case, steps=11, **options).made == made | {"machine": "another"}


def test_a_checkpoint_of_another_case_is_refused(tmp_path):
    case, options = small(bench.Case(4)), {"device": "cpu", "checkpoints": tmp_path}
    bench.train("a", case, steps=1, **options)
    with pytest.raises(SystemExit, match="another case"):
        bench.train("a", replace(case, step_size=1e-3), steps=2, **options)


@pytest.mark.parametrize("content", [b"", b"none", {"tensors": torch.ones(2), "steps": 3}])
def test_a_file_that_is_no_checkpoint_is_refused_in_words(content, tmp_path):
    path = tmp_path / "a-cpu.pt"
    path.write_bytes(content) if isinstance(content, bytes) else torch.save(content, path)
    with pytest.raises(SystemExit, match=r"a-cpu\.pt: is no checkpoint .* remove it"):
        bench.train("a", small(bench.Case(4)), steps=2, device="cpu", checkpoints=tmp_path)


def test_the_rate_decays_from_its_first_to_its_last_over_the_steps_of_the_note():
    rates = [DECAY.rates(step, 1).item() for step in (0, 25_000, 50_000)]
    assert rates == pytest.approx([0.3, 0.03, 0.003], rel=1e-12)


def test_rates_of_pieces_are_those_of_the_whole():
    pieces = torch.cat([DECAY.rates(0, 20), DECAY.rates(20, 5), DECAY.rates(25, 75)])
    assert torch.equal(pieces, DECAY.rates(0, 100))


def test_a_small_run_is_stored_whole(tmp_path, monkeypatch):
    cases = {"mine": small(bench.Case(4)), "other": small(DECAY)}
    monkeypatch.setattr(bench, "CASES", cases)
    monkeypatch.setattr(bench, "TEST_EXAMPLES", 1000)
    path = tmp_path / "new" / "results.json"
    arguments = ["--steps", "25", "--results", str(path), "--checkpoints", str(tmp_path)]
    bench.main([*arguments, "--only", "mine"])
    first = json.loads(path.read_text())
    assert first["not_run"] == ["other", *bench.NOT_A_CASE]
    bench.main(arguments)
    document = json.loads(path.read_text())
    assert list(document["cases"]) == ["mine", "other"]
    assert document["not_run"] == bench.NOT_A_CASE
    assert {run["steps"] for run in document["cases"].values()} == {25}
    assert document["cases"]["mine"]["steps_of_the_note"] == 50_000
    assert document["cases"]["other"]["spread_early"] is None


def test_merging_keeps_the_other_cases(tmp_path):
    path = tmp_path / "results.json"
    bench.merge(path, "mse-1", {"steps": 50_000})
    bench.merge(path, "mse-1e-4", {"steps": 1000})
    bench.merge(path, "mse-1e-4", {"steps": 2000})
    assert json.loads(path.read_text())["cases"] == {
        "mse-1e-4": {"steps": 2000},
        "mse-1": {"steps": 50_000},
    }


def test_a_shorter_run_does_not_replace_a_longer_one(tmp_path):
    path = tmp_path / "results.json"
    assert bench.merge(path, "mse-1", {"steps": 50_000})
    assert not bench.merge(path, "mse-1", {"steps": 1000})
    assert json.loads(path.read_text())["cases"]["mse-1"]["steps"] == 50_000


def test_errors_on_a_sample_are_those_that_numpy_computes():
    net = StackedMLP(1, inputs=3, hidden=[8], seed=0)
    inputs, targets = singular_batch(5000, epsilon=0.1, seed=1)
    measured = bench.sample_errors(net, (inputs, targets))
    outputs = net.single(0)(inputs)[:, 0].detach().double().numpy()
    targets = targets.double().numpy()
    errors = np.abs(outputs - targets)
    quantiles = np.quantile(2 * np.log10(errors), [0.05, 0.25, 0.5, 0.75, 0.95])
    assert measured["log10_squared_error"] == pytest.approx(quantiles, rel=1e-3)
    assert measured["explained"] == pytest.approx(1 - (errors**2).mean() / targets.var(), rel=1e-3)
    assert measured["mean_absolute_error"] == pytest.approx(errors.mean(), rel=1e-3)
    relative = np.median(errors / (1 + np.abs(targets)))
    assert measured["median_relative_error"] == pytest.approx(relative, rel=1e-3)


def test_a_run_that_diverged_is_stored_without_numbers():
    training = small_training(1)
    with torch.no_grad():
        training.optimizer.net.vector.fill_(torch.nan)
    training.go_on(1)
    stored = bench.results(training)
    assert stored["first_log10_losses"][1] is None
    assert stored["explained"] is None
    assert json.dumps(stored, allow_nan=False)


def test_spreads_are_those_about_a_line_early_and_at_the_end():
    training = small_training(900, "constant-rate-one-batch")
    measured = bench.at_the_edge(training)
    logs, steps = training.losses.double().log10().numpy(), np.arange(300)
    for name, first in {"spread_early": 400, "spread_late": 600}.items():
        window = logs[first : first + 300]
        rest = window - np.polyval(np.polyfit(steps, window, 1), steps)
        assert measured[name] == pytest.approx(rest.std(), rel=0.01)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--only", "no-such-case"], "no-such-case"),
        (["--steps", "0"], "expected 1 to 50,000, got 0"),
        (["--steps", "50001"], "expected 1 to 50,000, got 50001"),
        (["--device", "cuda"], "PyTorch finds no GPU"),
    ],
)
def test_what_cannot_be_run_is_refused_in_words(arguments, words, monkeypatch, capsys):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(SystemExit):
        bench.main(arguments)
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "place", "words"),
    [
        ("--results", "broken.json", "broken.json: expected results of this script"),
        ("--results", "list.json", "list.json: expected results of this script"),
        ("--results", ".", "expected results of this script"),
        ("--results", "broken.json/results.json", "broken.json: cannot be made a folder"),
        ("--checkpoints", "broken.json", "broken.json: cannot be made a folder"),
    ],
)
def test_places_that_cannot_be_written_are_refused_before_any_training(
    option, place, words, tmp_path, monkeypatch, capsys
):
    (tmp_path / "broken.json").write_text('{"cases": ')
    (tmp_path / "list.json").write_text("[1]")
    monkeypatch.setattr(bench, "train", lambda *arguments, **named: pytest.fail("it trained"))
    with pytest.raises(SystemExit):
        bench.main([option, str(tmp_path / place)])
    assert f"argument {option}: " in (said := capsys.readouterr().err)
    assert words in said


# What is stored.


def at_1e_4():
    """The stored runs that differ by nothing but their loss, by its name."""
    runs = full_scale.stored().query("chapter == 4 and epsilon == 1e-4 and step_size == 3e-4")
    return runs[runs["hidden"].map(len) == 2].set_index("loss")


def test_every_loss_has_a_thousand_steps_of_the_notes_batch_size():
    runs = at_1e_4()
    assert set(runs.index) == set(LOSSES)
    assert (runs["steps"] >= 1000).all()
    assert (runs["batch_size"] == 40_000).all()


def test_mse_leaves_the_largest_median_error_and_relative_l1_the_smallest():
    median = at_1e_4()["median"]
    others = median.drop("MSE")
    assert (others < 0).all()
    assert median["MSE"] > others.max() + 1
    assert others.idxmin() == "relative L1"
    assert others["relative L1"] < others.drop("relative L1").min() - 0.1


def test_mse_explains_the_largest_share_of_the_variance():
    assert at_1e_4()["explained"].idxmax() == "MSE"


def test_with_mse_the_median_error_is_above_that_of_a_random_target_for_another():
    _, targets = singular_batch(2, 100_000, epsilon=1e-4, seed=0)
    guesses = (targets[0] - targets[1]).square().log10().median().item()
    assert at_1e_4()["median"]["MSE"] > guesses


def test_with_mse_a_smaller_epsilon_is_harder():
    runs = full_scale.stored().query("chapter == 4 and loss == 'MSE' and step_size == 3e-4")
    runs = runs[runs["hidden"].map(len) == 2].sort_values("epsilon")
    assert runs["epsilon"].tolist() == [1e-4, 1e-3, 1e-2, 0.1, 1.0]
    assert runs["median"].is_monotonic_decreasing
    assert runs["explained"].is_monotonic_increasing


def test_every_stored_run_has_the_settings_of_its_case():
    for name, run in full_scale._document()["cases"].items():
        settings = asdict(bench.CASES[name])
        assert {key: run[key] for key in settings} == settings | {
            "hidden": list(settings["hidden"])
        }


def test_stored_runs_are_read_with_their_types():
    runs = full_scale.stored().set_index("name")
    run = runs.loc["decaying-rate-one-batch"]
    assert (run["chapter"], run["hidden"], run["last_step_size"]) == (3, (100, 100), 3e-3)
    assert np.isnan(runs.loc["mse-1", "last_step_size"])
    assert runs["torch"].str.startswith("2.").all()


@pytest.mark.parametrize(
    "name", ["relative-l1-1e-4", "four-layers-1e-3", "decaying-rate-one-batch"]
)
def test_a_stored_run_begins_as_it_does_today(name):
    stored = full_scale._document()["cases"][name]
    if stored["device"] != "cpu":
        pytest.skip("it was not made on a CPU, whose random numbers these are")
    training = bench.Training(bench.CASES[name], "cpu")
    training.go_on(bench.FIRST)
    expected = training.losses.log10().tolist()
    assert stored["first_log10_losses"] == pytest.approx(expected, abs=0.02)


def test_the_stored_file_is_small_and_complete():
    text = (ROOT / "adl" / "full_scale.json").read_text("utf8")
    assert len(text) < 60_000
    document = json.loads(text)
    absent = [name for name in bench.CASES if name not in document["cases"]]
    assert document["not_run"] == absent + bench.NOT_A_CASE


@pytest.mark.parametrize(
    ("runs", "absent", "words"),
    [
        ([(50_000, "cuda")] * 2, [], "All 2 runs were made in full."),
        (
            [(1000, "cpu")] * 3,
            [],
            "All 3 runs were cut short: 1,000 of the note's 50,000 steps, on a CPU.",
        ),
        (
            [(50_000, "cuda"), (2000, "cpu")],
            ["a"],
            "1 of 2 runs was cut short: 2,000 of the note's 50,000 steps, on a CPU. "
            "Not run at this size: a.",
        ),
        (
            [(1000, "cpu"), (1000, "cpu"), (2000, "cuda")],
            ["a", "b", "c"],
            "All 3 runs were cut short: 2 after 1,000 and 1 after 2,000 of the note's 50,000 "
            "steps, on a CPU and on a GPU. Not run at this size: a, b and c.",
        ),
    ],
)
def test_what_was_not_run_is_said_in_words(runs, absent, words, monkeypatch):
    one = full_scale._document()["cases"]["mse-1e-4"]
    cases = {
        str(k): one | {"steps": steps, "device": device} for k, (steps, device) in enumerate(runs)
    }
    monkeypatch.setattr(full_scale, "_document", lambda: {"cases": cases, "not_run": absent})
    assert full_scale.not_run() == words
