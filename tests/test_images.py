"""The images, their split, and the network that learns them."""

from types import SimpleNamespace
from urllib.error import URLError

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_digits

from adl import images
from adl.learner import Learner, MetricsCB, accuracy

SEEDS = range(5)


@pytest.fixture(autouse=True)
def one_thread():
    """Convolutions this small are slower on several threads that share busy cores."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def test_training_images_have_mean_0_and_standard_deviation_1():
    inputs = images.digits(seed=0).train_inputs
    assert inputs.dtype == torch.float32
    assert inputs.mean().item() == pytest.approx(0, abs=1e-6)
    assert inputs.std(correction=0).item() == pytest.approx(1, abs=1e-6)


def test_the_two_parts_are_all_of_the_digits_once():
    split = images.digits(seed=1)
    scaled = torch.cat([split.train_inputs, split.valid_inputs]).flatten(1).numpy()
    raw, labels = load_digits(return_X_y=True)
    low, high = scaled.min(), scaled.max()  # brightness 0 and 16, both of which occur in each part
    restored = np.rint((scaled - low) / (high - low) * 16)
    rows = np.column_stack([restored, torch.cat([split.train_labels, split.valid_labels])])
    expected = np.column_stack([raw, labels])
    assert sorted(map(tuple, rows)) == sorted(map(tuple, expected))


@settings(deadline=None, max_examples=10)
@given(fraction=st.floats(0.05, 0.95), seed=st.integers(0, 2**32))
def test_each_class_is_shared_out_alike(fraction, seed):
    split = images.digits(valid_fraction=fraction, seed=seed)
    train, valid = (labels.bincount() for labels in (split.train_labels, split.valid_labels))
    assert ((valid - fraction * (train + valid)).abs() <= 1.5).all()
    assert valid.sum() == round(fraction * 1797)


def test_the_seed_alone_decides_split_order_and_weights():
    torch.manual_seed(1)
    before = torch.get_rng_state()

    def everything(seed):
        split = images.digits(seed=seed)
        train, valid = images.loaders(split, seed=seed)
        batches = [inputs for inputs, _ in [*train, *valid]]
        return torch.cat(batches), images.small_convnet(seed)[0].weight

    (one, weights), (again, same), (other, others) = map(everything, (3, 3, 4))
    assert torch.equal(one, again)
    assert torch.equal(weights, same)
    assert not torch.equal(one, other)
    assert not torch.equal(weights, others)
    assert torch.equal(torch.get_rng_state(), before)


def test_the_order_of_the_training_batches_changes_with_the_epoch_and_validation_stays():
    split = images.digits(seed=0)
    train, valid = images.loaders(split, batch_size=100, seed=0)
    assert [len(labels) for _, labels in train] == [100] * 13
    assert not torch.equal(next(iter(train))[0], next(iter(train))[0])
    assert torch.equal(torch.cat([labels for _, labels in valid]), split.valid_labels)


def test_the_gain_multiplies_all_weights_and_no_biases():
    net, loud = (images.small_convnet(0, gain=gain) for gain in (1, 3))
    for parameter, other in zip(net.parameters(), loud.parameters(), strict=True):
        assert torch.equal(other, 3 * parameter if parameter.ndim > 1 else parameter)


def test_weights_are_those_of_torch_with_the_same_state_of_its_generator():
    net = images.small_convnet(0)
    start = torch.randint(2**62, (), generator=torch.Generator().manual_seed(0)).item()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(start)
        assert torch.equal(net[0].weight, torch.nn.Conv2d(1, 16, 3, padding=1).weight)


def fitted_accuracy(seed):
    train, valid = images.loaders(images.digits(seed=seed), seed=seed)
    metrics = MetricsCB(accuracy=accuracy)
    Learner(images.small_convnet(seed), train, valid, lr=0.01, callbacks=[metrics]).fit(6)
    return metrics.history["valid_accuracy"].iloc[-1]


def test_the_network_learns_the_digits_in_six_epochs():
    assert np.median([fitted_accuracy(seed) for seed in SEEDS]) >= 0.96


def test_fashion_mnist_without_a_network_says_what_to_do(monkeypatch):
    def no_network(*arguments, **options):
        raise URLError(OSError(-2, "Name or service not known"))

    monkeypatch.setattr(images.datasets, "fetch_openml", no_network)
    with pytest.raises(ConnectionError, match="connect to the network.*or use digits()") as caught:
        images.fashion_mnist(seed=0)
    assert "Name or service not known" in str(caught.value)


def test_no_retry_is_announced_when_there_is_no_network(monkeypatch, recwarn, tmp_path):
    from sklearn.datasets import _openml

    def no_network(*arguments, **options):
        raise URLError(OSError(-2, "Name or service not known"))

    monkeypatch.setenv("SCIKIT_LEARN_DATA", str(tmp_path))
    monkeypatch.setattr(_openml, "urlopen", no_network)
    monkeypatch.setattr(_openml.time, "sleep", lambda seconds: None)
    with pytest.raises(ConnectionError):
        images.fashion_mnist(seed=0)
    assert not recwarn.list


def test_fashion_mnist_comes_as_the_digits_do(monkeypatch):
    labels = np.arange(80) % 10
    pixels = np.arange(80 * 784).reshape(80, 784) % 251
    asked = []

    def fake(*arguments, **options):
        asked.append((arguments, options))
        target = pd.Series(labels.astype(str), dtype="category")
        return SimpleNamespace(data=pd.DataFrame(pixels), target=target)

    monkeypatch.setattr(images.datasets, "fetch_openml", fake)
    split = images.fashion_mnist(images=40, seed=0)
    assert asked[0][0] == ("Fashion-MNIST",)
    assert split.train_inputs.shape == (30, 1, 28, 28)
    assert split.valid_inputs.shape == (10, 1, 28, 28)
    assert split.valid_labels.bincount().tolist() == [1] * 10
    assert split.train_inputs.std(correction=0).item() == pytest.approx(1, abs=1e-5)
    assert images.small_convnet(0)(split.valid_inputs).shape == (10, 10)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: images.digits(valid_fraction=0), ValueError, "valid_fraction: expected a share"),
        (lambda: images.digits(valid_fraction="1"), TypeError, "valid_fraction"),
        (lambda: images.digits(seed=-1), ValueError, "seed"),
        (lambda: images.fashion_mnist(images=1), ValueError, "images: expected a whole number"),
        (lambda: images.fashion_mnist(valid_fraction=2), ValueError, "valid_fraction"),
        (lambda: images.loaders([1, 2]), TypeError, "images: expected four tensors"),
        (lambda: images.loaders(images.digits(), batch_size=0), ValueError, "batch_size"),
        (lambda: images.small_convnet(gain=0), ValueError, "gain: expected a number above 0"),
    ],
)
def test_what_cannot_be_used_is_refused_in_words(call, error, words):
    with pytest.raises(error, match=words):
        call()
