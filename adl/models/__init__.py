"""The course's networks: single ones, as the practical uses them, and many at once in a stack."""

from adl.models._single import LinSin, MLPdeep, MLPshallow, ScaledModel
from adl.models._stacked import StackedMLP

__all__ = ["LinSin", "MLPdeep", "MLPshallow", "ScaledModel", "StackedMLP"]
