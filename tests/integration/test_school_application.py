"""The application that ships: users, threads, messages, and the tour."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.server import REPOSITORY, Server
from tests.support.sync_client import SyncClient


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(REPOSITORY, tmp_path_factory.mktemp("school") / "data") as server:
        yield server


def refused(server: Server, path: str, **args: Any) -> Any:
    """The data of the ConvexError that a mutation ends in."""
    status, answer = server.post("/api/mutation", {"path": path, "args": args})
    assert (status, answer["status"]) == (200, "error"), answer
    return answer["errorData"]


def test_users_have_one_email_each(school: Server):
    ada = school.mutation("users:create", name="Ada", email=" Ada@School.example ")
    user = school.query("users:get", userId=ada)
    assert (user["name"], user["email"], user["role"]) == ("Ada", "ada@school.example", "student")
    assert school.query("users:byEmail", email="ADA@school.example") == user
    taken = {"code": "EMAIL_TAKEN", "email": "ada@school.example"}
    assert refused(school, "users:create", name="Imposter", email="ada@school.example", role="teacher") == taken
    school.mutation("users:rename", userId=ada, name="Ada L.")
    assert school.query("users:get", user_id=ada)["name"] == "Ada L."
    assert school.query("users:byEmail", email="nobody@school.example") is None


def test_threads_are_listed_by_their_newest_message(school: Server):
    bob = school.mutation("users:create", name="Bob", email="bob@school.example", role="teacher")
    threads = [school.mutation("threads:create", userId=bob, title=title) for title in ("old", "new")]
    assert [thread["title"] for thread in school.query("threads:list", userId=bob)] == ["new", "old"]
    school.mutation("messages:saveUserMessage", threadId=threads[0], text="Are you there?")
    assert [thread["title"] for thread in school.query("threads:list", userId=bob)] == ["old", "new"]
    assert [thread["title"] for thread in school.query("threads:list", userId=bob, limit=1)] == ["old"]
    assert school.query("threads:get", threadId=threads[1])["userId"] == bob
    assert school.mutation("threads:delete", threadId=threads[0]) == 1
    assert school.query("threads:get", threadId=threads[0]) is None
    assert refused(school, "messages:saveUserMessage", threadId=threads[0], text="Gone?")["code"] == "NO_SUCH_THREAD"


async def test_a_conversation_is_live(school: Server):
    async with SyncClient(school.url) as client:
        user = (await client.mutation("users:create", name="Cy", email="cy@school.example")).result
        thread = (await client.mutation("threads:create", userId=user)).result
        history = await client.add("messages:history", threadId=thread)
        for text in ("What is a range?", "And a point?"):
            assert (await client.mutation("messages:saveUserMessage", threadId=thread, text=text)).success
        recap = await client.action("messages:recap", threadId=thread)
        assert recap.result == "2 asked so far; the last was: And a point?"
        await client.until(lambda: len(client.results[history]) == 3)
        assert [(message["role"], message["text"]) for message in client.results[history]] == [
            ("user", "What is a range?"),
            ("user", "And a point?"),
            ("assistant", recap.result),
        ]
        empty = await client.mutation("messages:saveUserMessage", threadId=thread, text=" ")
        assert empty.data == {"code": "EMPTY_MESSAGE"}
        forged = await client.mutation("messages:saveAssistantMessage", threadId=thread, text="I am the assistant")
        assert not forged.success


def test_the_tour(school: Server):
    for value in (3, 1, 2):
        school.mutation("myFunctions:addNumber", value=value)
    assert school.query("myFunctions:listNumbers") == [3, 1, 2]
    assert school.query("my_functions:list_numbers", count=2) == [1, 2]
    assert refused(school, "myFunctions:addNumber", value=-1) == {"code": "NEGATIVE", "value": -1}
    total = school.call("action", "myFunctions:addRandomNumber", below=1)
    assert total == 6
    status, answer = school.post("/api/query", {"path": "myFunctions:total", "args": {}})
    assert (status, answer["status"]) == (200, "error"), json.dumps(answer)
