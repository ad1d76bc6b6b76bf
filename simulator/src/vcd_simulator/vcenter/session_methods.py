"""SessionManager: logging in and out, and the sessions that there are."""

from collections.abc import Mapping

from vcd_simulator.vcenter.calls import Caller, Method
from vcd_simulator.vcenter.events import EventLog
from vcd_simulator.vcenter.objects import Properties
from vcd_simulator.vcenter.sessions import Session, Sessions
from vcd_simulator.vcenter.soap import Array, Request, SoapFaultError, Value, invalid_request

LOGIN_METHODS = (
    "Login",
    "LoginByToken",
    "LoginBySSPI",
    "LoginExtensionByCertificate",
    "LoginExtensionBySubjectName",
    "CloneSession",
)
"""What is called without a session."""


class SessionMethods:
    """The methods of SessionManager for one vCenter."""

    def __init__(self, sessions: Sessions, events: EventLog) -> None:
        self._sessions = sessions
        self._events = events

    def methods(self) -> Mapping[str, Method]:
        """What there is, by the names of the vSphere API."""
        return {
            "Login": self._log_in,
            "Logout": self._log_out,
            "SessionIsActive": lambda call, _who: self._sessions.is_active(call.arguments.text("sessionID")),
            "TerminateSession": self._terminate,
            "SetLocale": lambda _call, _who: None,
            "AcquireCloneTicket": lambda _call, who: self._sessions.clone_ticket(who.cookie),
            "CloneSession": self._clone,
            **dict.fromkeys(LOGIN_METHODS[1:5], self._no_other_way),
        }

    def properties(self, key: str) -> Properties:
        """What depends on the session that asks."""
        return {
            "currentSession": lambda: next((one.to_data() for one in self._sessions.all() if one.key == key), None),
            "sessionList": lambda: Array("UserSession", [one.to_data() for one in self._sessions.all() if key]),
        }

    def _log_in(self, request: Request, caller: Caller) -> Value:
        user, password = request.arguments.text("userName"), request.arguments.text("password")
        try:
            session = self._sessions.log_in(caller.cookie, user, password, address=caller.address, agent=caller.agent)
        except SoapFaultError:
            self._events.note("BadUsernameSessionEvent", user=user[:255], details={"ipAddress": caller.address})
            raise
        return self._begun(session)

    def _clone(self, request: Request, caller: Caller) -> Value:
        ticket = request.arguments.text("cloneTicket")
        return self._begun(self._sessions.clone(caller.cookie, ticket, address=caller.address, agent=caller.agent))

    def _begun(self, session: Session) -> Value:
        details: dict[str, Value] = {
            "ipAddress": session.address,
            "userAgent": session.agent,
            "locale": "en",
            "sessionId": session.key,
        }
        self._events.note("UserLoginSessionEvent", user=session.user, details=details)
        return session.to_data()

    def _log_out(self, _request: Request, caller: Caller) -> Value:
        session = self._sessions.find(caller.cookie)
        if session is not None:
            self._sessions.log_out(caller.cookie)
            details: dict[str, Value] = {"ipAddress": session.address, "sessionId": session.key}
            self._events.note("UserLogoutSessionEvent", user=session.user, details=details)
        return None

    def _terminate(self, request: Request, caller: Caller) -> Value:
        keys = request.arguments.texts("sessionId")
        own = self._sessions.find(caller.cookie)
        if own is not None and own.key in keys:
            raise invalid_request("a session cannot terminate itself; log out instead", "sessionId")
        self._sessions.terminate(keys)
        return None

    def _no_other_way(self, _request: Request, _caller: Caller) -> Value:
        """Nobody is known here by a token or by a certificate."""
        raise SoapFaultError(
            "InvalidLogin", "Cannot complete login: only a user name and a password are accepted here."
        )
