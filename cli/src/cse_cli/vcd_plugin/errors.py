"""What goes wrong, in words for the person at the terminal.

PluginError
├── SessionError            not logged in, or not any more
├── ServerError             vCD or CSE says no; the message is theirs
├── UnreachableError        no answer at all
└── TaskError               the work was begun and did not succeed
"""


class PluginError(Exception):
    """Shown to the user; the exit code is 1."""


class SessionError(PluginError):
    """There is no session, or it has expired."""


class ServerError(PluginError):
    """The server refused. `status` is the HTTP status."""

    def __init__(self, message: str, *, status: int) -> None:
        super().__init__(message)
        self.status = status


class UnreachableError(PluginError):
    """vCD cannot be reached, or did not answer in time."""


class TaskError(PluginError):
    """A task failed, or was cancelled."""
