"""Saying which methods of pyvcloud a test shows to work, and making sure that it calls them."""

import functools
import importlib
from collections.abc import Callable
from typing import Any

import pytest

CLASSES = {
    "Client": ("client", "Client"),
    "Query": ("client", "_TypedQuery"),
    "TaskMonitor": ("client", "_TaskMonitor"),
    "Org": ("org", "Org"),
    "VDC": ("vdc", "VDC"),
    "VApp": ("vapp", "VApp"),
    "VM": ("vm", "VM"),
    "VdcNetwork": ("vdc_network", "VdcNetwork"),
    "ExternalNetwork": ("external_network", "ExternalNetwork"),
    "Platform": ("platform", "Platform"),
    "System": ("system", "System"),
    "PVDC": ("pvdc", "PVDC"),
    "Role": ("role", "Role"),
    "Task": ("task", "Task"),
    "APIExtension": ("api_extension", "APIExtension"),
    "AmqpService": ("amqp", "AmqpService"),
}
"""Where pyvcloud's public classes are, and the two that are public by what their methods return."""


def covers(*methods: str) -> pytest.MarkDecorator:
    """Mark a test with the methods, such as `VDC.create_vapp`, that it shows to work."""
    return pytest.mark.covers(*methods)


def pyvcloud_class(name: str) -> type:
    module, attribute = CLASSES[name]
    found: type = getattr(importlib.import_module(f"pyvcloud.vcd.{module}"), attribute)
    return found


def public_methods(name: str) -> list[str]:
    """Names of a class's public methods, those of its pyvcloud bases included."""
    bases = [one for one in pyvcloud_class(name).__mro__ if one.__module__.startswith("pyvcloud")]
    return [name for base in bases for name, one in vars(base).items() if callable(one) and not name.startswith("_")]


class Calls:
    """Counts how often methods are called, until the test is over."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch
        self._counts: dict[str, int] = {}

    def count(self, method: str) -> None:
        class_name, _, name = method.partition(".")
        owner = pyvcloud_class(class_name)
        self._counts[method] = 0
        self._monkeypatch.setattr(owner, name, self._counting(method, getattr(owner, name)))

    def missing(self) -> list[str]:
        return [method for method, count in self._counts.items() if not count]

    def _counting(self, method: str, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def called(*args: Any, **kwargs: Any) -> Any:
            result = original(*args, **kwargs)
            self._counts[method] += 1
            return result

        return called
