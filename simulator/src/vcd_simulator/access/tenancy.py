"""Organisations and their people, VDCs and what is in them."""

from collections.abc import Iterator

from vcd_simulator.access.rights import Rights
from vcd_simulator.model.datacenter import OrgVdcNetwork, StorageProfile, Vdc
from vcd_simulator.model.kinds import NETWORK, ORG, ROLE, STORAGE_PROFILE, USER, VDC
from vcd_simulator.model.rights import ADMINISTRATOR_CONTROL, ADMINISTRATOR_VIEW
from vcd_simulator.model.tenancy import Org, Role, User


class TenancyReach(Rights):
    """What a user reaches of organisations and VDCs. `…_by_id` raises `VcdError` 403 for what is out of reach."""

    def orgs(self) -> list[Org]:
        return list(self._cloud.orgs) if self.is_sysadmin else [self.org]

    def sees_org(self, org: Org) -> bool:
        return self.is_sysadmin or org is self.org

    def org_by_id(self, org_id: str) -> Org:
        return self._reached(ORG, self._cloud.orgs, org_id, self.sees_org)

    def sees_user(self, user: User) -> bool:
        """Who may share vApps sees the people that there are to share with."""
        if not self.is_sysadmin and user.org_id != self.org.id:
            return False
        return user is self.user or self.has("vApp: Sharing") or self.has("Group / User: View")

    def user_by_id(self, user_id: str) -> User:
        return self._reached(USER, self._cloud.users, user_id, self.sees_user)

    @property
    def manages_users(self) -> bool:
        """Organisation administrators manage their own users, although the right of that name is not among theirs."""
        return self.has(ADMINISTRATOR_CONTROL) or self.has("Group / User: Manage")

    def sees_role(self, role: Role) -> bool:
        return self.is_sysadmin or role.org_id == self.org.id

    def role_by_id(self, role_id: str) -> Role:
        return self._reached(ROLE, self._cloud.roles, role_id, self.sees_role)

    def sees_vdc(self, vdc: Vdc) -> bool:
        if self.is_sysadmin:
            return True
        return vdc.org_id == self.org.id and (
            self.has(ADMINISTRATOR_VIEW) or vdc.access.level(self.user.id, self.org.id) is not None
        )

    def vdc_by_id(self, vdc_id: str) -> Vdc:
        return self._reached(VDC, self._cloud.vdcs, vdc_id, self.sees_vdc)

    def vdcs(self) -> Iterator[Vdc]:
        found = self._cloud.vdcs.values() if self.is_sysadmin else self._cloud.vdcs.find("org", self.org.id)
        return (vdc for vdc in found if self.sees_vdc(vdc))

    def sees_network(self, network: OrgVdcNetwork) -> bool:
        return self.is_sysadmin or network.org_id == self.org.id

    def network_by_id(self, network_id: str) -> OrgVdcNetwork:
        return self._reached(NETWORK, self._cloud.networks, network_id, self.sees_network)

    def sees_profile(self, profile: StorageProfile) -> bool:
        return self.sees_vdc(self._cloud.vdcs[profile.vdc_id])

    def profile_by_id(self, profile_id: str) -> StorageProfile:
        return self._reached(STORAGE_PROFILE, self._cloud.profiles, profile_id, self.sees_profile)
