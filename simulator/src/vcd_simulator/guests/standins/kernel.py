"""The kernel: modules, parameters, swap, limits of its own."""

from vcd_simulator.guests.channel import Call, UsageError
from vcd_simulator.guests.standins.options import parse
from vcd_simulator.guests.standins.registry import Commands

command = Commands()

_MODULES = frozenset(
    [
        "br_netfilter",
        "overlay",
        "ip_vs",
        "ip_vs_rr",
        "ip_vs_wrr",
        "ip_vs_sh",
        "nf_conntrack",
        "nf_conntrack_ipv4",
        "nf_nat",
        "ip_tables",
        "ip6_tables",
        "iptable_filter",
        "iptable_nat",
        "xt_conntrack",
        "nfs",
        "nfsd",
        "nfsv4",
        "sunrpc",
        "bridge",
        "vxlan",
        "veth",
        "ipip",
        "tun",
        "dm_thin_pool",
        "loop",
        "vsock",
        "vmw_vsock_vmci_transport",
        "rbd",
        "openvswitch",
        "geneve",
    ]
)
_DEFAULT_SYSCTLS = {
    "fs.file-max": "1620693",
    "fs.inotify.max_user_watches": "8192",
    "kernel.hostname": "",
    "kernel.panic": "0",
    "net.core.somaxconn": "128",
    "net.ipv4.conf.all.forwarding": "0",
    "net.ipv4.ip_forward": "0",
    "net.ipv6.conf.all.disable_ipv6": "0",
    "net.ipv6.conf.all.forwarding": "0",
    "vm.max_map_count": "65530",
    "vm.overcommit_memory": "0",
    "vm.swappiness": "60",
}
_BRIDGE = ("net.bridge.bridge-nf-call-iptables", "net.bridge.bridge-nf-call-ip6tables")


@command("modprobe", "insmod")
async def modprobe(call: Call) -> int:
    """Load or remove modules."""
    options = parse(
        call.arguments,
        switches=("all", "remove", "quiet", "verbose", "dry-run"),
        short={"a": "all", "r": "remove", "q": "quiet", "v": "verbose", "n": "dry-run"},
        lenient=True,
    )
    for name in options.words[: None if options.has("all") else 1]:
        module = name.replace("-", "_")
        if module not in _MODULES:
            if options.has("quiet"):
                return 1
            raise UsageError(f"modprobe: FATAL: Module {name} not found in directory /lib/modules/4.9.0")
        with call.guest.lock:
            if options.has("remove"):
                call.guest.system.modules.discard(module)
            else:
                call.guest.system.modules.add(module)
                if module == "br_netfilter":
                    for key in _BRIDGE:
                        call.guest.system.sysctls.setdefault(key, "1")
    return 0


@command("lsmod")
async def lsmod(call: Call) -> int:
    """List loaded modules."""
    lines = [f"{name:<20}{16384:>8}  0" for name in sorted(call.guest.system.modules)]
    await call.out("\n".join([f"{'Module':<20}{'Size':>8}  Used by", *lines]))
    return 0


@command("sysctl")
async def sysctl(call: Call) -> int:
    """Show and set kernel parameters, from the command line or from files."""
    options = parse(
        call.arguments,
        values=("load",),
        switches=("write", "values", "all", "system", "ignore", "quiet", "names"),
        short={"w": "write", "n": "values", "a": "all", "e": "ignore", "q": "quiet", "p": "p", "N": "names"},
        lenient=True,
    )
    known = {**_DEFAULT_SYSCTLS, **call.guest.system.sysctls, "kernel.hostname": call.guest.hostname}
    if options.has("all"):
        await call.out("".join(f"{key} = {known[key]}\n" for key in sorted(known)))
        return 0
    if options.has("system") or options.has("p") or options.last("load"):
        return await _load(call, await _files(call, options.words, options.last("load"), system=options.has("system")))
    code = 0
    for word in options.words:
        key, equals, value = word.partition("=")
        key = key.strip().replace("/", ".")
        if equals:
            code |= await _set(call, key, value.strip(), quiet=options.has("quiet"))
        elif key in known:
            await call.out(known[key] if options.has("values") else f"{key} = {known[key]}")
        else:
            await _unknown(call, key)
            code = 1
    return code


async def _files(call: Call, words: list[str], load: str, *, system: bool) -> list[str]:
    if not system:
        return words or [load or "/etc/sysctl.conf"]
    found = []
    for directory in ("/etc/sysctl.d", "/usr/lib/sysctl.d"):
        try:
            found += [f"{directory}/{name}" for name in await call.names_in(directory) if name.endswith(".conf")]
        except OSError:
            continue
    return [path for path in found if path.startswith("/etc/")]


async def _load(call: Call, paths: list[str]) -> int:
    code = 0
    for path in paths:
        try:
            text = await call.read(call.path(path))
        except OSError as exc:
            await call.error(f'sysctl: cannot open "{path}": {exc.strerror}')
            code = 255
            continue
        for line in text.splitlines():
            key, equals, value = line.strip().partition("=")
            if equals and not key.startswith(("#", ";")):
                code |= await _set(call, key.strip().lstrip("-").replace("/", "."), value.strip(), quiet=False)
    return code


async def _set(call: Call, key: str, value: str, *, quiet: bool) -> int:
    guest = call.guest
    if (
        key not in guest.system.sysctls
        and key not in _DEFAULT_SYSCTLS
        and not key.startswith(("net.", "vm.", "fs.", "kernel."))
    ):
        await _unknown(call, key)
        return 1
    if key.startswith("net.bridge.") and key not in guest.system.sysctls and "br_netfilter" not in guest.system.modules:
        await _unknown(call, key)
        return 255
    with guest.lock:
        guest.system.sysctls[key] = value
    if not quiet:
        await call.out(f"{key} = {value}")
    return 0


async def _unknown(call: Call, key: str) -> None:
    await call.error(f"sysctl: cannot stat /proc/sys/{key.replace('.', '/')}: No such file or directory")


@command("swapoff", "swapon")
async def swap(call: Call) -> int:
    """Turn swap on or off, or show it."""
    options = parse(
        call.arguments, switches=("all", "show", "summary"), short={"a": "all", "s": "summary"}, lenient=True
    )
    if options.has("all") or options.words:
        call.guest.system.swap_on = call.name == "swapon"
    elif call.guest.system.swap_on:
        await call.out("NAME      TYPE      SIZE USED PRIO\n/dev/sda2 partition   2G   0B   -2")
    return 0


@command(
    "dmesg", "depmod", "update-initramfs", "udevadm", "ldconfig", "setenforce", "getenforce", "update-grub", "swaplabel"
)
async def quiet(call: Call) -> int:
    """Commands that succeed without a trace."""
    if call.name == "getenforce":
        await call.out("Disabled")
    return 0
