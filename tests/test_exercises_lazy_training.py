"""Chapter 5's exercises: each mistake as a student would write it, and the message it gets."""

import math

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn
from torch.func import functional_call, jacrev, vmap

from adl import curvature, exercises, lazy, models, training
from adl.exercises import _answer
from adl.scaled_1d import gap, landscape

SEEDS = range(2)


def say(exercise, answer, seed=0):
    result = exercises.check(exercise, answer, seed=seed)
    assert result.state != "not attempted"
    return "correct" if result.correct else result.message


def always(words, exercise, answer):
    said = [say(exercise, answer, seed) for seed in SEEDS]
    assert [words in message for message in said] == [True] * len(said), said
    return True


def edited(source, name, changes):
    """What a source defines after some of its lines are written otherwise."""
    for old, new in changes:
        assert source.count(old) == 1, old
        source = source.replace(old, new)
    names = {"np": np, "torch": torch, "nn": nn, "math": math}
    exec(source, names)
    return names[name]


# --- 5.1: the training loop -----------------------------------------------------------------------

TRAIN = """
def train(net, dataset, N_steps=1, batch_size=30, lr=0.01, save_weights_every=100):
    optimizer = torch.optim.SGD(net.parameters(), lr=lr)
    criterion = nn.MSELoss()
    losses = []
    for step in range(N_steps):
        if save_weights_every > 0 and step % save_weights_every == 0:
            net.save_weights()
        inputs, labels = dataset.next_batch(batch_size)
        optimizer.zero_grad()
        outputs = net(inputs)
        loss = criterion(labels, outputs)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses
"""
OPTIMIZER = "torch.optim.SGD(net.parameters(), lr=lr)"
CONDITION = "save_weights_every > 0 and step % save_weights_every == 0"
SAVE = f"        if {CONDITION}:\n            net.save_weights()\n"
BATCH = "        inputs, labels = dataset.next_batch(batch_size)\n"
ZERO = "        optimizer.zero_grad()\n"
LOSS = "loss = criterion(labels, outputs)"
BACKWARD = "        loss.backward()\n"
STEP = "        optimizer.step()\n"
APPEND = "losses.append(loss.item())"
RETURN = "    return losses"
BY_HAND = """        with torch.no_grad():
            for parameter in net.parameters():
                parameter -= lr * parameter.grad
"""
BY_GRAD = """        gradients = torch.autograd.grad(loss, list(net.parameters()))
        with torch.no_grad():
            for parameter, gradient in zip(net.parameters(), gradients):
                parameter.add_(gradient, alpha=-lr)
"""


def train(*changes):
    return edited(TRAIN, "train", changes)


@pytest.mark.parametrize(
    "changes",
    [
        [],
        [(APPEND, "losses.append(loss.detach().numpy())")],
        [(APPEND, "losses.append(loss.detach())")],
        [(APPEND, "losses += [float(loss)]")],
        [(RETURN, "    return torch.tensor(losses)")],
        [(RETURN, "    return np.array(losses)")],
        [(RETURN, "    return tuple(losses)")],
        [("    losses = []\n", ""), (APPEND, "yield loss.item()"), (RETURN, "")],
        [(LOSS, "loss = ((outputs - labels) ** 2).mean()")],
        [(LOSS, "loss = nn.functional.mse_loss(outputs.squeeze(), labels.squeeze())")],
        [(LOSS, "loss = criterion(outputs, labels)")],
        [(ZERO, "        net.zero_grad()\n")],
        [(ZERO, ""), (STEP, STEP + ZERO)],
        [(ZERO, "        optimizer.zero_grad(set_to_none=False)\n")],
        [(STEP, BY_HAND)],
        [(BACKWARD, ""), (STEP, BY_GRAD)],
        [(SAVE, ""), (BACKWARD, BACKWARD + SAVE)],
        [(SAVE, ""), (BATCH, BATCH + SAVE)],
        [
            (
                CONDITION,
                "step in range(0, N_steps, save_weights_every) if save_weights_every>0 else 0",
            )
        ],
        [(CONDITION, "save_weights_every >= 1 and not step % save_weights_every")],
    ],
)
def test_right_loops_pass_in_every_style(changes):
    assert always("correct", "5.1", train(*changes))


def test_an_optimiser_for_each_step_passes_with_a_remark():
    answer = train((ZERO, f"        optimizer = {OPTIMIZER}\n{ZERO}"))
    result = exercises.check("5.1", answer, seed=0)
    assert result.correct
    assert "your loop makes a new optimiser in each step" in result.message


def test_one_optimiser_passes_without_a_remark():
    assert "One remark" not in exercises.check("5.1", train(), seed=0).message


def test_a_loop_that_is_still_empty_is_not_attempted():
    body = TRAIN[TRAIN.index(SAVE) : TRAIN.index(RETURN)]
    for instead in ("        ...\n", "        pass\n"):
        assert exercises.check("5.1", train((body, instead))).state == "not attempted"


