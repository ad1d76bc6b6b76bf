"""The catalogue and its pages."""

from dataclasses import replace

import pytest

from cse_core.errors import InvalidArgumentError
from cse_templates.adapters.directories import TemplateDirectories, builtin_directory
from cse_templates.application.queries import CatalogueQueries
from cse_templates.domain.catalogue import Catalogue, CatalogueError, TemplateNotFoundError
from cse_templates.domain.template import Definition, Offer

DEFINITION = TemplateDirectories([builtin_directory()]).read(["photon-v2"])["photon-v2"]


def an_offer(name: str) -> Offer:
    return Offer(name=name, description="", catalog="cse", catalog_item=f"{name}-k8s", cpu_count=2, memory_mb=2048)


def definitions(*names: str) -> dict[str, Definition]:
    return {name: replace(DEFINITION, name=name) for name in names}


def a_catalogue(*names: str, default: str) -> Catalogue:
    return Catalogue.join(map(an_offer, names), definitions(*names), default=default)


def test_the_default_comes_first_then_names_in_order() -> None:
    catalogue = a_catalogue("b", "c", "a", default="c")
    assert [template.name for template in catalogue] == ["c", "a", "b"]
    assert [template.is_default for template in catalogue] == [True, False, False]


def test_a_hyphen_means_the_default() -> None:
    assert a_catalogue("a", "b", default="b").get("-").name == "b"


@pytest.mark.parametrize("name", ["", "nope", "../photon-v2", "a/b", "A"])
def test_a_name_that_is_not_offered_is_not_found(name: str) -> None:
    with pytest.raises(TemplateNotFoundError) as caught:
        a_catalogue("a", default="a").get(name)
    assert caught.value.code == "TEMPLATE_NOT_FOUND"
    assert caught.value.details == {"template": name}


def test_what_is_wrong_is_all_told() -> None:
    with pytest.raises(CatalogueError) as caught:
        Catalogue.join([an_offer("a"), an_offer("b")], {}, default="c")
    assert len(caught.value.findings) == 3


def test_pages_join_to_the_whole_list() -> None:
    queries = CatalogueQueries(a_catalogue(*"abcde", default="c"))
    names: list[str] = []
    token = ""
    while True:
        page = queries.page(page_size=2, page_token=token)
        assert len(page.templates) <= 2
        names += [template.name for template in page.templates]
        if not (token := page.next_token):
            break
    assert names == ["c", "a", "b", "d", "e"]


def test_a_full_last_page_has_no_next_one() -> None:
    assert CatalogueQueries(a_catalogue("a", "b", default="a")).page(page_size=2).next_token == ""


@pytest.mark.parametrize("token", ["x", "%%%", "bm9wZQ", "ü", "A" * 5000])
def test_a_page_token_of_ones_own_making_is_refused(token: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        CatalogueQueries(a_catalogue("a", default="a")).page(page_token=token)
    assert caught.value.field == "page_token"


def test_a_negative_page_size_is_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="page_size"):
        CatalogueQueries(a_catalogue("a", default="a")).page(page_size=-1)
