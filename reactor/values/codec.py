"""Values to Convex JSON and back.

Most values pass a quick look and are left to msgspec (plainness.py); the others are walked item by item, by
`Writer` and `Reader`, which know every rule and make every error.

What msgspec must not see: NaN and infinities (it writes null), bytes (a string), dates, sets and data classes
(something), -0.0 (right, but JavaScript clients of some versions read 0).
"""

import msgspec

from .comparison import same
from .faults import PathError, too_deep
from .forms import to_clean_json, to_export_json
from .kinds import Value
from .plainness import is_plain
from .reader import Reader, unwrap_trusted
from .sizes import ARGS, RESULT, Limits, size_of
from .writer import DOLLAR, Writer, integer_wrapper, surrogate_fault

__all__ = ["decode", "decode_trusted", "encode", "same", "to_clean_json", "to_export_json"]

# Both are safe to share between threads: they keep no state between calls.
_encode = msgspec.json.Encoder(order="sorted", enc_hook=integer_wrapper).encode
_decode = msgspec.json.Decoder().decode


def encode(value: Value, *, limits: Limits = RESULT, where: str = "", pending: bool = False) -> bytes:
    """Convex JSON of `value`, with the keys of objects sorted; members that are UNSET are left out.

    Equal values give equal bytes, except that 1 and 1.0, which are equal, are written as they come.
    Raises InvalidValue, naming the path inside the value and the remedy, for anything that is no value or exceeds
    `limits`. `where` names the value in the error ("Function a:b return value"). With `pending` the placeholder of the
    commit's time, COMMIT_TS, is a value too; `settle` replaces it.
    """
    try:
        plain = is_plain(value, limits, outgoing=True)
        text = _encode(value if plain else Writer(limits, pending=pending).write(value, limits.max_depth))
    except PathError as fault:
        raise fault.located(limits, where) from None
    except UnicodeEncodeError:
        raise surrogate_fault(value).located(limits, where) from None
    _check_size(value, len(text), limits, where)
    return text


def decode(raw: bytes | str, *, limits: Limits = ARGS, where: str = "") -> Value:
    """The value of Convex JSON that came from outside.

    Integers stay int when a double holds them and become the nearest float otherwise. Raises InvalidValue for
    malformed JSON, bad wrapper objects, illegal field names, lone surrogates, and for more than `limits` allow.
    """
    try:
        value = _decode(raw)
        if not is_plain(value, limits, outgoing=False):
            value = Reader(limits).read(value, limits.max_depth)
    except PathError as fault:
        raise fault.located(limits, where) from None
    except RecursionError:
        raise too_deep(limits).located(limits, where) from None
    except (msgspec.DecodeError, UnicodeError) as error:
        raise PathError(f"not valid JSON, repair what is sent: {error}").located(limits, where) from None
    _check_size(value, len(raw), limits, where)
    return value


def decode_trusted(raw: bytes) -> Value:
    """The value of bytes that `encode` wrote, without any check."""
    value = _decode(raw)
    # If the byte occurs, `{"$` decides: inside strings it is written `{\"$`.
    if DOLLAR in raw and b'{"$' in raw:
        return unwrap_trusted(value)
    return value


def _check_size(value: Value, length: int, limits: Limits, where: str) -> None:
    # Only numbers count more than their text: one digit and a comma count 9. So short texts need no counting.
    if length * 5 + 4 > limits.max_bytes and (size := size_of(value)) > limits.max_bytes:
        raise limits.refuse_size(size, where)
