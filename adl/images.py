"""Small images to learn from, and a small convolutional network that learns them in a second."""

import warnings
from typing import Any, NamedTuple

import numpy as np
import torch
from sklearn import datasets, model_selection
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from adl import _inputs

__all__ = ["Images", "digits", "fashion_mnist", "loaders", "small_convnet"]


class Images(NamedTuple):
    """Labelled images in two parts: one to train on, one to validate on.

    Parameters
    ----------
    train_inputs : torch.Tensor, shape (n, 1, height, width)
        Brightness in float32, scaled so that this part has mean 0 and standard deviation 1.
    train_labels : torch.Tensor, shape (n,)
        Classes, whole numbers from 0.
    valid_inputs : torch.Tensor, shape (m, 1, height, width)
        Scaled as the training part.
    valid_labels : torch.Tensor, shape (m,)
        Classes.

    Examples
    --------
    >>> images = digits(seed=0)
    >>> images.train_labels is images[1]
    True
    """

    train_inputs: torch.Tensor
    train_labels: torch.Tensor
    valid_inputs: torch.Tensor
    valid_labels: torch.Tensor


def digits(*, valid_fraction: float = 0.25, seed: Any = None) -> Images:
    """Handwritten digits of 8 × 8 pixels, which come with scikit-learn: no download.

    Parameters
    ----------
    valid_fraction : float, default 0.25
        Share of the 1797 images to validate on, between 0 and 1; each class has the same share.
    seed : int or torch.Generator, optional
        Of the split; None is fresh randomness.

    Returns
    -------
    Images
        A tuple (train_inputs, train_labels, valid_inputs, valid_labels).

    Raises
    ------
    TypeError, ValueError
        If an argument cannot be used.

    See Also
    --------
    loaders : batches of them.
    fashion_mnist : larger images, to be downloaded.

    Examples
    --------
    >>> images = digits(seed=0)
    >>> tuple(images.train_inputs.shape), tuple(images.valid_inputs.shape)
    ((1348, 1, 8, 8), (449, 1, 8, 8))
    """
    inputs, labels = datasets.load_digits(return_X_y=True)
    return _split(inputs.reshape(-1, 1, 8, 8), labels, len(labels), valid_fraction, seed)


def fashion_mnist(
    *, images: int = 12_000, valid_fraction: float = 0.25, seed: Any = None
) -> Images:
    """Pictures of clothes in 28 × 28 pixels and ten classes, downloaded from OpenML.

    The download (about 30 MB) is made once; scikit-learn keeps it.

    Parameters
    ----------
    images : int, default 12000
        How many to draw of the 70,000; each class keeps its share.
    valid_fraction : float, default 0.25
        Share of the drawn images to validate on, between 0 and 1.
    seed : int or torch.Generator, optional
        Of the draw and the split; None is fresh randomness.

    Returns
    -------
    Images
        A tuple (train_inputs, train_labels, valid_inputs, valid_labels).

    Raises
    ------
    ConnectionError
        If there is no network, or OpenML does not answer.
    TypeError, ValueError
        If an argument cannot be used.

    See Also
    --------
    digits : smaller images, which need no download.

    References
    ----------
    Xiao, Rasul and Vollgraf, Fashion-MNIST: a novel image dataset for benchmarking machine learning
    algorithms, 2017, https://arxiv.org/abs/1708.07747

    Examples
    --------
    >>> clothes = fashion_mnist(images=2000, seed=0)  # doctest: +SKIP
    >>> tuple(clothes.train_inputs.shape)  # doctest: +SKIP
    (1500, 1, 28, 28)
    """
    images = _inputs.whole("images", images, at_least=2)
    _share("valid_fraction", valid_fraction)
    try:
        with warnings.catch_warnings():  # that it will try again in a second
            warnings.filterwarnings("ignore", "A network error occurred")
            data = datasets.fetch_openml("Fashion-MNIST", version=1, as_frame=True, n_retries=1)
    except OSError as error:  # urllib's errors are all of this kind
        raise ConnectionError(
            f"Fashion-MNIST could not be downloaded from openml.org ({error}): connect to the "
            "network and try again, or use digits(), which needs no download"
        ) from error
    inputs = data.data.to_numpy(dtype=np.float32).reshape(-1, 1, 28, 28)
    return _split(inputs, data.target.to_numpy().astype(int), images, valid_fraction, seed)


