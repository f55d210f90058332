"""Reference fits by scikit-learn, which gradient descent is compared with."""

from typing import Any

from sklearn.linear_model import LinearRegression
from sklearn.metrics import mean_squared_error

from adl import _inputs

__all__ = ["skl_regression"]


def skl_regression(x: Any, y: Any, fit_intercept: bool = True) -> dict[str, float]:
    """Least-squares line through points, fitted by scikit-learn.

    Parameters
    ----------
    x, y : array_like, shape (n,)
        Inputs and targets: lists, arrays, pandas Series or tensors.
    fit_intercept : bool, default True
        Whether the line may cross the axis elsewhere than at 0.

    Returns
    -------
    dict
        ``slope``, ``intercept`` (0.0 if it is not fitted) and ``mse``, the mean squared error.

    Raises
    ------
    TypeError, ValueError
        If `x` or `y` is empty, not numeric, not finite, if their lengths differ, or if
        `fit_intercept` is not a truth value.

    See Also
    --------
    adl.model_1p.train : finds the same slope by gradient descent.

    Examples
    --------
    >>> fit = skl_regression([1, 2, 3], [2.1, 3.9, 6.0], fit_intercept=False)
    >>> print(f"slope {fit['slope']:.3f}, mse {fit['mse']:.4f}")
    slope 1.993, mse 0.0064
    """
    x, y = _inputs.pair(x, y)
    if not isinstance(fit_intercept, bool):
        raise TypeError(f"fit_intercept: expected True or False, got {fit_intercept!r}")
    model = LinearRegression(fit_intercept=fit_intercept).fit(x[:, None], y)
    return {
        "slope": float(model.coef_[0]),
        "intercept": float(model.intercept_),
        "mse": float(mean_squared_error(y, model.predict(x[:, None]))),
    }
