"""Small Steps: how neural networks learn, by experiment.

``import adl`` loads nothing heavy: each module is imported when it is first named, and brings
torch, plotnine or scikit-learn along only if it needs them.

Examples
--------
>>> import adl
>>> round(adl.model_1p.critical_step_size([1.0, 2.0, 3.0]), 4)
0.2143
"""

from importlib import import_module
from typing import Any

__all__ = [
    "claims",
    "critical_rate",
    "curvature",
    "data",
    "dependence",
    "double_descent",
    "edge",
    "exercises",
    "finite_differences",
    "flow",
    "flow_plots",
    "fluctuations",
    "formulas",
    "full_scale",
    "gradient_share",
    "heavy_tail",
    "images",
    "layout",
    "lazy",
    "lazy_plots",
    "learner",
    "least_squares",
    "linear",
    "linear_plots",
    "live",
    "losses",
    "model_1p",
    "model_2p",
    "models",
    "plotting",
    "race",
    "results",
    "row_by_row",
    "scaled_1d",
    "scaled_1d_plots",
    "schedules",
    "settling",
    "sheet_plots",
    "sheets",
    "singular",
    "singular_plots",
    "sklearn",
    "spread_control",
    "training",
    "width",
    "workbook",
]


# What the practical calls by name, and where it lives.
_NAMES = {
    "Data": "data",
    "LinSin": "models",
    "MLPdeep": "models",
    "MLPshallow": "models",
    "ScaledModel": "models",
    "complex_f": "data",
    "middle_f": "data",
    "plot_data": "plotting",
    "plot_net": "plotting",
    "simple_f": "data",
    "train": "training",
}


def __getattr__(name: str) -> Any:
    """Import a public module of the package the first time that it is named (PEP 562)."""
    if name in _NAMES:
        return getattr(import_module(f"{__name__}.{_NAMES[name]}"), name)
    if name in __all__:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module 'adl' has no attribute {name!r}; it has {', '.join(__all__)}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__, *_NAMES])
