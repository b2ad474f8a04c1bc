"""What a value is: kinds, wire codec, ordered byte keys, document ids, sizes, validators. Pure: no I/O, no clock."""

from .codec import decode, decode_trusted, encode, same, to_clean_json, to_export_json
from .commit_ts import is_pending, settle
from .hints import DocumentId, Id, validator_from_hint
from .ids import decode_id, encode_id, new_id, table_of
from .keys import compare, encode_key, encode_value, has_prefix, prefix_end, successor
from .kinds import COMMIT_TS, UNSET, CommitTs, Int64, UnsetType, Value
from .names import is_identifier, name_fault
from .sizes import ANY, ARGS, DOCUMENT, RESULT, Limits, depth_of, size_of
from .validators import TableNames, ValidationFailure, Validator, v
from .writer import DOLLAR

__all__ = [
    "ANY",
    "ARGS",
    "COMMIT_TS",
    "DOCUMENT",
    "DOLLAR",
    "RESULT",
    "UNSET",
    "CommitTs",
    "DocumentId",
    "Id",
    "Int64",
    "Limits",
    "TableNames",
    "UnsetType",
    "ValidationFailure",
    "Validator",
    "Value",
    "compare",
    "decode",
    "decode_id",
    "decode_trusted",
    "depth_of",
    "encode",
    "encode_id",
    "encode_key",
    "encode_value",
    "has_prefix",
    "is_identifier",
    "is_pending",
    "name_fault",
    "new_id",
    "prefix_end",
    "same",
    "settle",
    "size_of",
    "successor",
    "table_of",
    "to_clean_json",
    "to_export_json",
    "v",
    "validator_from_hint",
]
