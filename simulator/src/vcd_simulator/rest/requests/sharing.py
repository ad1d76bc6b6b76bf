"""With whom something is shared."""

from vcd_simulator import errors
from vcd_simulator.model.tenancy import ACCESS_LEVELS, AccessControl, AccessSetting, User
from vcd_simulator.rest.context import Context
from vcd_simulator.rest.parsing import referenced_id, require_root
from vcd_simulator.rest.xml import Element, child, children, flag_of, text_of


def access_control(context: Context, root: Element) -> AccessControl:
    """A `ControlAccessParams` document."""
    require_root(root, "ControlAccessParams")
    everyone = None
    if flag_of(root, "IsSharedToEveryone"):
        everyone = _level(text_of(root, "EveryoneAccessLevel", "ReadOnly"))
    settings = []
    for setting in children(child(root, "AccessSettings"), "AccessSetting"):
        subject_id = referenced_id(child(setting, "Subject"), "Subject")
        subject = context.cloud.users.get(subject_id) or context.cloud.orgs.get(subject_id)
        if isinstance(subject, User) and not (context.access.is_sysadmin or subject.org_id == context.access.org.id):
            raise errors.no_access("user", subject_id)
        if subject is None:
            raise errors.bad_request(f"The subject {subject_id} of an AccessSetting is no user and no organization.")
        level = _level(text_of(setting, "AccessLevel"))
        settings.append(AccessSetting(subject_kind=subject.kind, subject_id=subject.id, level=level))
    return AccessControl(everyone=everyone, settings=settings)


def _level(text: str) -> str:
    if text not in ACCESS_LEVELS:
        raise errors.bad_request(
            f"Bad request: validation error, AccessLevel is not one of {', '.join(ACCESS_LEVELS)}."
        )
    return text
