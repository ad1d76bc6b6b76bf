"""The steps that operations of the cluster manager take, as its code names them."""

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

from cse_clusters import application


def untried_steps(points: Iterable[str]) -> set[str]:
    """Steps of the code that no point is in; those that are named by a variable are not known."""
    tried = {point.removeprefix("undo ").partition(":")[0].partition("/")[0].partition("@")[0] for point in points}
    return set(_named()) - tried


def _named() -> Iterator[str]:
    """The first text among the arguments of each call of something that is called `step`."""
    for folder in application.__path__:
        for file in Path(folder).glob("*.py"):
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.Call) and _name(node.func) == "step":
                    texts = (each.value for each in node.args if isinstance(each, ast.Constant))
                    yield from [text for text in texts if isinstance(text, str)][:1]


def _name(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