BROADCAST = "They are spread out to n × n differences"
FIRST = "`step()` comes before `backward()`"
LEARNT = "The network learns what it should, the list of losses is not right: "


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ([(ZERO, "")], "The gradients are never emptied: `backward()` adds to what is there"),
        ([(ZERO, ""), ("    losses = []\n", "    losses = []\n" + ZERO[4:])], "never emptied"),
        ([(ZERO, ""), (BACKWARD, BACKWARD + ZERO)], "emptied between `backward()` and `step()`"),
        ([(BACKWARD, STEP + BACKWARD), (BACKWARD + STEP, BACKWARD)], FIRST),
        (
            [(BACKWARD + STEP, STEP + BACKWARD), (ZERO, "")],
            FIRST,
        ),
        (
            [
                (BACKWARD + STEP, STEP + ZERO + BACKWARD),
                (ZERO + "        outputs", "        outputs"),
            ],
            FIRST,
        ),
        ([(BACKWARD + STEP, BACKWARD), (BATCH, STEP + BATCH)], FIRST),
        ([("SGD(net.parameters()", "SGD([torch.zeros(1)]")], "other parameters than those of"),
        ([("lr=lr)", "lr=0.0)")], "The weights never change, though the optimiser steps"),
        (
            [("outputs = net(inputs)", "outputs = net.lout.bias * inputs")],
            "network is never called",
        ),
        ([("outputs = net(inputs)", "outputs = nn.Linear(1, 1)(inputs)")], "never called, the one"),
        ([(BATCH, "        inputs, labels = torch.ones(2, 2, 1)\n")], "that your function gets is"),
        ([("nn.MSELoss", "nn.CrossEntropyLoss")], "The gradient is 0 everywhere"),
        ([(STEP, BY_HAND.replace("lr * ", ""))], "The step is the gradient itself"),
        ([(LOSS, f"{LOSS}\n        optimizer.backward()")], "`backward()` belongs to the loss"),
        ([(LOSS, f"{LOSS}\n        step()")], "'int' object is not callable"),
        ([("dataset.next_batch(batch_size)", "dataset[step]")], "gives one batch at a time"),
        (
            [
                (BATCH + ZERO, ""),
                (f"        outputs = net(inputs)\n        {LOSS}\n", ""),
                (BACKWARD + STEP, ""),
                (APPEND, "..."),
            ],
            "Neither the data nor the network is used.",
        ),
        (
            [(BACKWARD, BACKWARD + "        nn.utils.clip_grad_norm_(net.parameters(), 0.1)\n")],
            "times as long as it should be",
        ),
        (
            [(BACKWARD, BACKWARD + "        nn.utils.clip_grad_value_(net.parameters(), 0.05)\n")],
            "other weights than after plain gradient descent",
        ),
        (
            [(STEP, STEP + "        optimizer.param_groups[0]['lr'] *= 0.9\n")],
            "steps with lr=",
        ),
        (
            [(STEP, BY_HAND.replace("-= lr", "-= lr / (1 + step)"))],
            "other weights than after plain",
        ),
        ([(BACKWARD, "")], "No gradient is ever computed"),
        ([(BACKWARD, "        loss.backward\n")], "`loss.backward()` is missing, or its brackets"),
        ([(STEP, "")], "`optimizer.step()` is missing, or its brackets"),
        ([(STEP, "        optimizer.step\n")], "`optimizer.step()` is missing, or its brackets"),
        ([(STEP, STEP + STEP)], "updates in"),
        ([(OPTIMIZER, "torch.optim.Adam(net.parameters(), lr=lr)")], "Your optimiser is Adam."),
        ([(OPTIMIZER, "torch.optim.RMSprop(net.parameters(), lr=lr)")], "optimiser is RMSprop."),
        ([(OPTIMIZER, "torch.optim.SGD(net.parameters(), lr=lr, momentum=0.9)")], "momentum=0.9"),
        ([(OPTIMIZER, "torch.optim.SGD(net.parameters(), lr, weight_decay=0.1)")], "weight_decay"),
        ([(OPTIMIZER, "torch.optim.SGD(net.parameters(), lr=lr, maximize=True)")], "maximize=True"),
        (
            [(OPTIMIZER, "torch.optim.SGD(net.parameters(), lr=0.01)")],
            "steps with lr=0.01, and was",
        ),
        ([(OPTIMIZER, "torch.optim.SGD(net.parameters())")], "hand on `lr`"),
        (
            [(OPTIMIZER, "torch.optim.SGD(net.lout.parameters(), lr)")],
            "some of the parameters only",
        ),
        ([(OPTIMIZER, "torch.optim.SGD(net.parameters, lr)")], "missing: `net.parameters()`"),
        ([("nn.MSELoss()", "nn.MSELoss(reduction='sum')")], "The squares are added up"),
        ([(LOSS, "loss = (outputs - labels).square().sum()")], "The squares are added up"),
        ([("nn.MSELoss()", "nn.L1Loss()")], "The loss is the mean absolute error"),
        ([("nn.MSELoss()", "nn.HuberLoss()")], "The loss is Huber's"),
        ([("nn.MSELoss()", "nn.SmoothL1Loss()")], "The loss is Huber's"),
        ([("nn.MSELoss()", "nn.MSELoss")], "`nn.MSELoss` is a class"),
        ([(LOSS, "loss = criterion(outputs, labels) / 2")], "The loss is half the mean square"),
        ([(LOSS, "loss = criterion(outputs, labels) ** 0.5")], "The root of the mean square"),
        ([(LOSS, "loss = (outputs - labels).mean() ** 2")], "averaged before it is squared"),
        ([(LOSS, "loss = (outputs - labels).mean()")], "The differences are not squared"),
        ([(LOSS, "loss = -criterion(outputs, labels)")], "The steps go uphill"),
        (
            [(LOSS, "loss = criterion(outputs, labels) / N_steps")],
            "times as long as it should be: is the loss",
        ),
        ([(LOSS, "loss = 3 * criterion(outputs, labels)")], "is 3 times as long as it should be"),
        ([(LOSS, "loss = criterion(outputs.squeeze(), labels)")], BROADCAST),
        ([(LOSS, "loss = criterion(outputs, labels.squeeze())")], BROADCAST),
        ([(LOSS, "loss = (outputs - labels.flatten()).square().mean()")], BROADCAST),
        ([(LOSS, "loss = (outputs - labels.T).square().sum()")], f"{BROADCAST}, each"),
        ([(BATCH, ""), ("    losses = []\n", "    losses = []\n" + BATCH[4:])], "called once for"),
        ([(RETURN, "        return losses")], "by a `return` indented too far"),
        (
            [("next_batch(batch_size)", "next_batch()")],
            "A batch has a size: `dataset.next_batch(ba",
        ),
        ([("next_batch(batch_size)", "next_batch(30)")], "is called with 30 where batch_size is"),
        ([("dataset.next_batch(batch_size)", "dataset.inputs, dataset.labels")], "is never called"),
        (
            [
                (
                    BATCH,
                    "        inputs = dataset.next_batch(batch_size)[0]\n"
                    "        labels = dataset.next_batch(batch_size)[1]\n",
                )
            ],
            "`next_batch` is called twice in each step, so that the labels belong to other inputs",
        ),
        (
            [("inputs, labels = dataset", "inputs = labels = dataset")],
            "`next_batch` returns two thi",
        ),
        ([("range(N_steps)", "range(1, N_steps)")], "times for N_steps="),
        ([("range(N_steps)", "range(N_steps + 1)")], "times for N_steps="),
        ([("range(N_steps)", "range(100)")], "`next_batch` is called 100 times for N_steps="),
        (
            [("range(N_steps)", "range(N_steps * -(-dataset.n // batch_size))")],
            "are epochs counted? A step is one batch and one update.",
        ),
        ([("outputs = net(inputs)", "outputs = inputs * 2")], "does not require grad"),
        (
            [
                (
                    "        outputs = net(inputs)",
                    "        with torch.no_grad():\n            outputs = net(inputs)",
                )
            ],
            "The loss has lost its way back to the weights",
        ),
        (
            [(LOSS, "loss = criterion(outputs.detach(), labels)")],
            "lost its way back to the weights",
        ),
        ([(LOSS, "loss = criterion(output, labels)")], "NameError"),
        ([(ZERO + "        outputs = net(inputs)\n", ZERO)], "It is used before it is made"),
        ([(STEP, f"        if step < N_steps - 1:\n    {STEP}")], "updates: each step ends with"),
        (
            [
                (
                    OPTIMIZER,
                    f"{OPTIMIZER}\n    inputs, labels = dataset.next_batch(batch_size)\n"
                    "    loss = (net(inputs) - labels).square().mean()",
                ),
                (BATCH + ZERO, BATCH),
                (f"        outputs = net(inputs)\n        {LOSS}\n", ""),
            ],
            "computed once and used in several steps",
        ),
    ],
)
def test_wrong_trainings_are_named(changes, words):
    assert always(words, "5.1", train(*changes))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ([(APPEND, "losses.append(loss)")], "still carry their graphs"),
        ([(APPEND, "losses.append(criterion(net(inputs), labels).item())")], "after the update"),
        ([(APPEND, "losses.append(dataset.risk(net).item())")], "it has the loss of all points"),
        (
            [(APPEND, "pass"), (BACKWARD, "        losses.append(dataset.risk(net))\n" + BACKWARD)],
            "it has the loss of all points",
        ),
        ([(APPEND, "losses.append(loss.item() * batch_size)")], "added up over the batch"),
        ([(APPEND, "losses.append(loss.item() ** 0.5)")], "these are the roots of the losses"),
        ([(APPEND, "losses.append(loss.item() + sum(losses[-1:]))")], "sum of all losses so far"),
        (
            [(RETURN, "    return np.cumsum(losses) / np.arange(1, N_steps + 1)")],
            "each number is the mean of all losses so far",
        ),
        ([(RETURN, "    return losses[::-1]")], "it is in reverse order"),
        ([(APPEND, "losses.append(loss.item)")], "are the brackets of `item()` missing?"),
        ([(APPEND, f"losses = {APPEND}")], "`append` changes the list and returns nothing"),
        ([(APPEND, "losses = [loss.item()]")], "Is the list made anew in each step?"),
        ([(APPEND, "pass")], f"{LEARNT}it is empty."),
        ([(APPEND, "losses = []")], f"{LEARNT}it is empty."),
        ([(RETURN, "    return losses + [0.0]")], "it has one too many, the last"),
        ([(RETURN, "    return [0.0] + losses")], "it has one too many, the first"),
        ([(RETURN, "    return losses[1:]")], "one too few: the first is missing"),
        ([(RETURN, "    return losses[:-1]")], "one too few: the last is missing"),
        ([(RETURN, "    return losses[:4]")], "it has 4 numbers after"),
        ([(APPEND, "losses += [loss.item(), loss.item()]")], "each loss is in it twice"),
        ([(APPEND, "losses.append(round(loss.item(), 2))")], "its numbers are rounded"),
        ([(APPEND, f"if {CONDITION}: {APPEND}")], "only when weights are saved"),
        ([(APPEND, "losses.append(loss.item() + 1)")], f"{LEARNT}for step 0 it has"),
        ([(APPEND, "losses.append((step, loss.item()))")], "holds a tuple for each step"),
        ([(APPEND, "losses.append(f'{loss:.3f}')")], "Your list holds text"),
        ([(APPEND, "losses.append(None)")], "Your list holds a NoneType"),
        ([(APPEND, "losses.append((outputs - labels).detach() ** 2)")], "one number for each step"),
        ([(RETURN, "")], "Your function returns nothing. Is a `return` missing?"),
        ([(RETURN, "    print(losses)")], "prints its result but returns nothing"),
        ([(RETURN, "    return losses[-1]")], "a single number; asked for is a list with the loss"),
        ([(RETURN, "    return loss.detach()")], "returns a single number"),
        ([(RETURN, "    return losses, net.weight_history")], "return the list of losses only"),
        ([(RETURN, "    return net")], "Your function returns the network; asked"),
        ([(RETURN, "    return {'losses': losses}")], "Your function returns a dict"),
        ([(RETURN, "    return object()")], "Your function returns an object"),
        ([(RETURN, "    return [float('nan')] * N_steps")], "for step 0 it has nan"),
    ],
)
def test_wrong_lists_of_losses_are_named(changes, words):
    assert always(words, "5.1", train(*changes))


