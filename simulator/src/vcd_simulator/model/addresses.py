"""IP pools that really run out, and MAC addresses."""

import heapq
import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema


class PoolExhaustedError(Exception):
    """No address is left."""


class AddressInUseError(Exception):
    """The wanted address belongs to somebody else, or not to the subnet."""


@dataclass(kw_only=True)
class PoolRecord:
    """A pool as it is written down."""

    gateway: str
    netmask: str
    ranges: list[tuple[str, str]]
    dns1: str
    dns2: str
    dns_suffix: str
    used: dict[str, str]
    strict: bool = True
    enabled: bool = True


class IpPool:
    """A subnet with static ranges; the lowest free address is given out first.

    Addresses outside of the ranges can be claimed by name (mode MANUAL) as long as they are in the subnet. Ranges of a
    pool that is not `strict` may lie outside of the subnet, as those of vApp networks may. One that is not `enabled`
    gives no addresses out; who has one keeps it.
    """

    def __init__(
        self,
        *,
        gateway: str,
        netmask: str,
        ranges: Iterable[tuple[str, str]] = (),
        dns1: str = "",
        dns2: str = "",
        dns_suffix: str = "",
        strict: bool = True,
        enabled: bool = True,
    ) -> None:
        self.enabled = enabled
        self.gateway = gateway
        self.netmask = netmask
        self.dns1 = dns1
        self.dns2 = dns2
        self.dns_suffix = dns_suffix
        self.subnet = IPv4Network(f"{gateway}/{netmask}", strict=False)
        self.strict = strict
        self.ranges = sorted((IPv4Address(first), IPv4Address(last)) for first, last in ranges)
        for first, last in self.ranges:
            if first > last or (strict and (first not in self.subnet or last not in self.subnet)):
                raise ValueError(f"range {first}-{last} does not fit the subnet {self.subnet}")
        for (_, last), (first, _) in itertools.pairwise(self.ranges):
            if first <= last:
                raise ValueError(f"the ranges up to {last} and from {first} overlap")
        self._used: dict[int, str] = {}
        self._freed: list[int] = []
        self._range = 0
        self._next = int(self.ranges[0][0]) if self.ranges else 0

    def empty_copy(self) -> "IpPool":
        """The same subnet and ranges, with nobody in it."""
        return IpPool(
            gateway=self.gateway,
            netmask=self.netmask,
            ranges=[(str(first), str(last)) for first, last in self.ranges],
            dns1=self.dns1,
            dns2=self.dns2,
            dns_suffix=self.dns_suffix,
            strict=self.strict,
            enabled=self.enabled,
        )

    def reconfigured(
        self,
        ranges: Iterable[tuple[str, str]],
        *,
        dns1: str = "",
        dns2: str = "",
        dns_suffix: str = "",
        enabled: bool = True,
    ) -> "IpPool":
        """The same subnet with other ranges and name servers, to take this one's place.

        Whoever has an address keeps it, also if it is given out before this pool has been replaced: both know
        the same addresses in use.

        Raises:
            ValueError: a range does not fit the subnet, or it overlaps another one.
        """
        pool = IpPool(
            gateway=self.gateway,
            netmask=self.netmask,
            ranges=ranges,
            dns1=dns1,
            dns2=dns2,
            dns_suffix=dns_suffix,
            strict=self.strict,
            enabled=enabled,
        )
        pool._used = self._used
        return pool

    def serves(self, address: str) -> bool:
        """Whether an address is in one of the ranges."""
        return self._contains(int(IPv4Address(address)))

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        """How a pool is kept in a saved state."""
        return core_schema.no_info_after_validator_function(
            cls._of_record,
            handler.generate_schema(PoolRecord),
            serialization=core_schema.plain_serializer_function_ser_schema(cls._to_record),
        )

    @classmethod
    def _of_record(cls, record: "PoolRecord") -> "IpPool":
        pool = cls(
            gateway=record.gateway,
            netmask=record.netmask,
            ranges=record.ranges,
            dns1=record.dns1,
            dns2=record.dns2,
            dns_suffix=record.dns_suffix,
            strict=record.strict,
            enabled=record.enabled,
        )
        # Earlier releases wrote down which card of the holder it is, too.
        holders = {address: holder.partition("/")[0] for address, holder in record.used.items()}
        pool._used = {int(IPv4Address(address)): holder for address, holder in holders.items()}
        return pool

    def _to_record(self) -> "PoolRecord":
        return PoolRecord(
            gateway=self.gateway,
            netmask=self.netmask,
            ranges=[(str(first), str(last)) for first, last in self.ranges],
            dns1=self.dns1,
            dns2=self.dns2,
            dns_suffix=self.dns_suffix,
            strict=self.strict,
            used=self.used,
            enabled=self.enabled,
        )

    @property
    def size(self) -> int:
        return sum(int(last) - int(first) + 1 for first, last in self.ranges)

    @property
    def used_count(self) -> int:
        """How many addresses somebody holds."""
        return len(self._used)

    @property
    def used(self) -> dict[str, str]:
        """Who holds which address."""
        return {str(IPv4Address(number)): holder for number, holder in sorted(self._used.items())}

    def allocate(self, holder: str) -> str:
        """Take the lowest free address.

        Raises:
            PoolExhaustedError: there is none, or the pool is disabled.
        """
        if not self.enabled:
            raise PoolExhaustedError
        while self._freed:
            number = heapq.heappop(self._freed)
            if number not in self._used:
                return self._take(number, holder)
        while self._range < len(self.ranges):
            last = int(self.ranges[self._range][1])
            while self._next <= last:
                number = self._next
                self._next += 1
                if number not in self._used and number != int(IPv4Address(self.gateway)):
                    return self._take(number, holder)
            self._range += 1
            if self._range < len(self.ranges):
                self._next = int(self.ranges[self._range][0])
        raise PoolExhaustedError

    def claim(self, address: str, holder: str) -> str:
        """Take one particular address; whoever has it may take it again.

        Raises:
            AddressInUseError: it is taken, or lies outside of the subnet and of the ranges.
        """
        try:
            parsed = IPv4Address(address)
        except ValueError as exc:
            raise AddressInUseError(f"{address!r} is not an IPv4 address") from exc
        if parsed not in self.subnet and not self._contains(int(parsed)):
            raise AddressInUseError(f"{address} is not in the subnet {self.subnet}")
        if self._used.get(int(parsed), holder) != holder or address == self.gateway:
            raise AddressInUseError(f"{address} is in use")
        return self._take(int(parsed), holder)

    def release(self, address: str, holder: str) -> None:
        """Give an address back; one that somebody else holds stays his."""
        number = int(IPv4Address(address))
        if self._used.get(number) == holder:
            del self._used[number]
            if self._contains(number):
                heapq.heappush(self._freed, number)

    def _contains(self, number: int) -> bool:
        return any(int(first) <= number <= int(last) for first, last in self.ranges)

    def _take(self, number: int, holder: str) -> str:
        self._used[number] = holder
        return str(IPv4Address(number))


def mac_address(number: int) -> str:
    """The number-th address of the block that VMware reserves for addresses given by hand."""
    return "00:50:56:" + ":".join(f"{byte:02x}" for byte in ((0x010000 + number) & 0x3FFFFF).to_bytes(3, "big"))
