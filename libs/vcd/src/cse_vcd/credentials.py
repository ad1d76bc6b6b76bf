"""What a caller brings."""

import hashlib
import re
from dataclasses import dataclass
from typing import Literal

from cse_core.secret import Secret

_TOKEN = re.compile(r"[\x21-\x7e]{1,16384}")


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """A vCD token as it came with a call."""

    token: Secret
    scheme: Literal["bearer", "session"]
    """`bearer`: a JWT for `Authorization`; `session`: a session id for `x-vcloud-authorization`."""
    api_version: str = ""
    """The API version of the caller's `Accept`; empty: any."""

    @property
    def fingerprint(self) -> str:
        """Tells credentials apart without holding them."""
        text = f"{self.scheme}\0{self.api_version}\0{self.token.reveal()}"
        return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()

    @property
    def is_plausible(self) -> bool:
        """Whether the token could be one: what is not could not even be sent in a header."""
        return _TOKEN.fullmatch(self.token.reveal()) is not None
