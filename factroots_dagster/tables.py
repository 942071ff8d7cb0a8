"""How tables are declared: Arrow schemas whose columns describe themselves."""

from __future__ import annotations

import pyarrow as pa

DESCRIPTION = b"description"


def column(name: str, type_: pa.DataType, description: str, *, nullable: bool = True) -> pa.Field:
    """A column with its description: meaning, unit, and what null stands for."""
    return pa.field(name, type_, nullable=nullable, metadata={DESCRIPTION: description})


def description_of(field: pa.Field) -> str:
    """The description of a column; raises KeyError where it has none."""
    return bytes((field.metadata or {})[DESCRIPTION]).decode()


def storage_schema(schema: pa.Schema) -> pa.Schema:
    """The schema as it is written to disk: without descriptions, whose wording must not change a digest."""
    return pa.schema([_without_metadata(field) for field in schema], metadata=schema.metadata)


def _without_metadata(field: pa.Field) -> pa.Field:
    type_ = field.type
    if pa.types.is_struct(type_):
        type_ = pa.struct([_without_metadata(child) for child in type_])
    elif pa.types.is_list(type_):
        type_ = pa.list_(_without_metadata(type_.value_field))
    return pa.field(field.name, type_, nullable=field.nullable)
