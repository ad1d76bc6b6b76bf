"""Firewall rules. They are kept and shown; packets between guests do not ask for them."""

from vcd_simulator.guests.channel import Call, UsageError
from vcd_simulator.guests.standins.registry import Commands

command = Commands()

Rule = tuple[str, tuple[str, ...]]
"""A table, and the words of a rule with its chain first."""
_LISTING = frozenset({"-L", "--list", "-S", "--list-rules", "-nL", "-nvL", "-vnL"})
_WITHOUT_EFFECT = frozenset({"-P", "--policy", "-N", "--new-chain", "-X", "--delete-chain", "-Z", "-V", "--version"})


@command("iptables", "ip6tables")
async def iptables(call: Call) -> int:
    """Keep rules in order of their commands, so that -C and -D find what -A and -I added."""
    table, words = _take_table([word for word in call.arguments if word not in ("-w", "--wait")])
    verb = words[0] if words else ""
    rules = call.guest.system.firewall
    if verb in _LISTING:
        await call.out("".join(f"-A {' '.join(one)}\n" for kind, one in rules if kind == table))
    elif verb not in _WITHOUT_EFFECT:
        with call.guest.lock:
            _change(call, rules, table, verb, words[1:])
    return 0


def _take_table(words: list[str]) -> tuple[str, list[str]]:
    """The table that `-t` names, and the other words."""
    for flag in ("-t", "--table"):
        if flag in words[:-1]:
            at = words.index(flag)
            return words[at + 1], words[:at] + words[at + 2 :]
    return "filter", words


def _change(call: Call, rules: list[Rule], table: str, verb: str, words: list[str]) -> None:
    """Add, find or remove a rule. Raises UsageError."""
    rule = (table, tuple(words))
    if verb in ("-A", "--append"):
        rules.append(rule)
    elif verb in ("-I", "--insert"):
        numbered = len(words) > 1 and words[1].isdecimal()
        rules.insert(0, (table, (words[0], *words[2:])) if numbered else rule)
    elif verb in ("-C", "--check", "-D", "--delete"):
        if rule not in rules:
            raise UsageError(f"{call.name}: Bad rule (does a matching rule exist in that chain?).")
        if verb in ("-D", "--delete"):
            rules.remove(rule)
    elif verb in ("-F", "--flush"):
        rules[:] = [one for one in rules if one[0] != table or (words and one[1][0] != words[0])]
    else:
        raise UsageError(f"{call.name}: the simulator does not know {verb or 'a call without arguments'}", 2)


@command("iptables-save", "ip6tables-save")
async def iptables_save(call: Call) -> int:
    """Print all rules in the form that iptables-restore reads."""
    rules = "".join(f"-A {' '.join(one)}\n" for _table, one in call.guest.system.firewall)
    await call.out(f"*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n{rules}COMMIT")
    return 0


@command(
    "iptables-restore",
    "ip6tables-restore",
    "netplan",
    "ifup",
    "ifdown",
    "dhclient",
    "resolvectl",
    "ufw",
    "firewall-cmd",
)
async def settings(call: Call) -> int:
    """Settings that simulated networks do not need: accepted."""
    if call.name.endswith("-restore"):
        await call.standard_input()
    return 0
