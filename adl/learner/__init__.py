"""Training with callbacks: the loop is written once, and what varies is plugged into it.

A `Learner` trains a model; what else should happen, a schedule, a record, a progress bar, a
`Callback` does at the moment that it names.

Examples
--------
>>> [name for name in HOOKS if name.startswith("before")]
['before_fit', 'before_epoch', 'before_batch']
"""

from adl.learner._callback import (
    HOOKS,
    Callback,
    CancelBatchException,
    CancelEpochException,
    CancelFitException,
    SingleBatchCB,
)
from adl.learner._finder import LRFinderCB, find_lr, plot_finder, suggest_lr
from adl.learner._learner import Learner
from adl.learner._record import MetricsCB, ProgressCB, RecorderCB, accuracy
from adl.learner._schedule import BatchSchedCB, EpochSchedCB
from adl.learner._stats import GRADIENT_EDGES, StatsCB

__all__ = [
    "GRADIENT_EDGES",
    "HOOKS",
    "BatchSchedCB",
    "Callback",
    "CancelBatchException",
    "CancelEpochException",
    "CancelFitException",
    "EpochSchedCB",
    "LRFinderCB",
    "Learner",
    "MetricsCB",
    "ProgressCB",
    "RecorderCB",
    "SingleBatchCB",
    "StatsCB",
    "accuracy",
    "find_lr",
    "plot_finder",
    "suggest_lr",
]
