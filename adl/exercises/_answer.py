"""Calling a reader's function so that whatever happens can be answered in words."""

import builtins
import copy
import inspect
import io
import linecache
import re
import signal
import threading
import traceback
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from itertools import islice
from typing import Any

_SECONDS = 20  # the first torch.optim of a session takes several seconds to import its parts
_MOST_ITEMS = 100_000

# What torch, NumPy and Python say to beginners most often, and what they did to hear it. The
# patterns are looked for in the exception's name and message, followed by the line that raised it.
_ADVICE = [
    (
        r"does not require grad|does not have a grad_fn",
        "Nothing in the loss asks for a gradient. Either the parameter was created without "
        "requires_grad=True, or it lost that on the way: by .item(), by .detach(), or by an "
        "assignment like `w = w - ...` inside `with torch.no_grad():`, which makes a new tensor; "
        "`w -= ...` keeps the old one.",
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
    (
        r"name '(np|numpy)' is not defined",
        "NumPy is not imported in this notebook: `import numpy as np` does it.",
    ),
    (
        r"name '(pd|pandas)' is not defined",
        "pandas is not imported in this notebook: `import pandas as pd` does it.",
    ),
    (r"name 'math' is not defined", "`import math` is missing."),
    (
        r"name '(log|log10|log2|sqrt|exp|inf|isfinite|hypot|ceil)' is not defined",
        "It belongs to the module `math`: `import math`, and write `math.` in front.",
    ),
    (r"bitwise_xor|for \^", "In Python a power is written `**`; `^` is something else."),
    (r'missing the required "forward"', "A torch module needs a method called `forward`."),
]


class Mistake(Exception):
    """What is wrong with an answer, in the words that the reader gets."""


class NotAttempted(Mistake):
    """The function is still the stub."""


class Stopped(Mistake):
    """The reader's function raised an exception."""


class Endless(Mistake):
    """The reader's function did not come back in time."""


class _OutOfTime(BaseException):
    """Not an Exception, so that a reader's ``except Exception`` does not swallow it."""


class _Muted(io.TextIOBase):
    """Swallows what is printed, and remembers only that something was."""

    used = False

    def write(self, text: str) -> int:
        self.used = self.used or bool(text.strip())
        return len(text)


class Answer:
    """A reader's function or class, safe to call.

    Parameters
    ----------
    function : object
        What was handed in, a function or not.
    signature : str
        What it should look like; a class begins with a capital.

    Attributes
    ----------
    name : str
        What it should be called.
    printed : bool
        Whether the last call printed anything.
    """

    def __init__(self, function: Any, signature: str) -> None:
        if function is None or function is ...:
            raise NotAttempted
        self.name = signature.split("(")[0]
        self._kind = "class" if self.name[0].isupper() else "function"
        if not callable(function):
            raise Mistake(
                f"The check wants the {self._kind} itself, so that it can call it on data of its "
                f"own. Hand in `{self.name}`, not the result of calling it."
            )
        if inspect.iscoroutinefunction(function):
            raise Mistake("Your function is a coroutine: remove the word `async`.")
        self.function = function
        self._signature = signature
        self._calls = 0
        self.printed = False

    def __call__(
        self,
        *arguments: Any,
        where: str = "",
        advice: Iterable[tuple[str, str]] = (),
        seconds: float | None = None,
    ) -> Any:
        """Call the function on copies of the arguments.

        Parameters
        ----------
        *arguments
            Handed on by position.
        where : str
            Said in the message if the call fails, such as ``"at the critical step size"``.
        advice : iterable of (str, str)
            What to add if it fails in a known way; see `run`.
        seconds : float, optional
            How long it may take; None is 20.

        Returns
        -------
        Any
            What the function returns; generators as lists.

        Raises
        ------
        NotAttempted
            If it returns ``...`` or raises NotImplementedError, as stubs do.
        Mistake
            If it takes other arguments, stops with an exception, or does not come back.
        """
        try:
            inspect.signature(self.function).bind(*arguments)
        except TypeError:
            raise Mistake(
                f"Your {self._kind} takes other arguments than asked for. It is called by "
                f"position, as `{self._signature}`."
            ) from None
        except ValueError:
            pass  # some built-in functions have no signature; the call will tell
        self._calls += 1

        def call() -> Any:
            value = self.function(*copy.deepcopy(arguments))
            return list(islice(value, _MOST_ITEMS)) if isinstance(value, Iterator) else value

        value = self.run(call, where=where, advice=advice, seconds=seconds)
        if value is ...:
            if self._calls > 1 or self.printed:
                raise Mistake(
                    "Your function still has a line `return ...`: return the result there."
                )
            raise NotAttempted
        return value

    def run(
        self,
        work: Callable[[], Any],
        *,
        where: str = "",
        advice: Iterable[tuple[str, str]] = (),
        seconds: float | None = None,
    ) -> Any:
        """Do something that calls the reader's code, such as a training with their callback.

        Parameters
        ----------
        work : callable
            Called with nothing.
        where : str
            As for a call.
        advice : iterable of (str, str)
            Patterns of what an exception or the line that raised it may say, and what to add to the
            message then. They come before those that all exercises share.
        seconds : float, optional
            As for a call.

        Returns
        -------
        Any
            What `work` returns.

        Raises
        ------
        NotAttempted
            If the reader's code raises NotImplementedError, as stubs do.
        Mistake
            If it stops with an exception, or does not come back.
        """
        seconds = _SECONDS if seconds is None else seconds
        output, at = _Muted(), f" {where}" if where else ""
        try:
            with _watched(output, seconds):
                return work()
        except (KeyboardInterrupt, Mistake):
            raise
        except _OutOfTime:
            raise Endless(
                f"Your {self._kind} had not come back after {seconds:g} seconds{at}. Is there a "
                "loop that never ends, or one that could be a formula?"
            ) from None
        except BaseException as error:
            line = _line_of(error, self.function)
            if isinstance(error, NotImplementedError) and line.startswith("raise"):
                raise NotAttempted from None
            said = _in_words(error, line, at, (*advice, *_ADVICE))
            raise Stopped(f"Your {self._kind} {said}") from None
        finally:
            self.printed = output.used


@contextmanager
def _watched(output: _Muted, seconds: float) -> Iterator[None]:
    """Keep what a reader's function does beside its work away from the notebook."""
    with redirect_stdout(output), redirect_stderr(output), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with _without_input(), _time_limit(seconds):
            yield


@contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    """Interrupt what takes too long, where the platform can (not on Windows, nor in threads)."""
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "SIGALRM"):
        yield
        return

    def interrupt(*_: Any) -> None:
        raise _OutOfTime

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, seconds, 1)  # again, for loops that catch everything
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def _without_input() -> Iterator[None]:
    """Let nobody wait for something to be typed."""

    def refuse(*_: Any) -> None:
        raise RuntimeError("there is nobody to answer input(); take the numbers from the arguments")

    before, builtins.input = builtins.input, refuse
    try:
        yield
    finally:
        builtins.input = before


def _line_of(error: BaseException, function: Any) -> str:
    """Source line of the reader's own code that an exception came from, "" if it is not known."""
    parts = vars(function).values() if isinstance(function, type) else [function]
    own_code = [getattr(inspect.unwrap(part), "__code__", None) for part in parts]
    files = {code.co_filename for code in own_code if code is not None}
    own = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename in files]
    return linecache.getline(own[-1].filename, own[-1].lineno or 0).strip() if own else ""


def _in_words(error: BaseException, line: str, at: str, advice: Iterable[tuple[str, str]]) -> str:
    if isinstance(error, SystemExit):
        return f"calls exit(){at}, which would end the whole notebook: remove that."
    try:
        said = str(error).strip().split("\n")[0]
    except Exception:
        said = ""
    first = re.split(r"(?<=[.!?])\s", said)[0].rstrip(".")  # torch explains at length
    first = first if len(first) <= 200 else first[:199] + "…"
    words = f"stopped with {type(error).__name__}{at}"
    words += (f": {first}" if first else "") + (f", in the line `{line}`." if line else ".")
    for pattern, suggestion in advice:
        if re.search(pattern, f"{type(error).__name__}: {said} {line}"):
            return f"{words} {suggestion}"
    return words
