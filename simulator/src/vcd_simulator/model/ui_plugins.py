"""Plug-ins of the web interface, which is not simulated: they are registered, uploaded and published."""

from dataclasses import dataclass, field

UI_PLUGIN_URN = "urn:vcloud:uiPlugin:"


@dataclass(slots=True, kw_only=True)
class PluginUpload:
    """Where the file of a plug-in is to be sent; the id is in the address and cannot be guessed."""

    id: str
    file_name: str
    size: int


@dataclass(slots=True, kw_only=True)
class UiPlugin:
    """What is known of a plug-in."""

    id: str
    name: str
    vendor: str
    version: str
    description: str = ""
    license: str = ""
    link: str = ""
    tenant_scoped: bool = False
    provider_scoped: bool = False
    enabled: bool = True
    ready: bool = False
    """Whether its file has come."""
    upload: PluginUpload | None = None
    org_ids: list[str] = field(default_factory=list)
    """The organisations that it is published to."""

    @property
    def urn(self) -> str:
        return UI_PLUGIN_URN + self.id
