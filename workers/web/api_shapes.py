"""What programs say to the interface, and how it is described to them."""

from __future__ import annotations

import json
from typing import Annotated, Any, Final, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request

from campaigns.errors import Fault, FaultyInput
from workers.web.bodies import read_body

Text = Annotated[str, Field(min_length=1, max_length=500)]
Model = TypeVar("Model", bound=BaseModel)

ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    400: {"description": "cannot be read; says all faults, with their places"},
    401: {"description": "no bearer token of ours"},
    404: {"description": "there is no such thing"},
    413: {"description": "the body is too large"},
    503: {"description": "not now; try again"},
}
SUBMISSION: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["submission_id", "campaign"],
    "description": "The contract of `utskick campaigns schema`; `submitted_by` is the token's service.",
    "properties": {"submission_id": {"type": "string"}, "campaign": {"type": "object"}},
}
NUMBER: Final[dict[str, Any]] = {
    "parameters": [{"name": "campaign", "in": "path", "required": True, "schema": {"type": "integer"}}]
}
REFUSED_TOO: Final[dict[str, Any]] = {
    "parameters": [{"name": "refused", "in": "query", "schema": {"type": "boolean"}}]
}


class AddressQuestion(BaseModel):
    """Whose address is asked about."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    address: Text


class NewSuppression(AddressQuestion):
    """A "no": for an address, on what evidence; `channel` left out means all."""

    kind: Literal["objection", "manual", "restricted", "hard_bounce"] = "manual"
    evidence: Text
    channel: Literal["email", "post"] | None = None


def body_of(shape: dict[str, Any]) -> dict[str, Any]:
    """How a JSON body of this shape is described."""
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": shape}}}}


async def document_of(request: Request, limit: int) -> dict[str, Any]:
    """The JSON object of a body.

    Raises:
        FaultyInput: there is none.
        HTTPException: 413 for more than `limit` octets.
    """
    try:
        document = json.loads(await read_body(request, limit))
    except (ValueError, RecursionError):
        raise FaultyInput([Fault("(body)", "is not JSON")]) from None
    if not isinstance(document, dict):
        raise FaultyInput([Fault("(body)", "must be a JSON object")])
    return document


def read_as(model: type[Model], document: dict[str, Any]) -> Model:
    """A document as a model.

    Raises:
        FaultyInput: with all that is wrong, and nothing of what was said.
    """
    try:
        return model.model_validate(document)
    except ValidationError as error:
        faults = [Fault(".".join(map(str, found["loc"])), found["msg"]) for found in error.errors()]
        raise FaultyInput(faults) from None
