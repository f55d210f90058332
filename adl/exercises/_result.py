"""What a check and the table of progress look like, in plain text and in a notebook."""

import re
from dataclasses import dataclass
from html import escape
from typing import Literal

State = Literal["correct", "wrong", "not attempted"]

_LOOKS = {
    "correct": ("✓", "#00795A", "alert-success"),
    "wrong": ("✗", "#C8500A", "alert-warning"),
    "not attempted": ("○", "#6B6B6B", "alert-secondary"),
}


@dataclass(frozen=True, repr=False)
class Result:
    """What a check has to say.

    Attributes
    ----------
    exercise : str
        The exercise's id.
    state : {"correct", "wrong", "not attempted"}
    message : str
        What is right, or the mistake that was recognised, or what is not written yet.
    hint : str
        The hint that this attempt unlocked; empty unless the answer is wrong.
    hint_number : int
        Which of the three it is.

    Examples
    --------
    >>> Result("1.1", "wrong", "One epoch too many.", "Count the updates.", 1)
    Exercise 1.1: One epoch too many.
    Hint 1 of 3: Count the updates.
    """

    exercise: str
    state: State
    message: str = ""
    hint: str = ""
    hint_number: int = 0

    @property
    def correct(self) -> bool:
        """Whether the answer is right."""
        return self.state == "correct"

    def _headline(self) -> str:
        return {
            "correct": f"correct. {self.message}",
            "wrong": self.message,
            "not attempted": f"not attempted yet ({self.message or 'the function returns `...`'}).",
        }[self.state]

    def __repr__(self) -> str:
        text = f"Exercise {self.exercise}: {self._headline()}".replace("Exercise :", "").strip()
        return text + (f"\nHint {self.hint_number} of 3: {self.hint}" if self.hint else "")

    def _repr_html_(self) -> str:
        sign, colour, alert = _LOOKS[self.state]
        hint = (
            f"<details><summary>Hint {self.hint_number} of 3</summary>"
            f"<p>{_marked_up(self.hint)}</p></details>"
            if self.hint
            else ""
        )
        return (
            f'<div class="adl-result alert {alert}" style="border-left:4px solid {colour};'
            f'padding:.5em 1em;margin:.5em 0"><p style="margin:0"><strong>{sign} Exercise '
            f"{escape(self.exercise)}</strong>: {_marked_up(self._headline())}</p>{hint}</div>"
        )


@dataclass(frozen=True, repr=False)
class Progress:
    """A table of exercises and their state.

    Attributes
    ----------
    rows : list of (id, title, state)
    note : str
        What to do with the file that is handed in; empty if there is none.
    to_copy : str
        That file's text, where it could not be written.

    Examples
    --------
    >>> Progress([("1.1", "the training loop", "correct")])
    1.1  the training loop  correct
    1 of 1 done
    """

    rows: list[tuple[str, str, State]]
    note: str = ""
    to_copy: str = ""

    def _summary(self) -> str:
        done = sum(state == "correct" for _, _, state in self.rows)
        return f"{done} of {len(self.rows)} done"

    def __repr__(self) -> str:
        width = max(len(title) for _, title, _ in self.rows)
        lines = [f"{number}  {title:<{width}}  {state}" for number, title, state in self.rows]
        below = [text for text in (self._summary(), self.note, self.to_copy) if text]
        return "\n".join([*lines, *below])

    def _repr_html_(self) -> str:
        left = '<td style="text-align:left">'  # notebooks set table cells to the right
        head = left.replace("td", "th", 1)
        body = "".join(
            f"<tr>{left}{escape(number)}</td>{left}{escape(title)}</td>"
            f'{left}<span style="color:{_LOOKS[state][1]}" aria-hidden="true">{_LOOKS[state][0]}'
            f"</span> {state}</td></tr>"
            for number, title, state in self.rows
        )
        note = f"<p>{_marked_up(self.note)}</p>" if self.note else ""
        to_copy = f"<pre>{escape(self.to_copy)}</pre>" if self.to_copy else ""
        return (
            '<table class="adl-progress dataframe"><thead><tr>'
            f"{head}exercise</th>{head}what it asks</th>{head}state</th></tr></thead>"
            f"<tbody>{body}</tbody></table><p>{self._summary()}</p>{note}{to_copy}"
        )


def _marked_up(text: str) -> str:
    """Plain text with `code` in backticks, as HTML."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text, quote=False))
