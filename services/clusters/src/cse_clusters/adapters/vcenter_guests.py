"""`Guests` kept with vCenter's guest operations."""

from cse_clusters.application.ports import Check, GuestLogin, ScriptResult
from cse_core.secret import Secret
from cse_vcd.guest import Guest
from cse_vcd.vcenter import Vcenters


class VcenterGuests:
    """Reaches guests through the vCenters that vCD uses."""

    def __init__(self, vcenters: Vcenters) -> None:
        self._vcenters = vcenters

    def wait_until_ready(self, login: GuestLogin, check: Check, *, timeout_s: float) -> None:
        self._guest(login).wait_ready(timeout_s=timeout_s, check=check)

    def run_script(
        self, login: GuestLogin, script: Secret, check: Check, *, timeout_s: float, slot: str = ""
    ) -> ScriptResult:
        result = self._guest(login).run_script(script, timeout_s=timeout_s, check=check, slot=slot)
        return ScriptResult(exit_code=result.exit_code, stdout=result.stdout, stderr=result.stderr)

    def read_file(self, login: GuestLogin, path: str, *, limit_bytes: int) -> bytes:
        return self._guest(login).read_file(path, limit_bytes)

    def _guest(self, login: GuestLogin) -> Guest:
        guest = login.guest
        return Guest(self._vcenters.get(guest.vcenter), moid=guest.moid, password=login.password)
