"""Learning-rate schedules: what torch offers, what a schedule does before it is used, and two more.

``names()`` lists torch's schedulers; ``trace`` runs one without touching anything, and ``plot``
draws what came out. `warmup_cosine` puts two of them together; `Annealer` is chapter 2's automatic
rule.
"""

from adl.schedules.annealer import Annealer
from adl.schedules.figure import plot
from adl.schedules.listing import COMMON, by_first_letters, names
from adl.schedules.tracing import trace
from adl.schedules.warmup import warmup_cosine

__all__ = ["COMMON", "Annealer", "by_first_letters", "names", "plot", "trace", "warmup_cosine"]
