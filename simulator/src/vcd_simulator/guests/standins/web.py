"""curl and wget: the few sites that exist, and API servers of other guests."""

from vcd_simulator.guests.channel import Call, UsageError
from vcd_simulator.guests.kubernetes.access import serves
from vcd_simulator.guests.kubernetes.cluster import API_PORT
from vcd_simulator.guests.standins.options import parse
from vcd_simulator.guests.standins.registry import Commands
from vcd_simulator.guests.web import Page, fetch

command = Commands()


@command("curl")
async def curl(call: Call) -> int:
    """Get pages of the few sites that exist, and health pages of API servers; fails as without a network otherwise."""
    options = parse(
        call.arguments,
        values=(
            "output",
            "header",
            "request",
            "data",
            "max-time",
            "connect-timeout",
            "retry",
            "cacert",
            "user",
            "cert",
            "key",
            "write-out",
            "user-agent",
            "retry-delay",
            "proxy",
            "resolve",
            "data-binary",
        ),
        switches=(
            "remote-name",
            "fail",
            "silent",
            "show-error",
            "location",
            "insecure",
            "head",
            "create-dirs",
            "compressed",
        ),
        short={
            "o": "output",
            "O": "remote-name",
            "f": "fail",
            "s": "silent",
            "S": "show-error",
            "L": "location",
            "k": "insecure",
            "H": "header",
            "X": "request",
            "d": "data",
            "m": "max-time",
            "u": "user",
            "I": "head",
            "w": "write-out",
            "A": "user-agent",
            "E": "cert",
        },
        lenient=True,
    )
    if not options.words:
        raise UsageError("curl: try 'curl --help' for more information", 2)
    for url in options.words:
        page = _page(call, url)
        loud = options.has("show-error") or not options.has("silent")
        if page.error:
            if loud:
                await call.error(
                    f"curl: (6) Could not resolve host: {url.split('/')[2] if '//' in url else url}"
                    if page.status == 0 and "lookup" in page.error
                    else f"curl: (7) Failed to connect: {page.error}"
                )
            return 6 if "lookup" in page.error else 7
        if page.status >= 400 and options.has("fail"):
            if loud:
                await call.error(f"curl: (22) The requested URL returned error: {page.status}")
            return 22
        target = options.last("output") or (url.rpartition("/")[2] if options.has("remote-name") else "-")
        if target == "-":
            await call.out_exactly(page.body)
        else:
            await call.write(call.path(target), page.body)
    return 0


@command("wget")
async def wget(call: Call) -> int:
    """As `curl`, in wget's manner."""
    options = parse(
        call.arguments,
        values=("output-document", "directory-prefix", "timeout", "tries", "header", "user-agent", "output-file"),
        switches=(
            "quiet",
            "no-verbose",
            "no-check-certificate",
            "continue",
            "timestamping",
            "server-response",
            "spider",
        ),
        short={
            "O": "output-document",
            "P": "directory-prefix",
            "q": "quiet",
            "c": "continue",
            "T": "timeout",
            "t": "tries",
            "N": "timestamping",
            "S": "server-response",
            "o": "output-file",
        },
        lenient=True,
    )
    for url in options.words:
        page = _page(call, url if "//" in url else f"http://{url}")
        host = url.split("/")[2] if "//" in url else url
        if page.error:
            if not options.has("quiet"):
                await call.error(f"wget: unable to resolve host address '{host}'")
            return 4
        if page.status >= 400:
            return 8
        target = (
            options.last("output-document")
            or f"{options.last('directory-prefix', '.')}/{url.rpartition('/')[2] or 'index.html'}"
        )
        if target == "-":
            await call.out_exactly(page.body)
        else:
            await call.write(call.path(target), page.body)
    return 0


def _page(call: Call, url: str) -> Page:
    """A page from another guest's API server, or from the few sites that the simulator plays."""
    rest = url.partition("//")[2] or url
    authority, _slash, path = rest.partition("/")
    host, _, port = authority.partition(":")
    if not host.replace(".", "").isdigit() and host != "localhost":
        return fetch(url)
    target = call.guest.platform.networks.find(call.guest, host)
    if target is None:
        return Page(0, "", "No route to host")
    if port == str(API_PORT) and serves(target):
        healthy = path.partition("?")[0] in ("healthz", "livez", "readyz")
        return Page(200, "ok") if healthy else Page(403, '{"kind":"Status","status":"Failure","code":403}\n')
    return Page(0, "", "Connection refused")
