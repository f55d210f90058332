"""Calling a reader's function so that whatever happens can be answered in words."""

import copy
import inspect
import io
import linecache
import re
import signal
import threading
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import Any

_SECONDS = 20  # the first torch.optim of a session takes several seconds to import its parts

# What torch says to beginners most often, and what they did to hear it. The patterns are looked for
# in the message followed by the line that raised it.
_ADVICE = [
    (
        r"does not require grad|does not have a grad_fn",
        "Nothing in the loss asks for a gradient: create the parameter with requires_grad=True, "
        "and compute the loss from it, without .item() or .detach() on the way.",
    ),
    (
        r"leaf [Vv]ariable that requires grad",
        "The update changes a parameter that autograd watches: do it inside "
        "`with torch.no_grad():`.",
    ),
    (
        r"NoneType.*\bgrad\b",
        "A gradient is None, either because backward() has not run yet, or because an assignment "
        "like `w = w - ...` made a new tensor that autograd does not watch; `w -= ...` inside "
        "`with torch.no_grad():` keeps the old one.",
    ),
    (
        r"backward through the graph a second time",
        "The loss is computed once and used in several steps: compute it anew in each step.",
    ),
    (
        r"Can't call numpy\(\) on Tensor that requires grad",
        "Take the number out with .item(), or .detach() first.",
    ),
    (
        r"must have the same dtype|expected .* dtype|expected scalar type",
        "Two tensors have different number types: make both float32, with .float().",
    ),
    (
        r"grad can be implicitly created only for scalar outputs",
        "The loss is still one number per point: take its mean before backward().",
    ),
]


class Mistake(Exception):
    """What is wrong with an answer, in the words that the reader gets."""


class NotAttempted(Mistake):
    """The function is still the stub."""


class Stopped(Mistake):
    """The reader's function raised an exception, kept in ``error``."""

    def __init__(self, message: str, error: BaseException) -> None:
        super().__init__(message)
        self.error = error


class Endless(Mistake):
    """The reader's function did not come back in time."""


class _OutOfTime(BaseException):
    """Not an Exception, so that a reader's ``except Exception`` does not swallow it."""


class Answer:
    """A reader's function, safe to call.

    Parameters
    ----------
    function : object
        What was handed in, a function or not.
    signature : str
        What it should look like.

    Attributes
    ----------
    printed : bool
        Whether the last call printed anything.
    """

    def __init__(self, function: Any, signature: str) -> None:
        name = signature.split("(")[0]
        if function is None or function is ...:
            raise NotAttempted
        if not callable(function):
            raise Mistake(
                f"The check wants the function itself, so that it can call it on data of its own. "
                f"Hand in `{name}`, not the result of calling it."
            )
        self._function = function
        self._signature = signature
        self.printed = False

    def __call__(self, *arguments: Any, where: str = "") -> Any:
        """Call the function on copies of the arguments.

        Parameters
        ----------
        *arguments
            Handed on by position.
        where : str
            Said in the message if the call fails, such as ``"at the critical step size"``.

        Returns
        -------
        Any
            What the function returns.

        Raises
        ------
        NotAttempted
            If it returns ``...`` or raises NotImplementedError, as stubs do.
        Mistake
            If it takes other arguments, stops with an exception, or does not come back.
        """
        try:
            inspect.signature(self._function).bind(*arguments)
        except TypeError:
            raise Mistake(
                f"Your function takes other arguments than asked for. It is called as "
                f"`{self._signature}`."
            ) from None
        except ValueError:
            pass  # some built-in functions have no signature; the call will tell
        output = io.StringIO()
        at = f" {where}" if where else ""
        try:
            with redirect_stdout(output), warnings.catch_warnings(), _time_limit():
                warnings.simplefilter("ignore")
                value = self._function(*copy.deepcopy(arguments))
        except NotImplementedError:
            raise NotAttempted from None
        except _OutOfTime:
            raise Endless(
                f"Your function had not come back after {_SECONDS} seconds{at}. Is there a loop "
                "that never ends, or one that could be a formula?"
            ) from None
        except (Exception, SystemExit) as error:
            raise Stopped(_in_words(error, self._function, at), error) from None
        finally:
            self.printed = bool(output.getvalue().strip())
        if value is ...:
            raise NotAttempted
        return value


@contextmanager
def _time_limit() -> Iterator[None]:
    """Interrupt what takes too long, where the platform can (not on Windows, nor in threads)."""
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "SIGALRM"):
        yield
        return

    def interrupt(*_: Any) -> None:
        raise _OutOfTime

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, _SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _in_words(error: BaseException, function: Any, at: str) -> str:
    said = str(error).strip().split("\n")[0]
    words = f"Your function stopped with {type(error).__name__}{at}"
    words += f": {said[:200].rstrip('.')}" if said else ""
    code = getattr(function, "__code__", None)
    frames = [f for f in traceback.extract_tb(error.__traceback__) if code is not None]
    frames = [f for f in frames if f.filename == code.co_filename]
    line = linecache.getline(frames[-1].filename, frames[-1].lineno or 0).strip() if frames else ""
    words += f", in the line `{line}`." if line else "."
    for pattern, advice in _ADVICE:
        if re.search(pattern, f"{error} {line}"):
            return f"{words} {advice}"
    return words
