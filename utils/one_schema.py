"""A JSON schema that is made once: flytekit asks a model for its own at every node of every graph."""

from functools import cache
from typing import Any

from pydantic import BaseModel


class OneSchema(BaseModel):
    """For the models that pass along the edges of graphs."""

    @classmethod
    @cache
    def model_json_schema(cls, *args: Any, **kwargs: Any) -> dict[str, Any]:  # type: ignore[override]
        """The schema, as pydantic makes it."""
        return super().model_json_schema(*args, **kwargs)
