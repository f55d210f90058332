"""Cells that readers may change: yellow, unlocked, and checked as they type."""

from typing import Any


def add_input(
    worksheet: Any,
    cell: str,
    name: str,
    form: Any,
    *,
    value: Any,
    about: str,
    low: float,
    high: float | None = None,
    formula: str | None = None,
) -> None:
    """Write an input with what it is, what it takes, and what is said when that is not so."""
    if formula:
        worksheet.write_formula(cell, formula, form, value)
    else:
        worksheet.write_number(cell, value, form)
    if high is None:
        bounds = f"a number of at least {low:g}"
        rule = {"criteria": ">=", "value": low}
    else:
        bounds = f"a number from {low:g} to {high:g}"
        rule = {"criteria": "between", "minimum": low, "maximum": high}
    about = about[:1].upper() + about[1:].rstrip(".") + "."
    worksheet.data_validation(
        cell,
        rule
        | {
            "validate": "decimal",
            "input_title": name[:32],
            "input_message": f"{about[:200]} Takes {bounds}.",
            "error_type": "stop",
            "error_title": "This number cannot be used",
            "error_message": f"{name[:60]} takes {bounds}. Type one, or press Esc to keep the old.",
        },
    )