AFTERWARDS = [(SAVE, ""), (STEP, STEP + SAVE)]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (AFTERWARDS, "the first weights saved have seen an update already"),
        ([(SAVE, "")], "no weights are ever saved; with save_weights_every="),
        (
            [("net.save_weights()", "net.save_weights")],
            "`net.save_weights()` missing, or its brack",
        ),
        ([(CONDITION, "True")], "weights are saved in each step; with save_weights_every="),
        ([(CONDITION, "step == 0")], "weights are saved at the start only"),
        ([(SAVE, ""), (RETURN, "    net.save_weights()\n" + RETURN)], "only when all is over"),
        ([(RETURN, "    net.save_weights()\n" + RETURN)], "saved once more at the end"),
        ([(SAVE, SAVE + SAVE)], "weights are saved twice each time"),
        ([(SAVE, SAVE.replace("step %", "(step + 1) %"))], "Are the steps counted from 1 on?"),
        (
            [(SAVE, ""), (STEP, STEP + SAVE.replace("step %", "(step + 1) %"))],
            "those of the start are not saved: the first saved have seen",
        ),
        ([(CONDITION, f"step and {CONDITION}")], "those of the start are not saved"),
        (
            [(CONDITION, "save_weights_every > 0 and step % save_weights_every == 1")],
            "the first weights saved have seen an update already",
        ),
        (
            [(CONDITION, "save_weights_every > 0 and step % save_weights_every == 2")],
            "weights are saved after 2",
        ),
        (
            [(CONDITION, "step % save_weights_every == 0")],
            "Ask first whether save_weights_every is",
        ),
        (
            [(CONDITION, "step % save_weights_every == 0 and save_weights_every > 0")],
            "looks at its",
        ),
        ([(CONDITION, "step % save_weights_every == 0")], "with save_weights_every=0"),
        (
            [(CONDITION, "save_weights_every and step % save_weights_every == 0")],
            "mean never. `i % ",
        ),
        (
            [(CONDITION, "step % max(save_weights_every, 1) == 0")],
            "with save_weights_every=0: 0 and",
        ),
        (
            [("net.save_weights()", "net.weight_history.append(net.lout.weight.detach().numpy())")],
            "is not a copy: it shares its memory with the network",
        ),
        (
            [("net.save_weights()", "net.weight_history.append(net.lout.weight)")],
            "is not a copy: it shares its memory with the network",
        ),
        (
            [("net.save_weights()", "net.weight_history.append(net.lout.weight.detach().clone())")],
            "Leave that to `net.save_weights()`",
        ),
        (
            [(RETURN, "    net.weight_history = []\n" + RETURN)],
            "your loop empties `weight_history`",
        ),
        (
            [
                (
                    STEP,
                    STEP + "        if save_weights_every <= 0:\n            losses.append(0.0)\n",
                )
            ],
            "saving should change nothing else",
        ),
    ],
)
def test_weights_saved_at_the_wrong_moments_are_named(changes, words):
    assert always(words, "5.1", train(*changes))


def test_an_endless_training_is_ended(monkeypatch):
    exercises.check("5.1", train())
    monkeypatch.setattr(_answer, "_SECONDS", 0.2)
    answer = train(("for step in range(N_steps)", "step = 0\n    while True"))
    assert "had not come back" in say("5.1", answer)


# --- 5.2: a linear model with sinusoidal features -------------------------------------------------

LINSIN = """
class LinSin(nn.Module):
    def __init__(self, feature_dim):
        super().__init__()
        self.feature_dim = feature_dim
        self.lout = nn.Linear(feature_dim, 1)

    def phi(self, x):
        k = torch.arange(1, self.feature_dim // 2 + 1)
        angles = 2 * math.pi * x * k
        return torch.cat([angles.cos(), angles.sin()], dim=1)

    def forward(self, x):
        return self.lout(self.phi(x))
"""
KS = "torch.arange(1, self.feature_dim // 2 + 1)"
ANGLES = "2 * math.pi * x * k"
JOINED = "torch.cat([angles.cos(), angles.sin()], dim=1)"
OUTPUT = "self.lout(self.phi(x))"


def linsin(*changes):
    return edited(LINSIN, "LinSin", changes)


ONE_BY_ONE = """torch.cat(
            [w(2 * math.pi * i * x) for i in range(1, self.feature_dim // 2 + 1)
             for w in (torch.cos, torch.sin)], dim=1)"""


@pytest.mark.parametrize(
    "changes",
    [
        [],
        [(JOINED, "torch.cat([angles.sin(), angles.cos()], dim=1)")],
        [(JOINED, "torch.stack([angles.cos(), angles.sin()], dim=2).flatten(1)")],
        [(JOINED, "torch.concatenate([torch.cos(angles), torch.sin(angles)], axis=-1)")],
        [(JOINED, ONE_BY_ONE)],
        [(ANGLES, "torch.outer(x.flatten(), 2 * np.pi * k)")],
        [(ANGLES, "k * 2 * torch.pi * x")],
        [(ANGLES, "2 * 3.14159265 * x @ k[None].float()")],
        [(KS, "torch.linspace(1, self.feature_dim / 2, self.feature_dim // 2)")],
        [(KS, "1 + torch.arange(int(self.feature_dim / 2))")],
        [(JOINED, "torch.cat([(angles + math.pi / 2).sin(), angles.sin()], dim=1)")],
        [(OUTPUT, "self.phi(x) @ self.lout.weight.T + self.lout.bias")],
        [
            ("LinSin", "LinSin_"),
            ("        super().__init__()\n", "        super().__init__()\n"),
            ("\nclass", "\nLinSin = lambda d: LinSin_(d)\nclass"),
        ],
    ],
)
def test_right_models_pass_in_every_style(changes):
    assert always("correct", "5.2", linsin(*changes))


