"""The PyPI client's scenes; a test reads what they tell. Its calls block until they succeed, so they run apart."""

import json
import sys
from collections.abc import Callable
from typing import Any, cast

from convex import ConvexClient, ConvexError, ConvexInt64

url, options = sys.argv[1], json.loads(sys.argv[2])
client = ConvexClient(url)


def tell(event: str, **fields: Any) -> None:
    print(json.dumps({"event": event, **fields}), flush=True)


def refusal(attempt: Callable[[], object]) -> dict[str, Any]:
    """Run `attempt` and describe the error that it must end in."""
    try:
        attempt()
    except ConvexError as error:
        return {"name": "ConvexError", "message": str(error), "data": error.data}
    except Exception as error:
        return {"name": type(error).__name__, "message": str(error), "data": None}
    raise AssertionError("an error was expected")


def conversation() -> None:
    """A subscription, with writes by the same client and by another between its results."""
    channel = {"channel": options["channel"]}
    subscription = client.subscribe("messages:bodies", channel)
    tell("bodies", bodies=next(subscription))
    tell("sent", id=client.mutation("messages:send", {**channel, "body": "one"}))
    tell("asked", bodies=client.query("messages:bodies", channel))
    tell("shouted", count=client.action("messages:shout", {**channel, "body": "two"}))
    ConvexClient(url).mutation("messages:send", {**channel, "body": "three"})
    bodies: list[str] = []
    while len(bodies) < 3:
        bodies = cast("list[str]", next(subscription))
        tell("bodies", bodies=bodies)
    subscription.unsubscribe()


def failures() -> None:
    """Failures of functions, plain and with data."""
    tell("query", **refusal(lambda: client.query("faults:raises")))
    tell("queryData", **refusal(lambda: client.query("faults:raises_data")))
    tell("subscription", **refusal(lambda: next(client.subscribe("faults:raises_data"))))
    tell("mutation", **refusal(lambda: client.mutation("faults:writes_then_raises", {"text": "x"})))
    tell("mutationData", **refusal(lambda: client.mutation("faults:writes_then_raises_data", {"text": "x"})))
    tell("action", **refusal(lambda: client.action("faults:action_raises")))
    tell("actionData", **refusal(lambda: client.action("faults:action_raises_data")))
    tell("missing", **refusal(lambda: client.query("faults:nope")))
    tell("healthy", value=client.query("faults:healthy"))


def limits() -> None:
    """Functions that are called too often, and a subscription that is refused and recovers by itself."""
    for _ in range(2):
        client.mutation("notes:add")
        client.action("notes:ask")
    tell("mutation", **refusal(lambda: client.mutation("notes:add")))
    tell("action", **refusal(lambda: client.action("notes:ask")))
    first, second = (client.subscribe("notes:slowly", {"n": n}) for n in range(2))
    tell("first", value=next(first))
    tell("waits", **refusal(lambda: next(second)))
    tell("second", value=next(second))


def moments() -> None:
    """Two queries watched together while others move money, until it has moved often enough."""
    bank, seen = options["bank"], set[float]()
    branches = [client.subscribe("bank:branch_total", {"bank": bank, "branch": name}) for name in ("north", "south")]
    ids = [str(branch.id) for branch in branches]  # the ids themselves are equal to nothing but themselves
    for view in client.watch_all():
        results = {str(id): cast("dict[str, Any]", result)["value"] for id, result in (view or {}).items()}
        if any(id not in results for id in ids):
            continue
        north, south = (results[id] for id in ids)
        tell("totals", north=north, south=south)
        seen.add(north)
        if len(seen) == options["changes"]:
            break


def values() -> None:
    """Kinds of values in both directions."""
    sent = [ConvexInt64(2**63 - 1), float("inf"), -0.0, 0.1, b"\x00\xff", "naïve 😀", None, True, [[{"a": 1.0}]]]
    tell("seen", values=client.action("boxes:seen", {"values": sent}))
    returned = client.mutation("boxes:put", {"name": "py", "value": sent})
    tell("returned", same=repr(returned) == repr(sent), value=repr(returned))
    made = client.query("boxes:made")
    tell("made", values={key: repr(value) for key, value in made.items()})


def large() -> None:
    """A result of several megabytes, whole and then changed."""
    book, pages, letter, size = (options[key] for key in ("book", "pages", "letter", "size"))
    subscription = client.subscribe("books:read", {"book": book})
    texts = cast("list[str]", next(subscription))
    tell("book", pages=len(texts), letters=sum(map(len, texts)))
    client.mutation("books:write_page", {"book": book, "number": 0, "letter": letter, "size": size + 1})
    while sum(map(len, texts)) == pages * size:
        texts = cast("list[str]", next(subscription))
    tell("book", pages=len(texts), letters=sum(map(len, texts)))


def staying() -> None:
    """Stay subscribed until the message "last" is there, whatever happens to the server meanwhile."""
    bodies: list[str] = []
    subscription = client.subscribe("messages:bodies", {"channel": options["channel"]})
    while "last" not in bodies:
        bodies = cast("list[str]", next(subscription))
        tell("bodies", bodies=bodies)


def signing_in() -> None:
    """Be nobody, then somebody, then nobody again."""
    subscription = client.subscribe("members:me")
    tell("me", who=next(subscription))
    tell("before", who=client.mutation("members:who_writes"))
    client.set_auth(options["token"])
    tell("asked", who=client.query("members:me_nested"))
    tell("wrote", who=client.mutation("members:who_writes"))
    tell("acted", who=client.action("members:who_acts"))
    tell("me", who=next(who for who in subscription if who is not None))
    client.clear_auth()
    tell("after", who=client.mutation("members:who_writes"))
    tell("me", who=next(who for who in subscription if who is None))


scenes = (conversation, failures, limits, moments, values, large, staying, signing_in)
{scene.__name__: scene for scene in scenes}[options["scene"]]()
