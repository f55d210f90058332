"""The little language in which a sheet's columns are written, checked before anything is computed.

``name`` is a cell of the same row, in a column further to the left, or an input; ``@name`` is the
cell above. There are numbers, ``+ - * / **``, and the functions ``sqrt``, ``MIN``, ``MAX`` and
``IF``, whose first value is a comparison: just what Python, spreadsheets and JavaScript compute
alike.
"""

import ast
import math
import re
import sys
from collections.abc import Callable, Collection, Mapping
from copy import deepcopy
from types import CodeType

__all__ = ["FUNCTIONS", "FormulaError", "compile_row", "parse", "spreadsheet"]

FUNCTIONS = {
    "sqrt": (1, lambda x: math.sqrt(x) if x >= 0 else math.nan),
    "IF": (3, lambda condition, yes, no: yes if condition else no),
    "MIN": (2, min),
    "MAX": (2, max),
}
"""Number of arguments, and the function in Python, of each name that may be called."""

_LARGEST = sys.float_info.max

ABOVE = "above_"
"""What ``@`` becomes in the tree, where a name cannot hold an ``@``."""

# In spreadsheets: the sign, and how tightly it binds.
_OPERATORS = {ast.Add: ("+", 2), ast.Sub: ("-", 2), ast.Mult: ("*", 3), ast.Div: ("/", 3)}
_OPERATORS[ast.Pow] = ("^", 4)
_COMPARISONS = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "="}


class FormulaError(ValueError):
    """A formula that is refused; the message names the column and the reason.

    Examples
    --------
    >>> parse("b", "open(x)", left={"x"}, above=set())
    Traceback (most recent call last):
    ...
    adl.formulas.FormulaError: column b: open() may not be called; there are sqrt, IF, MIN, MAX
    """


def _shown(node: ast.expr) -> str:
    """Write a part of a formula as it was typed."""
    return ast.unparse(node).replace(ABOVE, "@")


def parse(column: str, formula: str, *, left: Collection[str], above: Collection[str]) -> ast.expr:
    """Check a column's formula and return its expression tree.

    Parameters
    ----------
    column : str
        Name of the column, for the message.
    formula : str
        What is computed in each of its cells.
    left : collection of str
        Names that may be used: inputs, and the columns to the left.
    above : collection of str
        Names that may be used with ``@``: columns that have a cell above the first row.

    Returns
    -------
    ast.expr
        With ``above_name`` for ``@name``.

    Raises
    ------
    FormulaError
        If the formula is not of this language, or names a cell that is not there yet.

    Examples
    --------
    >>> ast.unparse(parse("mb", "beta*@mb + (1-beta)*db", left={"beta", "db"}, above={"mb"}))
    'beta * above_mb + (1 - beta) * db'
    >>> parse("b", "c + 1", left=set(), above=set())
    Traceback (most recent call last):
    ...
    adl.formulas.FormulaError: column b: c is neither an input nor a column to the left of it
    """

    def refuse(why: str) -> None:
        raise FormulaError(f"column {column}: {why}")

    if not isinstance(formula, str):
        refuse(f"expected a formula as text, got {type(formula).__name__}")
    if re.search(rf"\b{ABOVE}", f"{column} {formula}"):
        refuse(f"a name cannot begin with {ABOVE}; @ stands for the cell above")
    if re.search(r"@(?!\s*[A-Za-z_])", formula) or re.search(r"[A-Za-z0-9_)\]]\s*@", formula):
        refuse("@ stands before a name, for the cell above")
    text = re.sub(r"@\s*", ABOVE, formula).strip()
    try:
        tree = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError):
        refuse(f"{formula!r} is no formula")
    except (RecursionError, MemoryError):
        refuse("it is too long")
    source = text.encode()  # offsets in the tree count bytes

    def check(node: ast.expr, condition: bool = False) -> None:
        match node:
            case ast.Constant(value=bool() | str() | bytes() | None | complex()):
                refuse(f"{node.value!r} is no number")
            case ast.Constant(value=value) if value is ...:
                refuse("it has no formula yet")
            case ast.Constant(value=number):
                if not -_LARGEST <= number <= _LARGEST:
                    refuse("a number of that size cannot be computed with")
            case ast.Name(id=name) if name.startswith(ABOVE):
                if name.removeprefix(ABOVE) not in above:
                    refuse(f"@{name.removeprefix(ABOVE)} has no cell above the first row")
            case ast.Name(id=name):
                if name == column:
                    refuse(f"{name} is the column itself; @{name} is the cell above")
                if name not in left:
                    refuse(f"{name} is neither an input nor a column to the left of it")
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                power = isinstance(operand, ast.BinOp) and isinstance(operand.op, ast.Pow)
                if power and b"(" not in source[node.col_offset : operand.col_offset]:
                    refuse(
                        "a minus before a power: spreadsheets square first or last; add brackets"
                    )
                check(operand)
            case ast.BinOp(left=first, op=operator, right=second):
                if type(operator) not in _OPERATORS:
                    refuse(f"the operator in {_shown(node)!r} is not one of + - * / **")
                check(first), check(second)
            case ast.Compare(left=first, ops=[comparison], comparators=[second]) if condition:
                if type(comparison) not in _COMPARISONS:
                    refuse(f"the comparison in {_shown(node)!r} is not one of < <= > >= ==")
                check(first), check(second)
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
                if name not in FUNCTIONS:
                    refuse(f"{name}() may not be called; there are {', '.join(FUNCTIONS)}")
                if len(arguments) != FUNCTIONS[name][0]:
                    refuse(f"{name}() takes {FUNCTIONS[name][0]} values, got {len(arguments)}")
                if name == "IF" and not isinstance(arguments[0], ast.Compare):
                    refuse("the first value of IF() is a comparison, such as size > 2")
                for place, argument in enumerate(arguments):
                    check(argument, condition=name == "IF" and place == 0)
            case ast.Compare():
                refuse(
                    f"one comparison can stand in IF(), as its first value, not {_shown(node)!r}"
                )
            case _:
                refuse(f"{_shown(node)!r} is not of the language of sheets")

    try:
        check(tree)
    except RecursionError:
        refuse("it is too long")
    return tree


