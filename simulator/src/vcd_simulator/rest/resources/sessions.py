"""Versions and sessions."""

import json

from vcd_simulator import errors
from vcd_simulator.rest.context import Context, Reply
from vcd_simulator.rest.documents import orgs as documents
from vcd_simulator.rest.routing import Router
from vcd_simulator.rest.versions import V33, invalid_accept
from vcd_simulator.sessions import ACCESS_TOKEN_HEADER, LEGACY_HEADER, SESSION_COOKIE, Session

router = Router()


@router.get("/api/versions", public=True)
def versions(context: Context) -> Reply:
    return Reply(content=documents.supported_versions(context), media_type="text/xml")


def _require_version(context: Context) -> None:
    if "version" not in context.headers.get("accept", ""):
        raise invalid_accept()


def _tokens(context: Context, session: Session) -> dict[str, str]:
    headers = {LEGACY_HEADER: session.token}
    if context.version >= V33:
        headers[ACCESS_TOKEN_HEADER] = session.jwt
        headers["x-vmware-vcloud-token-type"] = "Bearer"
    return headers


def _cookie(session: Session) -> dict[str, str]:
    return {"set-cookie": f"{SESSION_COOKIE}={session.token}; Path=/; Secure; HttpOnly"}


@router.post("/api/sessions", public=True)
def login(context: Context) -> Reply:
    _require_version(context)
    session = context.sessions.login(context.headers.get("authorization"))
    context.current = session
    return Reply(content=documents.session(context, session), headers=_tokens(context, session) | _cookie(session))


@router.get("/api/session", "/api/sessions")
def current_session(context: Context) -> Reply:
    return Reply(content=documents.session(context, context.session), headers=_tokens(context, context.session))


@router.delete("/api/session")
def logout(context: Context) -> Reply:
    context.sessions.end(context.session)
    return Reply(status=204)


@router.post("/cloudapi/1.0.0/sessions", public=True)
def cloudapi_login(context: Context) -> Reply:
    return _cloudapi_login(context, provider=False)


@router.post("/cloudapi/1.0.0/sessions/provider", public=True)
def cloudapi_provider_login(context: Context) -> Reply:
    return _cloudapi_login(context, provider=True)


def _cloudapi_login(context: Context, *, provider: bool) -> Reply:
    """From 33.0 on: tenants and the provider log in at different places, and get a JWT in a header."""
    _require_version(context)
    if context.version < V33:
        raise invalid_accept("Invalid API version requested")
    session = context.sessions.login(context.headers.get("authorization"))
    if session.org.is_system != provider:
        context.sessions.end(session)
        raise errors.unauthorized()
    context.current = session
    reply = _cloudapi_session(context, session)
    reply.headers |= _cookie(session)
    return reply


@router.get("/cloudapi/1.0.0/sessions/current")
def cloudapi_current_session(context: Context) -> Reply:
    return _cloudapi_session(context, context.session)


@router.delete("/cloudapi/1.0.0/sessions/current")
def cloudapi_logout(context: Context) -> Reply:
    context.sessions.end(context.session)
    return Reply(status=204)


def _cloudapi_session(context: Context, session: Session) -> Reply:
    user, org, role = session.user, session.org, session.access.role
    body = {
        "id": f"urn:vcloud:session:{session.id}",
        "site": {"name": "vcd-simulator", "id": f"urn:vcloud:site:{context.cloud.system_org.id}"},
        "user": {"name": user.name, "id": context.urn(user)},
        "org": {"name": org.name, "id": context.urn(org)},
        "operatingOrg": {"name": org.name, "id": context.urn(org)},
        "location": f"{org.id}@{context.cloud.system_org.id}",
        "roles": [role.name],
        "roleRefs": [{"name": role.name, "id": context.urn(role)}],
        "sessionIdleTimeoutMinutes": int(context.sessions.idle_timeout_s // 60),
    }
    headers = _tokens(context, session)
    return Reply(content=json.dumps(body).encode(), media_type="application/json", headers=headers)
