from datetime import timedelta
from types import SimpleNamespace

import pytest

from cse_core.settings import SettingsError
from cse_gateway.entrypoints.amqp import consumer
from cse_gateway.entrypoints.amqp.consumer import Timing
from cse_gateway.settings import GatewaySettings


def test_the_defaults_are_those_of_the_documentation() -> None:
    assert GatewaySettings.read({}) == GatewaySettings()


def test_every_variable_is_read() -> None:
    settings = GatewaySettings.read(
        {
            "CSE_CLUSTERS_TARGET": "unix:/run/cse.sock",
            "CSE_TEMPLATES_TARGET": "templates:7402",
            "CSE_GATEWAY_LISTEN": "0.0.0.0:1",
            "CSE_GATEWAY_EXTENSION_TIMEOUT_S": "40",
            "CSE_GATEWAY_REPLY_MARGIN_S": "1.5",
            "CSE_GATEWAY_CLOCK_TOLERANCE_MS": "250",
            "CSE_LOG_LEVEL": "DEBUG",
            "CSE_LOG_FORMAT": "json",
        }
    )
    assert settings.clusters_target == "unix:/run/cse.sock"
    assert settings.extension_timeout == timedelta(seconds=40)
    assert settings.reply_margin == timedelta(seconds=1.5)
    assert settings.clock_tolerance == timedelta(milliseconds=250)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("CSE_CLUSTERS_TARGET", "nowhere"),
        ("CSE_GATEWAY_REPLY_MARGIN_S", "10"),
        ("CSE_GATEWAY_EXTENSION_TIMEOUT_S", "nan"),
        ("CSE_GATEWAY_CLOCK_TOLERANCE_MS", "-1"),
    ],
)
def test_a_bad_value_names_its_variable(variable: str, value: str) -> None:
    with pytest.raises(SettingsError, match=variable):
        GatewaySettings.read({variable: value})


def test_the_time_left_is_bounded_by_the_extension_timeout_and_moved_by_the_tolerance(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(consumer, "time", SimpleNamespace(time=lambda: 1000.0))
    timing = Timing(extension_timeout_s=10, margin_s=0.5, clock_tolerance_s=2)
    assert timing.remaining_s(None) == 10
    assert timing.remaining_s(4600) == 10
    assert timing.remaining_s(1003) == 5
    assert timing.remaining_s(999) == 1
    assert timing.remaining_s(997) == -1
