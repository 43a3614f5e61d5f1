"""Searches for repositories and for distributors. Source: the Pulp 2 REST contract, 4.1 to 4.5."""

from __future__ import annotations

from entrepot.access import Operation
from entrepot.criteria import Criteria
from entrepot.rest.endpoint import Answer, Asked, Endpoint, Parameter
from entrepot.rest.reading import flag, is_true
from entrepot.rest.repository_shapes import DISTRIBUTOR, REPOSITORY, distributor_shape, repository_shape
from entrepot.rest.schemas import many
from entrepot.rest.search import FLAG, PARAMETERS, criteria_document, cut, part_of, search_body, tree_of

_FLAGS = ("details", "importers", "distributors")
_KEPT = ("_href", "_id", "id")
_KEPT_OF_DISTRIBUTORS = (*_KEPT, "repo_id", "distributor_type_id")
#: What clients may call the id. Source: the Pulp 2 REST contract, 4.3.
_ALIASES = {"repo_id": "id", "repository_id": "id"}
_ALIASES_OF_DISTRIBUTORS = {"distributor_id": "id", "repository_id": "repo_id"}


def search_repositories(asked: Asked) -> Answer:
    """Return the repositories that the criteria select, with their importers and distributors if they are wanted."""
    is_post = asked.scope["method"] == "POST"
    wanted = {name for name in _FLAGS if (is_true(asked.document.get(name)) if is_post else flag(asked, name))}
    criteria = Criteria.parse(criteria_document(asked, flags=_FLAGS))
    importers, distributors = not wanted.isdisjoint(_FLAGS[:2]), not wanted.isdisjoint(("details", "distributors"))
    reports = asked.engine.repositories.search(criteria)
    shapes = [repository_shape(report, with_importers=importers, with_distributors=distributors) for report in reports]
    if criteria.fields is not None:
        tree, kept = tree_of(criteria.fields, _ALIASES), (*_KEPT, "importers", "distributors")
        shapes = [cut(shape, tree, kept) for shape in shapes]
    return Answer(shapes)


def search_distributors(asked: Asked) -> Answer:
    """Return the distributors that the criteria select, of any repository."""
    criteria = Criteria.parse(criteria_document(asked))
    shapes = [distributor_shape(report) for report in asked.engine.repositories.search_distributors(criteria)]
    if criteria.fields is not None:
        tree = tree_of(criteria.fields, _ALIASES_OF_DISTRIBUTORS)
        shapes = [cut(shape, tree, _KEPT_OF_DISTRIBUTORS) for shape in shapes]
    return Answer(shapes)


_REPOSITORIES, _DISTRIBUTORS = "/v2/repositories/search/", "/v2/distributors/search/"
_PARAMETERS = (
    *PARAMETERS,
    Parameter("details", "`true` shows importers and distributors."),
    Parameter("importers", "`true` shows importers."),
    Parameter("distributors", "`true` shows distributors."),
)
_FOUND = {200: many(part_of(REPOSITORY, "FoundRepository", _KEPT))}
_FOUND_DISTRIBUTORS = {200: many(part_of(DISTRIBUTOR, "FoundDistributor", _KEPT_OF_DISTRIBUTORS))}

ENDPOINTS = (
    Endpoint("GET", _REPOSITORIES, Operation.READ, search_repositories, _FOUND, query=_PARAMETERS),
    Endpoint(
        "POST",
        _REPOSITORIES,
        Operation.READ,
        search_repositories,
        _FOUND,
        body=search_body("RepositorySearch", details=FLAG, importers=FLAG, distributors=FLAG),
    ),
    Endpoint("GET", _DISTRIBUTORS, Operation.READ, search_distributors, _FOUND_DISTRIBUTORS, query=PARAMETERS),
    Endpoint(
        "POST",
        _DISTRIBUTORS,
        Operation.READ,
        search_distributors,
        _FOUND_DISTRIBUTORS,
        body=search_body("DistributorSearch"),
    ),
)
