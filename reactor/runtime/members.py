"""What `ctx` does not have in one kind of function, and what to write instead."""

from reactor.errors import NotInContext
from reactor.runtime.functions import Kind
from reactor.values.identifiers import camel_case

__all__ = ["absent"]

_ASK = {
    Kind.QUERY: "A query only reads: call that from a mutation or an action.",
    Kind.MUTATION: "A mutation is a transaction, and actions are outside of them: call the mutation from the action.",
}
_CALLS = {"run_query": Kind.QUERY, "run_mutation": Kind.MUTATION, "run_action": Kind.ACTION}
_ACTION_HAS = {
    "db": "An action has no transaction: read and write by ctx.run_query and ctx.run_mutation.",
    "now": "Time does not stand still in an action: use time.time().",
    "random": "An action need not be repeatable: use the modules random and secrets.",
    "get_transaction_metrics": "An action has no transaction. Ask in the query or mutation.",
}
_SEARCH = "Here it is ctx.db.vector_search(...), and sees what the function sees."
_QUERY_HAS = {
    "vector_search": _SEARCH,
    "vectorSearch": _SEARCH,
    "get_request_metadata": "A query's result is shared by all who ask, so it must not know who did.",
    "scheduler": "A query only reads: schedule functions in a mutation or an action.",
}
_STORAGE = {
    "store": "Store files in an action, or have them uploaded to the address of generate_upload_url().",
    "get": "Read the content of files in an action. Here get_url() gives an address for it.",
    "stream": "Read the content of files in an action. Here get_url() gives an address for it.",
    "generate_upload_url": "An upload changes what is stored: make the address in a mutation.",
    "delete": "A query only reads: delete files in a mutation or an action.",
}


def absent(kind: Kind, owner: str, name: str, present: list[str]) -> NotInContext:
    """The error for `ctx.name` (`owner` is "ctx", "ctx.meta" or "ctx.storage") in a function of this kind."""
    for known in present:
        if camel_case(known) == name:
            return NotInContext(f"{owner}.{name} is written {owner}.{known} in Python.")
    if name in _CALLS and owner == "ctx" and kind in _ASK:
        return NotInContext(f"Cannot call a {_CALLS[name].value} function from a {kind.value} function. {_ASK[kind]}")
    known = _STORAGE if owner == "ctx.storage" else _ACTION_HAS if kind is Kind.ACTION else _QUERY_HAS
    why = known.get(name, f"It has: {', '.join(present)}.")
    return NotInContext(f"{owner} of {_a(kind)} has no `{name}`. {why}")


def _a(kind: Kind) -> str:
    return f"{'an' if kind is Kind.ACTION else 'a'} {kind.value.lower()}"