@pytest.mark.parametrize(
    "changes",
    [
        [(JOINED, "..."), (OUTPUT, "...")],
        [(JOINED, "..."), (KS, "..."), (ANGLES, "...")],
    ],
)
def test_a_model_without_features_is_not_attempted(changes):
    assert exercises.check("5.2", linsin(*changes)).state == "not attempted"


FROM_ZERO = "k begins at 0 (as in `torch.arange(n)`), and it should at 1."


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ([(KS, "torch.arange(self.feature_dim // 2)")], FROM_ZERO),
        ([(KS, "torch.arange(int(self.feature_dim / 2))")], "the highest frequency is missing"),
        ([(KS, "torch.arange(self.feature_dim // 2)"), ("2 * math.pi", "math.pi")], FROM_ZERO),
        ([("2 * math.pi", "math.pi")], "The factor 2 is missing"),
        ([("2 * math.pi * x", "x")], "2π is missing"),
        ([("2 * math.pi", "2")], "π is missing: the features are the cosine and sine of 2kx."),
        ([("2 * math.pi", "4 * math.pi")], "Each angle is doubled"),
        ([("2 * math.pi", "0.2 * math.pi")], "2π is asked for, and it is 0.2π"),
        ([("2 * math.pi", "360")], "The angles are in degrees"),
        ([("2 * math.pi", "6.28")], "Your π is too short"),
        ([("2 * math.pi", "2 * 3.14")], "Your π is too short"),
        ([(KS, "torch.arange(1, self.feature_dim // 2)")], "One k is missing: `arange`"),
        ([(KS, "torch.arange(0, self.feature_dim // 2 + 1)")], "There is one k too many"),
        ([(KS, "torch.arange(1, self.feature_dim + 1)")], "k runs up to feature_dim."),
        ([(KS, "torch.arange(1, self.feature_dim, 2)")], "k counts in twos"),
        ([(KS, "torch.arange(2, self.feature_dim + 1, 2)")], "Each angle is doubled"),
        ([(KS, "torch.arange(2, self.feature_dim // 2 + 2)")], "k begins at 2"),
        ([(KS, "torch.ones(self.feature_dim // 2)")], "k is missing: all pairs have the same"),
        ([(KS, "2 ** torch.arange(self.feature_dim // 2)")], "It has powers of 2 in place"),
        ([("x * k", "x / k")], "It divides by k, and should multiply"),
        ([("x * k", "x * k**2")], "It has k² in place of k"),
        (
            [(KS, "torch.arange(1, self.feature_dim + 1)"), (JOINED, "angles.cos()")],
            "All columns are",
        ),
        ([(KS, "torch.arange(1, self.feature_dim + 1)"), (JOINED, "angles.sin()")], "are sines"),
        (
            [
                (JOINED, "torch.cat([angles[:, ::2].cos(), angles[:, 1::2].sin()], dim=1)"),
                (KS, "torch.arange(1, self.feature_dim + 1)"),
            ],
            "k grows with each column. A cosine and a sine have the same k.",
        ),
        (
            [
                (
                    JOINED,
                    "torch.cat([w(2 * math.pi * x) ** i for i in k"
                    " for w in (torch.cos, torch.sin)], 1)",
                )
            ],
            "It has the powers of one cosine and one sine",
        ),
        ([("x * k", "x * k / len(k)")], "Each angle is divided by the number of frequencies"),
        ([("angles.sin()", "angles.cos()")], "All columns are cosines: each k has a sine, too."),
        ([("angles.cos()", "angles.sin()")], "All columns are sines: each k has a cosine, too."),
        ([(JOINED, "angles.cos()")], "Only the cosines are there"),
        ([(JOINED, "angles.sin()")], "Only the sines are there"),
        ([(JOINED, "angles.cos() + angles.sin()")], "Cosine and sine are added"),
        ([(JOINED, "angles.cos() - angles.sin()")], "Half is missing"),
        ([(KS, "self.feature_dim // 2")], "There is one k only"),
        ([(KS, "torch.tensor([self.feature_dim // 2] * (self.feature_dim // 2))")], "All pairs"),
        ([("2 * math.pi", "2 * 3.1415")], "Your π is too short"),
        ([(ANGLES, "44 / 7 * x * k")], "Your π is too short"),
        (
            [(JOINED, f"torch.cat([torch.ones_like(x), {JOINED}], 1)")],
            "a column of ones is the bias",
        ),
        ([(JOINED, f"{JOINED}.T.reshape(len(x), -1)")], "`reshape` does not turn a table round"),
        ([("math.pi * x", "math.pi * x.detach()")], "NumPy, `math`, `detach()` and"),
        ([("(feature_dim, 1)", "(feature_dim, 1, bias=False)")], "`lout` has lost its bias"),
        ([("dim=1", "dim=0")], "put below each other: `torch.cat(..., dim=1)`"),
        ([(", dim=1", "")], "put below each other: `torch.cat(..., dim=1)`"),
        (
            [
                (
                    "torch.cat([angles.cos(), angles.sin()], dim=1)",
                    "torch.stack([angles.cos(), angles.sin()], dim=1)",
                )
            ],
            "Sines and cosines are stacked",
        ),
        ([(", dim=1)", ", dim=1).T")], "It is transposed"),
        ([(JOINED, "torch.cat([angles.cos(), -angles.sin()], dim=1)")], "have the wrong sign"),
        ([(", dim=1)", ", dim=1) / 2")], "The features are 0.5 times as large"),
        ([(JOINED, JOINED + " + 3")], "0 are in your table"),
        ([(JOINED, "None")], "Your function returns nothing."),
        ([("        return torch.cat", "        torch.cat")], "Your function returns nothing."),
        ([(JOINED, "[angles.cos(), angles.sin()]")], "`phi` returns a list; asked for is a tensor"),
        ([(JOINED, JOINED + ".numpy()")], "`phi` returns a NumPy array. With NumPy the numbers"),
        (
            [(JOINED, "np.concatenate([np.cos(angles), np.sin(angles)], 1)")],
            "With NumPy the numbers",
        ),
        ([(JOINED, "torch.cat([np.cos(angles), np.sin(angles)], 1)")], "With NumPy the numbers"),
        (
            [(JOINED, "torch.cat([angles.cos(), angles.sin()], 1).detach()")],
            "no gradient with resp",
        ),
        (
            [(JOINED, "torch.cat([math.cos(angles), math.sin(angles)], 1)")],
            "single numbers: `torch.cos`",
        ),
        ([(KS, "torch.tensor(np.arange(1, self.feature_dim // 2 + 1) * 1.0)")], "is float64 and"),
        (
            [(KS, "torch.arange(1, self.feature_dim // 2 + 1).double()")],
            "`phi` returns torch.float64",
        ),
        ([(KS, "range(1, self.feature_dim // 2 + 1)")], "`torch.arange(...)` can."),
        ([(KS, "list(range(1, self.feature_dim // 2 + 1))")], "`torch.arange(...)` can."),
        (
            [(KS, "torch.tensor([i for i in range(1, self.feature_dim / 2 + 1)])")],
            "`//` makes a who",
        ),
        ([("x * k", "x.flatten() * k")], "x has the shape (n, 1), and `torch.arange(...)` is one"),
        ([("x * k", "x.squeeze()[:, None] * k")], "with a single example, none is left"),
        ([("def phi(self, x)", "def phi(x)")], "is `self` missing after `def`?"),
        ([("self.phi(x)", "phi(x)")], "It belongs to the model: `self.` in front."),
        ([("LinSin(nn.Module)", "LinSin")], "which is no torch module"),
        ([("        super().__init__()\n", "")], "`super().__init__()` comes first"),
        ([("def phi", "def features"), ("self.phi", "self.features")], "has no method `phi`"),
        ([("self.lout = ", "self.out = ")], "Your model has no layer `lout`"),
        (
            [("nn.Linear(feature_dim, 1)", "nn.Linear(1, feature_dim)")],
            "`lout` takes 1 numbers and",
        ),
        ([(OUTPUT, "...")], "`phi` is right. `forward` still returns `...`."),
        ([(OUTPUT, "None")], "`forward` returns nothing"),
        ([(OUTPUT, "self.phi(x)")], "The features are not weighted: `lout` makes one output"),
        ([(OUTPUT, "self.phi(x).sum(1)")], "The features are not weighted"),
        ([(OUTPUT, "self.phi(x).sum(1, keepdim=True)")], "`forward` adds up the features"),
        ([(OUTPUT, "self.lout(x)")], "Is it applied to x itself? The features come first"),
        (
            [(OUTPUT, "self.phi(self.lout(x))")],
            "Is it applied to x itself? The features come first",
        ),
        ([(OUTPUT, OUTPUT + ".squeeze()")], "spread out to n × n differences: leave the last axis"),
        ([(OUTPUT, OUTPUT + ".relu()")], "`forward` ends with `relu`"),
        ([(OUTPUT, f"torch.tanh({OUTPUT})")], "`forward` ends with `tanh`"),
        (
            [(OUTPUT, "self.lout(torch.relu(self.phi(x)))")],
            "an activation between `phi` and `lout`",
        ),
        ([(OUTPUT, "self.phi(x) @ self.lout.weight.T")], "`forward` leaves out the bias"),
        ([(OUTPUT, "nn.Linear(self.feature_dim, 1)(self.phi(x))")], "other numbers each time"),
        ([(OUTPUT, "2 * " + OUTPUT)], "something else than `lout` makes of these features"),
        ([(OUTPUT, OUTPUT + ".detach()")], "has the right values, and no gradient"),
        ([(OUTPUT, OUTPUT + ".tolist()")], "`forward` returns a list"),
        ([(ANGLES, "1 / (0 * x * k)")], "`phi` returns nan or inf"),
        ([(ANGLES, f"{ANGLES} if len(x) > 1 else x * k")], "and wrong for one of shape (1, 1)."),
        ([(JOINED, JOINED + "[:, 1:]")], "7) for "),
        (
            [(OUTPUT, f"torch.cat([{OUTPUT}, x], dim=1)")],
            "makes one output of the features of each",
        ),
    ],
)
def test_wrong_models_are_named(changes, words):
    assert always(words, "5.2", linsin(*changes))


