import pytest
from hypothesis import given
from hypothesis import strategies as st

from vcd_simulator.model.addresses import AddressInUseError, IpPool, PoolExhaustedError, mac_address


def pool(*ranges: tuple[str, str]) -> IpPool:
    return IpPool(gateway="10.0.0.1", netmask="255.255.255.0", ranges=ranges or [("10.0.0.10", "10.0.0.12")])


def test_the_lowest_free_address_is_given_and_comes_back() -> None:
    addresses = pool()
    assert [addresses.allocate(holder) for holder in "abc"] == ["10.0.0.10", "10.0.0.11", "10.0.0.12"]
    addresses.release("10.0.0.11", "b")
    assert addresses.allocate("d") == "10.0.0.11"


def test_an_empty_pool_says_so() -> None:
    addresses = pool(("10.0.0.10", "10.0.0.10"))
    addresses.allocate("a")
    with pytest.raises(PoolExhaustedError):
        addresses.allocate("b")


def test_all_ranges_are_used_and_the_gateway_never_is() -> None:
    addresses = pool(("10.0.0.1", "10.0.0.2"), ("10.0.0.20", "10.0.0.20"))
    assert [addresses.allocate(holder) for holder in "ab"] == ["10.0.0.2", "10.0.0.20"]


def test_a_claimed_address_is_not_given_to_another() -> None:
    addresses = pool()
    addresses.claim("10.0.0.10", "a")
    addresses.claim("10.0.0.10", "a")
    with pytest.raises(AddressInUseError, match="in use"):
        addresses.claim("10.0.0.10", "b")
    assert addresses.allocate("b") == "10.0.0.11"


@pytest.mark.parametrize("address", ["10.0.1.1", "10.0.0.1", "nonsense", "", "::1"])
def test_only_free_addresses_of_the_subnet_can_be_claimed(address: str) -> None:
    with pytest.raises(AddressInUseError):
        pool().claim(address, "a")


def test_an_address_outside_of_the_ranges_can_be_claimed_but_is_not_given_out_later() -> None:
    addresses = pool(("10.0.0.10", "10.0.0.10"))
    addresses.claim("10.0.0.99", "a")
    addresses.release("10.0.0.99", "a")
    addresses.allocate("a")
    with pytest.raises(PoolExhaustedError):
        addresses.allocate("b")


def test_only_its_holder_can_release_an_address() -> None:
    addresses = pool()
    address = addresses.allocate("a")
    addresses.release(address, "b")
    assert addresses.used == {address: "a"}


def test_ranges_must_lie_in_the_subnet() -> None:
    with pytest.raises(ValueError, match="does not fit"):
        pool(("10.0.1.10", "10.0.1.12"))


@given(st.lists(st.one_of(st.just("allocate"), st.integers(0, 5)), max_size=60))
def test_no_address_is_ever_held_twice(steps: list[str | int]) -> None:
    addresses = pool(("10.0.0.10", "10.0.0.15"))
    held: list[str] = []
    for number, step in enumerate(steps):
        if step == "allocate":
            try:
                held.append(addresses.allocate(str(number)))
            except PoolExhaustedError:
                assert len(held) == addresses.size
        elif isinstance(step, int) and step < len(held):
            address = held.pop(step)
            addresses.release(address, addresses.used[address])
        assert sorted(addresses.used) == sorted(held)
        assert len(set(held)) == len(held)


def test_mac_addresses_differ() -> None:
    assert len({mac_address(number) for number in range(70_000)}) == 70_000
    assert mac_address(1) == "00:50:56:01:00:01"


def test_ranges_outside_of_the_subnet_are_possible_where_that_is_allowed() -> None:
    ranges = [("10.9.0.5", "10.9.0.5"), ("10.0.0.10", "10.0.0.10")]
    addresses = IpPool(gateway="10.0.0.1", netmask="255.255.255.0", ranges=ranges, strict=False)
    assert [str(first) for first, _ in addresses.ranges] == ["10.0.0.10", "10.9.0.5"], "in order"
    assert addresses.claim("10.9.0.5", "a") == "10.9.0.5"
    assert addresses.allocate("b") == "10.0.0.10"
    with pytest.raises(AddressInUseError, match="not in the subnet"):
        addresses.claim("10.9.0.6", "c")
    changed = addresses.reconfigured([("172.16.0.1", "172.16.0.1")])
    assert changed.used == {"10.0.0.10": "b", "10.9.0.5": "a"}
    with pytest.raises(ValueError, match="does not fit"):
        IpPool(gateway="10.0.0.1", netmask="255.255.255.0", ranges=[("10.9.0.5", "10.9.0.4")], strict=False)
