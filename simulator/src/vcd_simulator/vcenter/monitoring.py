"""PerformanceManager and AlarmManager: what can be measured of machines, and that there are no alarms."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from vcd_simulator.vcenter.inventory import Inventory
from vcd_simulator.vcenter.objects import Properties
from vcd_simulator.vcenter.sessions import Session
from vcd_simulator.vcenter.soap import Arguments, Array, Data, Long, Ref, Request, Value, invalid_request

_UPTIME = 155
"""The counter `sys.uptime.latest`, by the number that it usually has."""
_INTERVAL_S = 20


def _element(label: str, key: str) -> Data:
    return Data("ElementDescription", {"label": label, "summary": label, "key": key})


def _uptime_counter() -> Data:
    return Data(
        "PerfCounterInfo",
        {
            "key": _UPTIME,
            "nameInfo": _element("Uptime", "uptime"),
            "groupInfo": _element("System", "sys"),
            "unitInfo": _element("s", "second"),
            "rollupType": "latest",
            "statsType": "absolute",
            "level": 1,
            "perDeviceLevel": 3,
        },
    )


class Performance:
    """The methods of PerformanceManager for one vCenter. What is counted is how long machines have been running."""

    def __init__(self, inventory: Inventory) -> None:
        self._inventory = inventory

    def methods(self) -> Mapping[str, Callable[[Request, Session], Value]]:
        """What there is, by the names of the vSphere API."""
        return {
            "QueryPerfProviderSummary": self._provider,
            "QueryAvailablePerfMetric": self._available,
            "QueryPerfCounter": self._counters,
            "QueryPerfCounterByLevel": lambda _request, _session: [_uptime_counter()],
            "QueryPerf": self._query,
        }

    def properties(self) -> Properties:
        """How to read each property of PerformanceManager."""
        return {
            "description": lambda: Data(
                "PerformanceDescription",
                {"counterType": [_element("Latest", "latest")], "statsType": [_element("Absolute", "absolute")]},
            ),
            "historicalInterval": lambda: Array("PerfInterval", []),
            "perfCounter": lambda: Array("PerfCounterInfo", [_uptime_counter()]),
        }

    def _provider(self, request: Request, _session: Session) -> Value:
        entity = request.arguments.ref("entity")
        self._inventory.properties(entity)
        machine = entity.type == "VirtualMachine"
        return Data(
            "PerfProviderSummary",
            {
                "entity": entity,
                "currentSupported": machine,
                "summarySupported": False,
                "refreshRate": _INTERVAL_S if machine else None,
            },
        )

    def _available(self, request: Request, _session: Session) -> Value:
        entity = request.arguments.ref("entity")
        return [] if self._uptime(entity) is None else [_metric()]

    def _counters(self, request: Request, _session: Session) -> Value:
        wanted = request.arguments.integers("counterId")
        if any(number != _UPTIME for number in wanted):
            raise invalid_request("there is no such counter", "counterId")
        return [_uptime_counter() for _ in wanted]

    def _query(self, request: Request, _session: Session) -> Value:
        """The present value for every entity that has one; vCenter keeps no older ones here."""
        found = (self._measured(spec) for spec in request.arguments.children("querySpec"))
        return [one for one in found if one is not None]

    def _measured(self, spec: Arguments) -> Data | None:
        entity = spec.ref("entity")
        seconds = self._uptime(entity)
        wanted = [one.integer("counterId") for one in spec.children("metricId")]
        if seconds is None or (wanted and _UPTIME not in wanted):
            return None
        now = datetime.now(UTC).replace(microsecond=0)
        begin, end = spec.time("startTime"), spec.time("endTime")
        if (begin is not None and begin > now.timestamp()) or (end is not None and end < now.timestamp() - _INTERVAL_S):
            return None
        if spec.text("format", "normal") == "csv":
            stamp = now.isoformat().replace("+00:00", "Z")
            value = Data("PerfMetricSeriesCSV", {"id": _metric(), "value": str(seconds)})
            return Data(
                "PerfEntityMetricCSV",
                {"entity": entity, "sampleInfoCSV": f"{_INTERVAL_S},{stamp}", "value": [value]},
            )
        return Data(
            "PerfEntityMetric",
            {
                "entity": entity,
                "sampleInfo": [Data("PerfSampleInfo", {"timestamp": now, "interval": _INTERVAL_S})],
                "value": [Data("PerfMetricIntSeries", {"id": _metric(), "value": [Long(seconds)]})],
            },
        )

    def _uptime(self, entity: Ref) -> int | None:
        """For how many seconds a machine has run; None for what does not run."""
        self._inventory.properties(entity)
        if entity.type != "VirtualMachine":
            return None
        booted = self._inventory.guest(entity).booted_at
        return None if booted is None else max(0, int(datetime.now(UTC).timestamp() - booted))


def _metric() -> Data:
    return Data("PerfMetricId", {"counterId": _UPTIME, "instance": ""})


class Alarms:
    """The methods of AlarmManager for one vCenter, which has no alarms."""

    def __init__(self, inventory: Inventory) -> None:
        self._inventory = inventory

    def methods(self) -> Mapping[str, Callable[[Request, Session], Value]]:
        """What there is, by the names of the vSphere API."""
        return {"GetAlarm": self._none, "GetAlarmState": self._none}

    @staticmethod
    def properties() -> Properties:
        """How to read each property of AlarmManager."""
        return {"defaultExpression": lambda: Array("AlarmExpression", []), "description": lambda: None}

    def _none(self, request: Request, _session: Session) -> Value:
        entity = request.arguments.optional_ref("entity")
        if entity is not None:
            self._inventory.properties(entity)
        return []
