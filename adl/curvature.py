"""How curved the loss is: the number that step sizes must be measured against.

A step of gradient descent is stable while step size × curvature < 2. Of a network, the curvature
is a matrix with a row for each parameter, too large to write down, and what counts is its largest
eigenvalue, the sharpness. Lanczos' method finds it from products of the matrix with a few vectors.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from adl import _inputs
from adl._batches import check_batch, check_net, mean_losses, one_number, pair_of_tensors
from adl.models import StackedMLP
from adl.training import StackedAdam

__all__ = [
    "kernel_drift",
    "kernel_sharpness",
    "preconditioned_sharpness",
    "sharpness",
    "stability_limit",
    "tangent_kernel",
]


def stability_limit(step_size: Any, *, beta1: Any = 0.0) -> Any:
    """Sharpness above which steps of this size grow.

    Parameters
    ----------
    step_size : float or torch.Tensor
        Learning rate.
    beta1 : float or torch.Tensor, default 0
        Decay of the averaged gradient (``dampening`` equal to ``momentum``, as in Adam).

    Returns
    -------
    float or torch.Tensor
        ``(2 + 2 beta1) / ((1 - beta1) step_size)``: ``2 / step_size`` without momentum, and
        ``38 / step_size`` with Adam's usual 0.9.

    Raises
    ------
    TypeError, ValueError
        If `step_size` is not above 0, or `beta1` not from 0 to below 1.

    References
    ----------
    J. Cohen et al., "Adaptive gradient methods at the edge of stability", 2022, arXiv:2207.14484.

    Examples
    --------
    >>> round(stability_limit(0.01)), round(stability_limit(0.01, beta1=0.9))
    (200, 3800)
    """
    step_size, beta1 = (
        value if isinstance(value, Tensor) else _inputs.real(name, value)
        for name, value in (("step_size", step_size), ("beta1", beta1))
    )
    if not torch.as_tensor(step_size > 0).all():
        raise ValueError(f"step_size: expected numbers above 0, got {step_size}")
    if not torch.as_tensor((beta1 >= 0) & (beta1 < 1)).all():
        raise ValueError(f"beta1: expected numbers from 0 to below 1, got {beta1}")
    return (2 + 2 * beta1) / ((1 - beta1) * step_size)


def sharpness(
    net: nn.Module,
    batch: tuple[Tensor, Tensor],
    *,
    loss: Callable[..., Tensor] = F.mse_loss,
    tolerance: float = 1e-4,
    seed: Any = 0,
) -> Tensor:
    """Largest eigenvalue of the loss's second derivatives by the parameters.

    Parameters
    ----------
    net : StackedMLP or torch.nn.Module
        Networks that are measured together, or one of any kind.
    batch : tuple of torch.Tensor
        Inputs and targets; for a stack as in `adl.training.train_stacked`.
    loss : callable, default torch.nn.functional.mse_loss
        As PyTorch's functions; with ``reduction="none"`` for a stack, as in `train_stacked`, with
        its own mean for a single network.
    tolerance : float, default 1e-4
        Stops when two products in a row change no eigenvalue by more than this share.
    seed : int or torch.Generator, default 0
        Start of the search. The same each time unless you say otherwise: a measurement should not
        change from call to call.

    Returns
    -------
    torch.Tensor, shape (models,) or ()
        nan where parameters or second derivatives are not finite.

    Raises
    ------
    TypeError, ValueError
        If an argument cannot be used.

    See Also
    --------
    preconditioned_sharpness : what counts for Adam.

    Notes
    -----
    C. Lanczos, "An iteration method for the solution of the eigenvalue problem of linear
    differential and integral operators", 1950; each product by B. Pearlmutter's "Fast exact
    multiplication by the Hessian", 1994. The eigenvalues of stacked networks come out of the same
    products, because no network's loss depends on the parameters of another.

    Examples
    --------
    The model ``y = w x`` of chapter 1, whose curvature is ``2 mean(x**2)``:

    >>> x = torch.tensor([[1.0], [2.0], [3.0]])
    >>> model = nn.Linear(1, 1, bias=False)
    >>> round(sharpness(model, (x, 2 * x)).item(), 4), round(2 * (1 + 4 + 9) / 3, 4)
    (9.3333, 9.3333)
    """
    losses, vector = _as_function(net, batch, loss)
    found = _largest(losses, vector, torch.ones_like(vector), tolerance, seed)
    return found if isinstance(net, StackedMLP) else found[0]


def preconditioned_sharpness(
    net: nn.Module,
    batch: tuple[Tensor, Tensor],
    optimizer: StackedAdam | torch.optim.Adam,
    *,
    loss: Callable[..., Tensor] = F.mse_loss,
    tolerance: float = 1e-4,
    seed: Any = 0,
) -> Tensor:
    """Sharpness in the units in which Adam measures its steps.

    Adam divides each parameter's step by a running size of its gradient. That is gradient descent
    after each parameter has been rescaled, and the curvature that its stability depends on is the
    rescaled one: the largest eigenvalue of ``P**-1/2 H P**-1/2``, with P from
    `adl.training.StackedAdam.preconditioner`.

    Parameters
    ----------
    net, batch, loss, tolerance, seed
        As in `sharpness`.
    optimizer : StackedAdam or torch.optim.Adam
        After at least one step.

    Returns
    -------
    torch.Tensor, shape (models,) or ()
        Compare it with `stability_limit`.

    Raises
    ------
    TypeError, ValueError
        If an argument cannot be used, or the optimiser has made no step.

    References
    ----------
    J. Cohen et al., "Adaptive gradient methods at the edge of stability", 2022, arXiv:2207.14484.

    Examples
    --------
    >>> from adl.data import singular_batch
    >>> from adl.training import train_stacked
    >>> net = StackedMLP(5, inputs=3, hidden=(32, 32), seed=0)
    >>> batch, adam = singular_batch(5, 200, seed=0), StackedAdam(net)
    >>> run = train_stacked(adam, batch, step_size=0.02, steps=600)
    >>> reading = preconditioned_sharpness(net, batch, adam).median()
    >>> bool(0.8 < reading / stability_limit(0.02, beta1=0.9) < 1.1)
    True
    """
    losses, vector = _as_function(net, batch, loss)
    scale = _preconditioner(net, optimizer)
    found = _largest(losses, vector, scale.rsqrt(), tolerance, seed)
    return found if isinstance(net, StackedMLP) else found[0]


def tangent_kernel(net: nn.Module, inputs: Tensor) -> Tensor:
    """Empirical tangent kernel: how far a step on one example moves the output at another.

    ``K[i, j]`` is the scalar product of the gradients of the outputs at examples i and j by all
    parameters. A small step of size s down the mean squared error of n examples changes the
    outputs by ``-2 s / n  K (outputs - targets)``.

    Parameters
    ----------
    net : StackedMLP or torch.nn.Module
        One output for each example.
    inputs : torch.Tensor, shape (examples, inputs)

    Returns
    -------
    torch.Tensor, shape (models, examples, examples) of a `StackedMLP`, else (examples, examples)

    Raises
    ------
    TypeError, ValueError
        If an argument cannot be used.

    References
    ----------
    A. Jacot, F. Gabriel and C. Hongler, "Neural tangent kernel: convergence and generalization in
    neural networks", 2018, arXiv:1806.07572.

    Examples
    --------
    Of a model that is linear in its parameters, ``y = w x + b``, it is ``x x' + 1`` for ever:

    >>> tangent_kernel(nn.Linear(1, 1), torch.tensor([[1.0], [2.0]]))
    tensor([[2., 3.],
            [3., 5.]])
    """
    if not isinstance(inputs, Tensor):
        raise TypeError(f"inputs: expected a tensor, got {type(inputs).__name__}")
    if inputs.ndim != 2 or not len(inputs):
        raise ValueError(f"inputs: expected shape (examples, inputs), got {tuple(inputs.shape)}")
    jacobian = _jacobian(net, inputs)
    kernel = jacobian @ jacobian.mT
    return kernel if isinstance(net, StackedMLP) else kernel[0]


def kernel_drift(start: Tensor, now: Tensor) -> Tensor:
    """How far a tangent kernel has moved: size of the difference over that of the start.

    Parameters
    ----------
    start, now : torch.Tensor, shape (..., examples, examples)
        From `tangent_kernel`.

    Returns
    -------
    torch.Tensor, shape (...)
        0 if nothing has moved; sizes are Frobenius norms.

    Raises
    ------
    TypeError, ValueError
        If they are no kernels of one shape.

    Examples
    --------
    >>> kernel_drift(torch.eye(2), 1.5 * torch.eye(2))
    tensor(0.5000)
    """
    for name, kernel in (("start", start), ("now", now)):
        _check_kernel(name, kernel)
    if start.shape != now.shape:
        raise ValueError(f"now: expected shape {tuple(start.shape)}, got {tuple(now.shape)}")
    norm = torch.linalg.matrix_norm
    return norm(now - start) / norm(start)


def kernel_sharpness(kernel: Tensor) -> Tensor:
    """Curvature of the mean squared error that comes from the tangent kernel alone.

    The largest eigenvalue of ``2/n K``. Of a model that is linear in its parameters it is the
    sharpness; of a network, the sharpness without what the errors add to it (chapter 3).

    Parameters
    ----------
    kernel : torch.Tensor, shape (..., examples, examples)
        From `tangent_kernel`.

    Returns
    -------
    torch.Tensor, shape (...)

    Raises
    ------
    TypeError, ValueError
        If it is no kernel.

    Examples
    --------
    >>> kernel_sharpness(3 * torch.eye(2))
    tensor(3.)
    """
    kernel = _check_kernel("kernel", kernel)
    finite = kernel.isfinite().all(-1).all(-1)
    safe = torch.where(finite[..., None, None], kernel, 0.0)
    largest = torch.linalg.eigvalsh(safe)[..., -1] * 2 / kernel.shape[-1]
    return torch.where(finite, largest, torch.nan)


def _check_kernel(name: str, kernel: Any) -> Tensor:
    if not isinstance(kernel, Tensor):
        raise TypeError(f"{name}: expected a tensor, got {type(kernel).__name__}")
    if kernel.ndim < 2 or kernel.shape[-1] != kernel.shape[-2] or not kernel.shape[-1]:
        raise ValueError(
            f"{name}: expected shape (..., examples, examples), got {tuple(kernel.shape)}"
        )
    return kernel


def _jacobian(net: Any, inputs: Tensor) -> Tensor:
    """Derivatives of the outputs by all parameters, shape (models, examples, parameters)."""
    if isinstance(net, StackedMLP):
        check_net("net", net, inputs=inputs.shape[1])
        vector = net.vector.detach().clone().requires_grad_()
        outputs = net(inputs.to(vector), vector)
        # No network's outputs depend on the parameters of another: one pass serves all of them.
        rows = [
            torch.autograd.grad(output.sum(), vector, retain_graph=True)[0] for output in outputs.T
        ]
        return torch.stack(rows, 1)
    if not isinstance(net, nn.Module):
        raise TypeError(f"net: expected a network (torch.nn.Module), got {type(net).__name__}")
    parameters = {name: p.detach() for name, p in net.named_parameters() if p.requires_grad}
    if not parameters:
        raise ValueError("net: expected a network with parameters to train, got none")

    def outputs_of(parameters: dict[str, Tensor]) -> Tensor:
        outputs = torch.func.functional_call(net, parameters, (inputs,))
        if outputs.numel() != len(inputs):
            raise ValueError(
                f"net: expected one output for each of {len(inputs)} examples, got shape "
                f"{tuple(outputs.shape)}"
            )
        return outputs.flatten()

    rows = torch.func.jacrev(outputs_of)(parameters)
    return torch.cat([part.flatten(1) for part in rows.values()], 1)[None]


def _as_function(
    net: Any, batch: Any, loss: Callable[..., Tensor]
) -> tuple[Callable[[Tensor], Tensor], Tensor]:
    """Losses as a function of the parameters, shape (models, parameters), and the parameters."""
    if isinstance(net, StackedMLP):
        inputs, targets = check_batch(batch, net)
        vector = net.vector.detach().clone().requires_grad_()
        return lambda v: mean_losses(loss, net(inputs, v), targets), vector
    if not isinstance(net, nn.Module):
        raise TypeError(f"net: expected a network (torch.nn.Module), got {type(net).__name__}")
    if not callable(loss):
        raise TypeError(f"loss: expected a function, got {loss!r:.60}")
    inputs, targets = pair_of_tensors(batch)
    parameters = {name: p.detach() for name, p in net.named_parameters() if p.requires_grad}
    if not parameters:
        raise ValueError("net: expected a network with parameters to train, got none")
    sizes = [p.numel() for p in parameters.values()]

    def losses(vector: Tensor) -> Tensor:
        parts = zip(parameters.items(), vector[0].split(sizes), strict=True)
        changed = {name: part.view_as(p) for (name, p), part in parts}
        # In training mode a network may write into its buffers: into copies of them.
        buffers = {name: buffer.clone() for name, buffer in net.named_buffers()}
        outputs = torch.func.functional_call(net, changed | buffers, (inputs,))
        return one_number("loss", loss(outputs, targets))[None]

    vector = torch.cat([p.flatten() for p in parameters.values()])[None]
    return losses, vector.requires_grad_()


def _preconditioner(net: nn.Module, optimizer: Any) -> Tensor:
    if isinstance(optimizer, StackedAdam):
        if optimizer.net is not net:
            raise ValueError("optimizer: expected the one that trains these networks")
        steps, scale = optimizer.steps, optimizer.preconditioner()
    elif isinstance(optimizer, torch.optim.Adam):
        steps, scale = _preconditioner_of_torch(net, optimizer)
    else:
        raise TypeError(
            f"optimizer: expected a StackedAdam or torch.optim.Adam, got {type(optimizer).__name__}"
        )
    if steps == 0:
        raise ValueError("optimizer: expected one that has made at least one step")
    return scale


def _preconditioner_of_torch(net: nn.Module, optimizer: torch.optim.Adam) -> tuple[int, Tensor]:
    groups = {id(p): group for group in optimizer.param_groups for p in group["params"]}
    parts, steps = [], 0
    for name, parameter in net.named_parameters():
        if not parameter.requires_grad:
            continue
        state, group = optimizer.state.get(parameter), groups.get(id(parameter))
        if group is None:
            raise ValueError("optimizer: expected the one that trains this network")
        if not state and not any(optimizer.state.values()):
            return 0, torch.empty(0)
        if not state:
            raise ValueError(
                f"optimizer: expected one that has moved every parameter, got one without a state "
                f"for {name}, which has had no gradient: freeze it by requires_grad_(False)"
            )
        steps, (beta1, beta2) = int(state["step"]), group["betas"]
        square = state.get("max_exp_avg_sq", state["exp_avg_sq"])  # the first with amsgrad
        root = (square / (1 - beta2**steps)).sqrt() + group["eps"]
        parts.append((1 - beta1 ** (steps + 1)) * root.flatten())
    return steps, torch.cat(parts)[None]


def _largest(
    losses: Callable[[Tensor], Tensor], vector: Tensor, scale: Tensor, tolerance: float, seed: Any
) -> Tensor:
    """Largest eigenvalue of ``diag(scale) H diag(scale)`` for each row of the vector."""
    tolerance = _inputs.real("tolerance", tolerance, at_least=0)
    generator = _inputs.torch_generator(seed)
    (gradient,) = torch.autograd.grad(losses(vector).sum(), vector, create_graph=True)
    # Where the loss is linear the gradient is constant: the second term keeps it differentiable.
    gradient = gradient + 0 * vector

    def product(direction: Tensor) -> Tensor:
        (curved,) = torch.autograd.grad(gradient, vector, scale * direction, retain_graph=True)
        return scale * curved

    start = torch.randn(vector.shape, generator=generator, device=generator.device).to(vector)
    return _lanczos(product, start, tolerance)


def _lanczos(product: Callable[[Tensor], Tensor], start: Tensor, tolerance: float) -> Tensor:
    """Largest eigenvalue of a symmetric matrix for each row of `start`, from products alone."""
    basis = [start / start.norm(dim=1, keepdim=True)]
    diagonal: list[Tensor] = []
    beside: list[Tensor] = []
    largest = torch.full_like(start[:, 0], torch.inf)
    done = torch.zeros_like(largest, dtype=torch.bool)
    quiet = done
    for _ in range(start.shape[1]):
        image = product(basis[-1])
        diagonal.append((image * basis[-1]).sum(1))
        before, found = largest, _largest_of_tridiagonal(diagonal, beside)
        largest = torch.where(done, before, found)
        # One product that changes nothing may be a rest on the second eigenvalue; two hardly are.
        quiet, rested = ((largest - before).abs() <= tolerance * largest.abs()), quiet
        done |= (quiet & rested) | largest.isnan()
        # Against all vectors, twice: rounding would bring found eigenvectors back in.
        for vector in basis * 2:
            image = image - (image * vector).sum(1, keepdim=True) * vector
        beside.append(image.norm(dim=1))
        # Nothing is left where the start held few eigenvectors only: all of those are found.
        done |= beside[-1] <= torch.finfo(start.dtype).eps * largest.abs()
        if bool(done.all()):
            break
        basis.append(image / beside[-1].clamp_min(torch.finfo(start.dtype).tiny)[:, None])
    return largest


def _largest_of_tridiagonal(diagonal: list[Tensor], beside: list[Tensor]) -> Tensor:
    matrix = torch.diag_embed(torch.stack(diagonal, 1).double())
    if beside:
        off = torch.diag_embed(torch.stack(beside, 1).double(), 1)
        matrix = matrix + off + off.mT
    broken = ~matrix.isfinite().all(-1).all(-1)
    matrix[broken] = 0.0
    largest = torch.linalg.eigvalsh(matrix)[:, -1]
    largest[broken] = torch.nan
    return largest.to(diagonal[0].dtype)