def test_a_model_in_place_of_its_class_is_named():
    assert always("Hand in the class `LinSin` itself", "5.2", linsin()(8))


# --- 5.3: how far weights have moved --------------------------------------------------------------


def lengths(table):
    return np.linalg.norm(table, axis=1)


def moved(h):
    h = np.array(h)
    return lengths(h - h[0]) / np.linalg.norm(h[0])


def in_a_loop(history):
    start = history[0]
    return [np.linalg.norm(w - start) / np.linalg.norm(start) for w in history]


@pytest.mark.parametrize(
    "answer",
    [
        moved,
        in_a_loop,
        lambda h: lengths(h - h[0]) / np.linalg.norm(h[0]),
        lambda h: np.sqrt(((np.array(h) - h[0]) ** 2).sum(axis=1) / (h[0] ** 2).sum()),
        lambda h: lengths((np.array(h) - h[0]) / np.linalg.norm(h[0])),
        lambda h: torch.tensor(np.array(h) - h[0]).norm(dim=1) / float(np.linalg.norm(h[0])),
        lambda h: [math.dist(w, h[0]) / math.hypot(*h[0]) for w in h],
        lambda h: moved(h).astype(np.float32)[:, None],
        lambda h: pd.Series(moved(h)),
    ],
)
def test_right_movements_pass_in_every_style(answer):
    assert always("correct", "5.3", answer)


def test_a_stub_of_the_movement_is_not_attempted():
    assert exercises.check("5.3", lambda history: ...).state == "not attempted"


def overwritten(history):
    history = np.array(history)
    history -= history[0]
    return lengths(history) / np.linalg.norm(history[0])


def consuming(history):
    result = moved(history)
    for row in history:
        row -= 1
    return result


def fresh(h):
    """The history as a table, its changes, and the length of its start."""
    h = np.array(h)
    return h, np.diff(h, axis=0), np.linalg.norm(h[0])


TO_THE_NEXT = "That is the movement from each step to the next."
ADDED_UP = "The way is added up, step by step"