def compile_row(trees: Mapping[str, ast.expr]) -> CodeType:
    """Compile checked trees into code that fills one row, from left to right.

    Run it with ``exec`` on a dict that holds the inputs, the cells above under ``above_name``, and
    the functions; it adds the cells of the row.

    Examples
    --------
    >>> tree = parse("double", "2*x", left={"x"}, above=set())
    >>> row = {"x": 4.0}
    >>> exec(compile_row({"double": tree}), {"__builtins__": {}}, row)
    >>> row["double"]
    8.0
    """
    body = [
        ast.Assign(targets=[ast.Name(id=column, ctx=ast.Store())], value=_Floats().visit(tree))
        for column, tree in deepcopy(dict(trees)).items()
    ]
    module = ast.fix_missing_locations(ast.Module(body=body, type_ignores=[]))
    return compile(module, "<sheet>", "exec")


class _Floats(ast.NodeTransformer):
    """Makes all numbers floats, as spreadsheets have them: powers of whole numbers know no end."""

    def visit_Constant(self, node: ast.Constant) -> ast.Constant:
        return ast.Constant(value=float(node.value))


def spreadsheet(tree: ast.expr, address: Callable[[str, bool], str]) -> str:
    """Write a checked tree as a spreadsheet's formula, without the ``=`` in front.

    Parameters
    ----------
    tree : ast.expr
        From `parse`.
    address : callable
        Gets a name, and whether the cell above is meant; returns where it stands, such as ``"D7"``.

    Returns
    -------
    str
        The same computation: brackets stand where Python and spreadsheets would group differently.

    Examples
    --------
    >>> tree = parse("c", "2*(a - @b)**2", left={"a"}, above={"b"})
    >>> spreadsheet(tree, lambda name, above: name.upper() + ("4" if above else "5"))
    '2*(A5-B4)^2'
    """

    def write(node: ast.expr, around: int = 0) -> str:
        match node:
            case ast.Constant(value=number):
                return repr(number).upper()
            case ast.Name(id=name):
                return address(name.removeprefix(ABOVE), name.startswith(ABOVE))
            case ast.UnaryOp(operand=operand):
                text, binds = "-" + write(operand, 5), 1  # in brackets, unless it stands alone
            case ast.BinOp(left=first, op=operator, right=second):
                sign, binds = _OPERATORS[type(operator)]
                # From the left, as spreadsheets group all of them, powers included.
                text = write(first, binds if sign != "^" else 5) + sign + write(second, binds + 1)
            case ast.Compare(left=first, ops=[comparison], comparators=[second]):
                text, binds = write(first, 1) + _COMPARISONS[type(comparison)] + write(second, 1), 0
            case ast.Call(func=ast.Name(id=name), args=arguments):
                return f"{name.upper()}({','.join(map(write, arguments))})"
        return f"({text})" if binds < around else text

    return write(tree)