def loaders(
    images: Images, *, batch_size: int = 64, seed: Any = None
) -> tuple[DataLoader, DataLoader]:
    """Batches to train on, in a random order that changes with each epoch, and to validate on.

    Parameters
    ----------
    images : Images
        As from `digits`.
    batch_size : int, default 64
        Images in a batch, at most as many as there are. What is left of the training images at the
        end of an epoch makes no batch: a handful of them would make a step as long as any other.
    seed : int or torch.Generator, optional
        Of the order; None is fresh randomness. The training loader keeps it as its ``generator``,
        whose state says where the order is.

    Returns
    -------
    tuple of torch.utils.data.DataLoader
        For training and for validation.

    Raises
    ------
    TypeError, ValueError
        If an argument cannot be used.

    Examples
    --------
    >>> train, valid = loaders(digits(seed=0), seed=0)
    >>> len(train), len(valid)
    (21, 8)
    """
    if not isinstance(images, tuple) or len(images) != 4:
        raise TypeError(f"images: expected four tensors as from digits(), got {images!r:.40}")
    batch_size = _inputs.whole("batch_size", batch_size, at_least=1)
    images = Images(*images)
    train = TensorDataset(images.train_inputs, images.train_labels)
    valid = TensorDataset(images.valid_inputs, images.valid_labels)
    order = _inputs.torch_generator(seed)
    return (
        DataLoader(train, batch_size, shuffle=True, drop_last=True, generator=order),
        # Its order is fixed; the generator keeps its hands off torch's global one.
        DataLoader(valid, batch_size, generator=_inputs.torch_generator(0)),
    )


def small_convnet(seed: Any = None, *, gain: float = 1.0) -> nn.Sequential:
    """Convolutional network for images of one channel, 8 × 8 or larger, in ten classes.

    Two convolutions with ReLU, the largest value in each field of a 4 × 4 grid, a linear layer.

    Parameters
    ----------
    seed : int or torch.Generator, optional
        Of the weights; None is fresh randomness.
    gain : float, default 1.0
        What PyTorch's initial weights are multiplied by, above 0; 1 leaves them as they are. At
        far larger ones the network starts out badly: its outputs grow about with the third power.

    Returns
    -------
    torch.nn.Sequential
        Takes (n, 1, height, width) to the logits (n, 10).

    Raises
    ------
    TypeError, ValueError
        If an argument cannot be used.

    Examples
    --------
    >>> small_convnet(seed=0)(torch.zeros(5, 1, 8, 8)).shape
    torch.Size([5, 10])
    """
    gain = _inputs.real("gain", gain)
    if gain <= 0:
        raise ValueError(f"gain: expected a number above 0, got {gain}")
    start = torch.randint(2**62, (), generator=_inputs.torch_generator(seed))
    with torch.random.fork_rng(devices=[]):  # layers draw from torch's global generator
        torch.default_generator.manual_seed(int(start))
        net = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(16, 32, 3, padding=1),
            nn.ReLU(),
            nn.AdaptiveMaxPool2d(4),
            nn.Flatten(),
            nn.Linear(32 * 4 * 4, 10),
        )
    with torch.no_grad():
        for parameter in net.parameters():
            if parameter.ndim > 1:  # not the biases
                parameter *= gain
    return net


def _split(
    inputs: np.ndarray, labels: np.ndarray, number: int, valid_fraction: float, seed: Any
) -> Images:
    """Draw a number of images in two parts with the same classes, and scale them."""
    valid = round(_share("valid_fraction", valid_fraction) * number)
    drawn = int(_inputs.generator(seed).integers(2**32))
    parts = model_selection.train_test_split(
        inputs,
        labels,
        train_size=number - valid,
        test_size=valid,
        stratify=labels,
        random_state=drawn,
    )
    mean, std = parts[0].mean(), parts[0].std()
    train_inputs, valid_inputs = (
        torch.tensor((part - mean) / std, dtype=torch.float32) for part in parts[:2]
    )
    train_labels, valid_labels = (torch.tensor(part, dtype=torch.int64) for part in parts[2:])
    return Images(train_inputs, train_labels, valid_inputs, valid_labels)


def _share(name: str, value: Any) -> float:
    share = _inputs.real(name, value)
    if not 0 < share < 1:
        raise ValueError(f"{name}: expected a share between 0 and 1, got {value}")
    return share