def from_changes(formula):
    return lambda history: formula(*fresh(history))


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (from_changes(lambda h, d, n: lengths(d) / n), TO_THE_NEXT),
        (from_changes(lambda h, d, n: lengths(d) / lengths(h[1:])), TO_THE_NEXT),
        (from_changes(lambda h, d, n: lengths(d) / lengths(h[:-1])), TO_THE_NEXT),
        (from_changes(lambda h, d, n: np.append(0, lengths(d) / n)), TO_THE_NEXT),
        (from_changes(lambda h, d, n: lengths(d)), TO_THE_NEXT),
        (from_changes(lambda h, d, n: np.append(0, lengths(d)).cumsum() / n), ADDED_UP),
        (from_changes(lambda h, d, n: lengths(d).cumsum() / n), ADDED_UP),
        (lambda h: moved(h).cumsum(), "The distances are added up over time."),
        (lambda h: lengths(np.array(h) - h[0]), "The division is missing"),
        (lambda h: lengths(np.array(h) - h[0]) / lengths(h), "weights as they are then"),
        (lambda h: lengths(np.array(h) - h[0]) / lengths(h)[-1], "by the norm of the last row"),
        (lambda h: moved(h) ** 2, "The squares are missing their root"),
        (lambda h: ((h - h[0]) ** 2).sum(1) / (h[0] ** 2).sum(), "missing their root"),
        (lambda h: lengths(h - h[0]) / (h[0] ** 2).sum(), "divided by the square of the norm"),
        (lambda h: ((h - h[0]) ** 2).sum(1) / np.linalg.norm(h[0]), "square of the distance is"),
        (lambda h: ((h - h[0]) ** 2).sum(1), "squared, and not divided"),
        (lambda h: lengths(h - h[-1]) / np.linalg.norm(h[-1]), "measured from the last row"),
        (lambda h: lengths(h - h[-1]) / np.linalg.norm(h[0]), "measured from the last row"),
        (lambda h: moved(h)[::-1], "in reverse order"),
        (lambda h: moved(h)[1:], "The first number is missing. It is 0"),
        (lambda h: moved(h)[:-1], "The last number is missing"),
        (lambda h: lengths(h) / np.linalg.norm(h[0]) - 1, "You subtract the norms"),
        (lambda h: abs(lengths(h) - lengths(h)[0]) / lengths(h)[0], "You subtract the norms"),
        (lambda h: lengths(h) / np.linalg.norm(h[0]), "The first row is not subtracted"),
        (lambda h: abs(h - h[0]).sum(1) / abs(h[0]).sum(), "the sum, or the mean, of the sizes"),
        (lambda h: abs(h - h[0]).mean(1) / abs(h[0]).mean(), "the sum, or the mean, of the sizes"),
        (lambda h: abs(h - h[0]).max(1) / abs(h[0]).max(), "the largest of the weights' changes"),
        (lambda h: (h - h[0]).sum(1) / h[0].sum(), "are added up with their signs, and cancel"),
        (lambda h: lengths((h - h[0]) / h[0]), "Each weight is divided by its own start"),
        (lambda h: abs((h - h[0]) / h[0]).mean(1), "Each weight is divided by its own start"),
        (lambda h: 100 * moved(h), "That is in percent"),
        (lambda h: np.sqrt(((h - h[0]) ** 2).mean(1)), "The mean is taken of the squares"),
        (lambda h: lengths(h - h[0]) / lengths(np.array(h).T)[0], "times what it should be"),
        (lambda h: lengths(h - h[0]) / np.linalg.norm(h), "Divide by the norm of the first row"),
        (lambda h: h - h[0], "The norm of each row is missing"),
        (lambda h: (h - h[0]) / np.linalg.norm(h[0]), "The norm of each row is missing"),
        (lambda h: np.linalg.norm(h - h[0], axis=0), "the norm runs over time"),
        (lambda h: np.linalg.norm(h - h[0]) / np.linalg.norm(h[0]), "returns a single number"),
        (lambda h: moved(h)[-1], "returns a single number"),
        (lambda h: [moved(h)[-1]], "returns a single number"),
        (lambda h: lengths(h - h[0])[:, None] / lengths(h), "returns the shape"),
        (lambda h: np.append(moved(h), 1), "the first of them 0"),
        (overwritten, "After `history -= history[0]` the first row is 0"),
        (lambda h: moved(h) * np.nan, "nan or inf"),
        (consuming, "your function changes the history itself"),
        (lambda h: moved(h) + 0.1, "Your first number is 0.1"),
        (lambda h: moved(h) ** 3, "In the last row your function returns"),
        (lambda h: moved(h) if isinstance(h, list) else moved(h) + 1, "for one array of 3 rows"),
        (lambda h: lengths(h[:, :] - h[0]), "`np.array(history)` makes one table"),
        (lambda h: h.mean(), "`np.array(history)` makes one table"),
        (lambda h: None, "Your function returns nothing."),
        (lambda h: print(moved(h)), "prints its result but returns nothing"),
        (lambda h: [np.linalg.norm(w) - 1 for w in h], "Brackets are missing: subtract first"),
        (lambda h: torch.norm(h - h[0]), "the norm is `np.linalg.norm`"),
        (lambda h: "far", "Your function returns a str"),
        (lambda h: {"far": 1}, "Your function returns a dict"),
        (lambda h: [None] * len(h), "Your list holds a gap"),
        (lambda h: [1, [2, 3]], "Your function returns a list; asked for is an array"),
        (lambda h: 1 / 0, "ZeroDivisionError"),
        (lambda h, n: h, "It is called by position, as `relative_movement(history)`."),
    ],
)
def test_wrong_movements_are_named(answer, words):
    assert always(words, "5.3", answer)


# --- 5.4: the tangent kernel ----------------------------------------------------------------------


def rows(
    net, x, *, empty=True, keep=torch.clone, of=lambda output: output.sum(), which=slice(None)
):
    """Gradients by a loop of backward passes, with a mistake wherever one is asked for."""
    table = []
    for point in x:
        if empty:
            net.zero_grad()
        of(net(point[None])).backward()
        table.append(torch.cat([keep(p.grad).flatten() for p in list(net.parameters())[which]]))
    return torch.stack(table)


def kernel(net, x, **mistakes):
    table = rows(net, x, **mistakes)
    return table @ table.T


def by_functions(net, x, detached=True):
    values = {name: p.detach() if detached else p for name, p in net.named_parameters()}

    def output(parameters, point):
        return functional_call(net, parameters, (point[None],)).squeeze()

    found = vmap(jacrev(output), (None, 0))(values, x)
    table = torch.cat([part.flatten(1) for part in found.values()], dim=1)
    return table @ table.T


def by_grad(net, x):
    gradients = [torch.autograd.grad(y, list(net.parameters()), retain_graph=True) for y in net(x)]
    pairs = [
        [sum((a * b).sum() for a, b in zip(u, v, strict=True)) for v in gradients]
        for u in gradients
    ]
    return torch.tensor(pairs)


def pair_by_pair(net, x):
    table = rows(net, x)
    result = torch.zeros(len(x), len(x))
    for i in range(len(x)):
        for j in range(len(x)):
            result[i, j] = (table[i] * table[j]).sum()
    return result


@pytest.mark.parametrize(
    "answer",
    [
        kernel,
        by_functions,
        by_grad,
        pair_by_pair,
        lambda net, x: kernel(net, x).numpy(),
        lambda net, x: kernel(net, x).tolist(),
        lambda net, x: kernel(net, x).float(),
    ],
)
def test_right_kernels_pass_in_every_style(answer):
    assert always("correct", "5.4", answer)


def test_a_stub_of_the_kernel_is_not_attempted():
    assert exercises.check("5.4", lambda net, x: ...).state == "not attempted"


def same_tensor(net, x):
    """What a net keeps in place, stored without a copy."""
    store = torch.cat([p.detach().flatten() for p in net.parameters()])
    table = []
    for row in rows(net, x):
        store.copy_(row)
        table.append(store)
    return torch.stack(table) @ torch.stack(table).T


def of_the_sum(net, x, total=torch.sum):
    total(net(x)).backward()
    row = torch.cat([p.grad.flatten() for p in net.parameters()])
    return torch.stack([row @ row] * len(x) ** 2).reshape(len(x), len(x))


def emptied_afterwards(net, x):
    table = []
    for point in x:
        net(point[None]).sum().backward()
        table.append(torch.cat([p.grad.flatten() for p in net.parameters()]))
        net.zero_grad()
    return torch.stack(table) @ torch.stack(table).T


def learning(net, x):
    result = kernel(net, x)
    with torch.no_grad():
        for p in net.parameters():
            p -= 0.01 * p.grad
    return result


def changed(make):
    """A kernel of which something else has been made."""
    return lambda net, x: make(kernel(net, x), rows(net, x))


def with_inputs(net, x):
    x = x.clone().requires_grad_()
    (slopes,) = torch.autograd.grad(net(x).sum(), x)
    return slopes @ slopes.T


