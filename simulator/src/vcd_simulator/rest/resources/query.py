"""The typed query service."""

from urllib.parse import unquote

from vcd_simulator import errors
from vcd_simulator.query import documents, fiql
from vcd_simulator.query.catalogue import FOR_ORG_ADMINISTRATORS, TYPES
from vcd_simulator.query.fiql import And, Comparison, Expression
from vcd_simulator.query.select import Selection, select
from vcd_simulator.query.types import AnyRecordType
from vcd_simulator.rest.context import Context, Reply
from vcd_simulator.rest.routing import Router

router = Router()
_DEFAULT_PAGE_SIZE = 25
_LARGEST_PAGE = 128


@router.get("/api/query")
def query(context: Context) -> Reply:
    """Without a type, the list of the queries there are; otherwise a page of records."""
    given = parameters(context.query_string)
    if "type" not in given:
        return Reply(content=documents.query_list(context, _allowed(context)))
    return run(context, given["type"], given)


_SERVICE = "/api/admin/extension/service"
_PARTS = (
    (f"{_SERVICE}/{{service_id}}/apifilters", "apiFilter", "service"),
    (f"{_SERVICE}/{{service_id}}/links", "serviceLink", "service"),
    (f"{_SERVICE}/{{service_id}}/resourceclasses", "resourceClass", "service"),
    (f"{_SERVICE}/resourceclass/{{class_id}}/resourceclassactions", "resourceClassAction", "resourceClass"),
    (f"{_SERVICE}/resourceclass/{{class_id}}/serviceresources", "serviceResource", "resourceClass"),
    (f"{_SERVICE}/resourceclassaction/{{action_id}}/aclrules", "aclRule", "resourceClassAction"),
)
"""Lists of what belongs to a service, or to a part of one: path, query type, attribute that names the owner."""


def _serve_parts(path: str, type_name: str, owner: str) -> None:
    @router.get(path)
    def list_parts(context: Context, **owner_ids: str) -> Reply:
        context.access.require_provider("External Service: View")
        (owner_id,) = owner_ids.values()
        return run(context, type_name, parameters(context.query_string), only=Comparison(owner, "==", owner_id))


for _path, _type_name, _owner in _PARTS:
    _serve_parts(_path, _type_name, _owner)


def run(context: Context, type_name: str, given: dict[str, str], *, only: Comparison | None = None) -> Reply:
    """Answer a query, at whatever path it was asked; `only` is a filter that the path implies.

    Raises:
        VcdError: 400, the type, the format, the filter or a number is not valid; 403, the type is not for the caller.
    """
    kind = TYPES.get(type_name)
    if kind is None:
        raise errors.bad_request(f"The query type {type_name[:80]!r} is not valid.")
    if not _may_ask(context, kind):
        raise errors.forbidden(f"The query type {kind.name} needs an administrator.")
    format_name = given.get("format") or _format_of(context.headers.get("accept", ""))
    if format_name not in documents.FORMATS:
        raise errors.bad_request(f"The query format {format_name[:80]!r} is not valid.")
    selection = _selection(given, only)
    found = select(context.cloud, context.access, kind, selection)
    fields = tuple(name for name in given.get("fields", "").split(",") if name)
    stated = context.path.rstrip("/") == documents.PATH
    address = documents.Address.of(context.raw_path, context.query_string, kind.name if stated else None)
    return Reply(content=documents.page(context, kind, format_name, selection, found, fields, address))


def _allowed(context: Context) -> list[AnyRecordType]:
    return [kind for kind in TYPES.values() if _may_ask(context, kind)]


def _may_ask(context: Context, kind: AnyRecordType) -> bool:
    """The administrators' types are for system administrators; a right opens few of them to tenants' own."""
    if context.access.is_sysadmin or not kind.admin:
        return True
    return kind.name in FOR_ORG_ADMINISTRATORS and context.access.has("Organization: Perform Administrator Queries")


def _selection(given: dict[str, str], only: Comparison | None) -> Selection:
    text = given.get("filter", "")
    encoded = given.get("filterEncoded", "").lower() == "true"
    wanted: list[Expression] = [only] if only is not None else []
    if text:
        wanted.append(fiql.parse(text, encoded_values=encoded))
    return Selection(
        expression=And(tuple(wanted)) if len(wanted) > 1 else next(iter(wanted), None),
        sort_by=given.get("sortAsc") or given.get("sortDesc") or None,
        descending="sortAsc" not in given,
        page=_number(given, "page", 1),
        page_size=min(_number(given, "pageSize", _DEFAULT_PAGE_SIZE), _LARGEST_PAGE),
    )


def _number(given: dict[str, str], name: str, default: int) -> int:
    text = given.get(name, "")
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and 0 < len(text) < 10 and int(text) > 0):
        raise errors.bad_request(f"The query parameter {name} is not a positive number.")
    return int(text)


def _format_of(accept: str) -> str:
    """The format that the Accept header names; records, if it names none."""
    for name in ("idrecords", "references"):
        if f"query.{name}+" in accept:
            return name
    return "records"


def parameters(query_string: str) -> dict[str, str]:
    """The decoded parameters; a plus sign stays one, because filters are full of them."""
    pairs = (part.partition("=") for part in query_string.split("&") if part)
    return {unquote(name): unquote(value) for name, _, value in pairs}
