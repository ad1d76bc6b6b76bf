"""Asking vCD whether a caller's token is good."""

from cse_core.grpc.metadata import Credentials
from cse_vcd import credentials as vcd
from cse_vcd.auth import Caller, TokenVerifier


class VcdVerifier:
    """Checks callers with vCD; answers hold for a few seconds."""

    def __init__(self, verifier: TokenVerifier) -> None:
        self._verifier = verifier

    def verify(self, credentials: Credentials) -> Caller:
        """Returns who the caller is.

        Raises:
            UnauthenticatedError: vCD does not accept the token.
            UnavailableError: vCD does not answer.
        """
        return self._verifier.verify(
            vcd.Credentials(
                token=credentials.token,
                scheme="bearer" if credentials.is_jwt else "session",
                api_version=credentials.api_version,
            )
        )