def only(which):
    return lambda net, x: kernel(net, x, which=which)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (only(slice(2, None)), "Your kernel is that of the last layer only"),
        (only(slice(2, 3)), "that of the last layer's weights only"),
        (only(slice(2)), "that of the first layer only"),
        (only(slice(1)), "that of the first layer's weights only"),
        (only(slice(0, None, 2)), "that of the weights without the biases only"),
        (only(slice(1, None, 2)), "that of the biases only"),
        (only(slice(3, None)), "that of the last parameter, the bias of the output only"),
        (lambda net, x: kernel(net, x, empty=False), "The gradients are never emptied"),
        (same_tensor, "the same tensor is stored for each"),
        (of_the_sum, "each gradient is the sum of those of all examples"),
        (lambda net, x: of_the_sum(net, x, torch.mean), "that of the mean of all outputs"),
        (lambda net, x: torch.full((len(x), len(x)), 3.0), "All entries of your kernel are the"),
        (lambda net, x: kernel(net, x, of=lambda y: y.square().sum()), "are gradients of a loss"),
        (lambda net, x: kernel(net, x, of=lambda y: y.square().mean() / 2), "gradients of a loss"),
        (changed(lambda K, J: K / len(K)), "it is divided by the number of examples"),
        (changed(lambda K, J: K / J.shape[1]), "it is divided by the number of parameters"),
        (changed(lambda K, J: K / J.shape[1] ** 0.5), "by the root of the number of parameters"),
        (changed(lambda K, J: K / len(K) ** 2), "each gradient is divided by the number of exam"),
        (changed(lambda K, J: 2 * K), "it is doubled"),
        (changed(lambda K, J: -K), "its sign is wrong"),
        (changed(lambda K, J: 1.7 * K), "Your kernel is 1.7 times what it should be."),
        (changed(lambda K, J: J.T @ J), "it is the other product of the Jacobian J, JᵀJ"),
        (changed(lambda K, J: J), "These are the gradients themselves"),
        (changed(lambda K, J: J.T), "These are the gradients themselves"),
        (changed(lambda K, J: K.sum()), "Is everything added up?"),
        (changed(lambda K, J: K.diag()), "Each pair of examples has an entry of its own"),
        (changed(lambda K, J: J.square().sum(1)), "Each pair of examples has an entry of its own"),
        (changed(lambda K, J: torch.linalg.eigvalsh(K)), "Each pair of examples has an entry"),
        (changed(lambda K, J: torch.outer(J.sum(0), J.sum(0))), "made of a single gradient"),
        (changed(lambda K, J: 2 / len(K) * K), "by which the kernel becomes a curvature"),
        (lambda net, x: x @ x.T, "This is a kernel of the inputs alone"),
        (lambda net, x: torch.exp(-((x - x.T) ** 2)), "This is a kernel of the inputs alone"),
        (lambda net, x: kernel(net.double(), x.double()), "into one of torch.float64"),
        (torch.no_grad()(kernel), "lost its way back to the parameters"),
        (
            lambda net, x: [p.grad for p in net.named_parameters()],
            "`named_parameters()` gives pairs",
        ),
        (
            lambda net, x: 7 * torch.ones(len(x), len(x)),
            "Is it made of the parameters, and not of their gradients?",
        ),
        (changed(lambda K, J: K[:, None, :, None]), "The numbers may be right: `.reshape(n, n)`"),
        (changed(lambda K, J: torch.stack([K, K, K])), "kernels of the parameters are stacked"),
        (changed(lambda K, J: K[1:, 1:]), "Your function returns the shape"),
        (changed(lambda K, J: list(K)), "returns a list of"),
        (
            changed(
                lambda K, J: (
                    torch.corrcoef(J) * 0
                    + torch.nn.functional.cosine_similarity(J[:, None], J[None], dim=2)
                )
            ),
            "This is the cosine between the gradients",
        ),
        (changed(lambda K, J: K**2), "The kernel, or each of its entries, is squared"),
        (changed(lambda K, J: K.abs().sqrt()), "A root of the kernel is taken"),
        (changed(lambda K, J: torch.outer(J.norm(dim=1), J.norm(dim=1))), "are the lengths of the"),
        (changed(lambda K, J: torch.outer(J.sum(1), J.sum(1))), "The entries of each gradient are"),
        (changed(lambda K, J: torch.cdist(J, J)), "These are the distances between the gradients"),
        (changed(lambda K, J: K.triu()), "Only one half of the kernel is filled in"),
        (changed(lambda K, J: K.tril(-1)), "Only one half of the kernel is filled in"),
        (changed(lambda K, J: K.diag().diag()), "Only the diagonal is filled in"),
        (changed(lambda K, J: K - K.diag().diag()), "The diagonal is missing."),
        (
            changed(lambda K, J: J @ (J - J.mean(0)).T - J.mean(0) @ (J - J.mean(0)).T),
            "The mean of the gradients is subtracted",
        ),
        (changed(lambda K, J: K.flip(0, 1)), "Rows are in another order"),
        (changed(lambda K, J: K + 1), "The entry of examples"),
        (changed(lambda K, J: K * 0), "Your kernel is 0 everywhere"),
        (changed(lambda K, J: K / 0), "Your kernel holds nan or inf"),
        (with_inputs, "taken with respect to x"),
        (lambda net, x: (net(x) @ net(x).T).detach(), "This is the product of the outputs"),
        (lambda net, x: by_functions(net, x, detached=False), "they still carry the graph"),
        (lambda net, x: kernel(net, x).requires_grad_(), "they still carry the graph"),
        (lambda net, x: kernel(net, x, which=slice(4)), "wrong for a network of three layers."),
        (emptied_afterwards, "gradients are left from its training"),
        (learning, "your function changes the weights of the network"),
        (lambda net, x: kernel(net.lout, x), "whatever a network calls them: `net.parameters()`"),
        (lambda net, x: net(x).backward(), "`backward()` starts from one number"),
        (lambda net, x: [y.backward() for y in net(x)], "compute the output of each example anew"),
        (lambda net, x: torch.stack([p.grad for p in net.parameters()]), "A gradient is None"),
        (
            lambda net, x: (
                net(x).sum().backward() or torch.stack([p.grad for p in net.parameters()])
            ),
            "flatten each, with `.flatten()`",
        ),
        (lambda net, x: None, "Your function returns nothing."),
        (lambda net, x: print(kernel(net, x)), "prints its result but returns nothing"),
        (lambda net, x: "K", "Your function returns a str"),
        (lambda net, x: {}, "Your function returns a dict"),
        (lambda net: net, "It is called by position, as `tangent_kernel(net, x)`."),
    ],
)
def test_wrong_kernels_are_named(answer, words):
    assert always(words, "5.4", answer)


# --- 5.5: the width at which a rate is too large --------------------------------------------------


def slope(w, c):
    return (c / w).mean()


@pytest.mark.parametrize(
    "answer",
    [
        lambda w, c, lr: 2 / (lr * slope(w, c)),
        lambda w, c, lr: round(2 / (lr * slope(w, c))),
        lambda w, c, lr: math.ceil(2 / lr * np.median(w / c)),
        lambda w, c, lr: 2 / lr / ((w @ c) / (w @ w)),
        lambda w, c, lr: 2 / lr / np.linalg.lstsq(w[:, None], c)[0][0],
        lambda w, c, lr: 2 / lr * w.sum() / c.sum(),
        lambda w, c, lr: 2 / lr * w[-1] / c[-1],
        lambda w, c, lr: 2 / lr / np.polyfit(w, c, 1)[0],
        lambda w, c, lr: np.polyval(np.polyfit(c, w, 1), 2 / lr),
        lambda w, c, lr: (2 / lr - np.polyfit(w, c, 1)[1]) / np.polyfit(w, c, 1)[0],
        lambda w, c, lr: math.exp(np.polyval(np.polyfit(np.log(c), np.log(w), 1), np.log(2 / lr))),
        lambda w, c, lr: 2 / lr / math.exp(np.mean(np.log(c) - np.log(w))),
        lambda w, c, lr: next(h for h in range(10**6) if lr * h * slope(w, c) > 2),
        lambda w, c, lr: torch.tensor([2 / (lr * slope(w, c))]),
    ],
)
def test_right_widths_pass_in_every_style(answer):
    assert always("correct", "5.5", answer)


def test_a_stub_of_the_width_is_not_attempted():
    assert exercises.check("5.5", lambda widths, curvatures, lr: ...).state == "not attempted"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda w, c, lr: 1 / (lr * slope(w, c)), "Your width is half of what it should be"),
        (lambda w, c, lr: 4 / (lr * slope(w, c)), "Your width is twice what it should be"),
        (lambda w, c, lr: 2 * slope(w, c) / lr, "stands upside down"),
        (lambda w, c, lr: 2 / (lr * (w / c).mean()), "stands upside down"),
        (lambda w, c, lr: slope(w, c) / lr, "stands upside down"),
        (lambda w, c, lr: lr * slope(w, c), "That is lr × c, with c the curvature for each unit"),
        (lambda w, c, lr: lr * slope(w, c) / 2, "That is lr × c, with c the curvature for each"),
        (lambda w, c, lr: 2 / lr * slope(w, c), "`2 / lr * c` multiplies by c"),
        (lambda w, c, lr: 2 / (lr * c.mean()), "The widths are missing"),
        (lambda w, c, lr: 2 / lr, "That is the critical curvature, 2 / lr"),
        (lambda w, c, lr: 2 / slope(w, c), "`lr` does not occur in it."),
        (lambda w, c, lr: 2 * lr / slope(w, c), "The rate stands above the fraction line"),
        (lambda w, c, lr: 2 / c.max(), "That is a rate, 2 / curvature"),
        (lambda w, c, lr: w[np.argmin(abs(lr * c - 2))], "is one of those in the table"),
        (lambda w, c, lr: np.interp(2 / lr, c, w), "is one of those in the table"),
        (lambda w, c, lr: 1000, "returns the same width whatever it is called with"),
        (lambda w, c, lr: 3 / (lr * slope(w, c)), "There lr × curvature is "),
        (lambda w, c, lr: 1.2 * 2 / (lr * slope(w, c)), "That is near."),
        (lambda w, c, lr: -2 / (lr * slope(w, c)), "It should be above 0, and finite"),
        (lambda w, c, lr: math.inf / lr if lr else 0, "whatever it is called with"),
        (lambda w, c, lr: math.nan, "It should be above 0, and finite"),
        (lambda w, c, lr: 2 / (lr * c / w), "returns 5 numbers where a width is asked for"),
        (lambda w, c, lr: None, "Your function returns nothing."),
        (lambda w, c, lr: print(w), "prints its result but returns nothing"),
        (lambda w, c, lr: "wide", "Your function returns a str; asked for is a width"),
        (lambda w, c, lr: 1j, "a complex number"),
        (lambda w, c, lr: w[9], "IndexError"),
        (lambda w, c: w, "as `critical_width(widths, curvatures, lr)`."),
    ],
)
def test_wrong_widths_are_named(answer, words):
    assert always(words, "5.5", answer)


# --- 5.6: labels for the pictures -----------------------------------------------------------------

LABELS = {"A": 50, "B": 1000, "C": 5, "solid": "scaled", "dashed": "linearised"}
STUB = dict.fromkeys(LABELS, ...)


def labelled(**changes):
    return lambda: {**LABELS, **changes}


@pytest.mark.parametrize(
    "answer",
    [
        labelled(),
        labelled(A=50.0, B="1000", C="alpha = 5"),
        labelled(A=np.int64(50), B="α = 1,000"),
        labelled(solid="Scaled model", dashed="the linearized model"),
        labelled(solid="loss of scaled model", dashed="linear"),
        labelled(dashed="scaled, linearised"),
        labelled(solid="non-linear", dashed="linear"),
        labelled(solid="the model, not linearised"),
        lambda: {key.lower(): label for key, label in reversed(LABELS.items())},
    ],
)
def test_right_labels_pass_however_they_are_written(answer):
    assert always("correct", "5.6", answer)


@pytest.mark.parametrize("answer", [lambda: STUB, lambda: ..., lambda: {}])
def test_labels_without_a_guess_are_not_attempted(answer):
    assert exercises.check("5.6", answer).state == "not attempted"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (
            labelled(A=1000, B=50),
            "Right: 3 of 5. A does not show α = 1000. In A the two lines part",
        ),
        (labelled(B=5, C=1000), "Right: 3 of 5. B does not show α = 5. In B the two lines cannot"),
        (labelled(C=50), "Right: 4 of 5. C does not show α = 50. In C one line has ripples"),
        (
            labelled(solid="linearised", dashed="scaled"),
            "Right: 3 of 5. The solid line is not that of the linearised model. A model that is",
        ),
        (labelled(dashed="scaled"), "The dashed line is not that of the scaled model."),
        (lambda: {**STUB, "A": 50}, "What you have filled in is right. Still to come: B, C, solid"),
        (labelled(B="?", C="??"), "What you have filled in is right. Still to come: B, C."),
        (lambda: {**STUB, "A": 5}, "Right: 0 of 1. A does not show α = 5."),
        (labelled(A=10), "On the line of A stands 10. Asked for is the α of the picture: 5, 50 or"),
        (labelled(A="large"), "On the line of A stands 'large'."),
        (labelled(A=[50]), "On the line of A stands [50]."),
        (labelled(A=math.nan), "On the line of A stands nan."),
        (labelled(solid=3), 'On the line "solid" stands 3. Asked for is whose loss it is'),
        (labelled(solid="red"), "On the line \"solid\" stands 'red'."),
        (labelled(D=3), "There is no line 'D' in the table; its lines are A, B, C, solid, dashed."),
        (lambda: {1: 2}, "There is no line 1 in the table"),
        (lambda: [50, 1000, 5], "Your function returns a list; asked for is the table"),
        (lambda: None, "Your function returns nothing."),
        (lambda: {"solid": scaled}, "The name of a line is text: put it in quotation marks"),  # noqa: F821
        (lambda x: LABELS, "It is called by position, as `labels()`."),
    ],
)
def test_wrong_labels_are_named(answer, words):
    assert always(words, "5.6", answer)


# --- The pictures of 5.6, measured again ----------------------------------------------------------


def test_the_linearised_loss_is_the_same_parabola_in_all_pictures():
    first, *others = (landscape(alpha)["linearised"] for alpha in (5, 50, 1000))
    for other in others:
        np.testing.assert_allclose(first, other, atol=1e-12)


def test_the_three_pictures_can_be_told_apart():
    ripples = {
        alpha: (np.diff(np.sign(np.diff(landscape(alpha)["scaled"]))) > 0).sum()
        for alpha in (5, 50, 1000)
    }
    assert ripples[5] >= 5
    assert ripples[50] == ripples[1000] == 1
    assert gap(50) > 0.2
    assert gap(1000) < 0.03


# --- All ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("exercise", "answer"),
    [
        ("5.1", training.train),
        ("5.2", models.LinSin),
        ("5.3", lazy.relative_movement),
        ("5.4", curvature.tangent_kernel),
    ],
)
def test_what_the_package_has_of_that_name_passes(exercise, answer):
    assert always("correct", exercise, answer)


@pytest.mark.parametrize(
    ("exercise", "answer"), [("5.1", training.train), ("5.4", curvature.tangent_kernel)]
)
def test_a_check_leaves_the_readers_random_numbers_alone(exercise, answer):
    before = torch.get_rng_state()
    say(exercise, answer)
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("number", ["5.1", "5.3", "5.4", "5.5", "5.6"])
@pytest.mark.parametrize(
    "value",
    [
        {"a": 1},
        {1.0},
        "12",
        1j,
        [None],
        [[1, 2], [3, 4]],
        object(),
        print,
        (),
        float("nan"),
        True,
        b"1",
        pd.DataFrame({"a": [1]}),
        torch.zeros(3, requires_grad=True),
        np.zeros((2, 2, 2)),
        [..., 1],
        [{}],
        [1j],
        torch.zeros(0),
    ],
    ids=lambda value: type(value).__name__,
)
def test_whatever_is_returned_is_answered_in_words(number, value):
    result = exercises.check(number, lambda *_: value)
    assert result.state == "wrong"
    assert result.message
    assert "cannot make sense" not in result.message


@pytest.mark.parametrize("value", [None, 3.0, "net", [], {}])
def test_whatever_a_class_makes_is_answered_in_words(value):
    assert exercises.check("5.2", lambda feature_dim: value).state == "wrong"
