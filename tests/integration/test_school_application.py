"""The application that ships: users, threads, messages, and the tour."""

from collections.abc import AsyncIterator

import pytest

from reactor import ConvexError
from reactor.errors import FunctionNotFound
from reactor.testing import Backend, Caller
from tests.support.server import REPOSITORY


@pytest.fixture
async def school() -> AsyncIterator[Backend]:
    async with Backend(REPOSITORY) as backend:
        yield backend


async def refused(caller: Caller, path: str, **args: object) -> object:
    """The data of the ConvexError that a mutation ends in."""
    with pytest.raises(ConvexError) as error:
        await caller.mutation(path, **args)
    return error.value.data


async def test_users_have_one_email_each(school: Backend):
    ada = await school.mutation("users:create", name="Ada", email=" Ada@School.example ")
    user = await school.query("users:get", userId=ada)
    assert (user["name"], user["email"], user["role"]) == ("Ada", "ada@school.example", "student")
    assert await school.query("users:byEmail", email="ADA@school.example") == user
    taken = {"code": "EMAIL_TAKEN", "email": "ada@school.example"}
    assert await refused(school, "users:create", name="Imposter", email="ada@school.example", role="teacher") == taken
    await school.mutation("users:rename", userId=ada, name="Ada L.")
    assert (await school.query("users:get", user_id=ada))["name"] == "Ada L."
    assert await school.query("users:byEmail", email="nobody@school.example") is None


async def test_threads_are_listed_by_their_newest_message(school: Backend):
    bob = await school.mutation("users:create", name="Bob", email="bob@school.example", role="teacher")

    async def titles(**limit: int) -> list[str]:
        return [thread["title"] for thread in await school.query("threads:list", userId=bob, **limit)]

    old = await school.mutation("threads:create", userId=bob, title="old")
    school.clock.advance(minutes=1)
    new = await school.mutation("threads:create", userId=bob, title="new")
    assert await titles() == ["new", "old"]
    school.clock.advance(minutes=1)
    await school.mutation("messages:saveUserMessage", threadId=old, text="Are you there?")
    assert await titles() == ["old", "new"]
    assert await titles(limit=1) == ["old"]
    assert (await school.query("threads:get", threadId=new))["userId"] == bob
    assert await school.mutation("threads:delete", threadId=old) == 1
    assert await school.query("threads:get", threadId=old) is None
    gone = await refused(school, "messages:saveUserMessage", threadId=old, text="Gone?")
    assert gone == {"code": "NO_SUCH_THREAD", "threadId": old}


async def test_a_conversation_is_live(school: Backend):
    user = await school.mutation("users:create", name="Cy", email="cy@school.example")
    thread = await school.mutation("threads:create", userId=user)
    async with school.subscribe("messages:history", threadId=thread) as history:
        for text in ("What is a range?", "And a point?"):
            await school.mutation("messages:saveUserMessage", threadId=thread, text=text)
        recap = await school.as_client().action("messages:recap", threadId=thread)
        assert recap == "2 asked so far; the last was: And a point?"
        assert [len(await history.next()) for _ in range(history.pending)] == [0, 1, 2, 3]
        assert [(message["role"], message["text"]) for message in history.current] == [
            ("user", "What is a range?"),
            ("user", "And a point?"),
            ("assistant", recap),
        ]
        empty = await refused(school, "messages:saveUserMessage", threadId=thread, text=" ")
        assert (empty, history.pending) == ({"code": "EMPTY_MESSAGE"}, 0)


async def test_nobody_puts_words_into_the_mouth_of_the_assistant(school: Backend):
    user = await school.mutation("users:create", name="Di", email="di@school.example")
    thread = await school.mutation("threads:create", userId=user)
    with pytest.raises(FunctionNotFound):
        forged = {"threadId": thread, "text": "I am the assistant"}
        await school.as_client().mutation("messages:saveAssistantMessage", forged)
    assert await school.query("messages:history", threadId=thread) == []


async def test_the_tour(school: Backend):
    for value in (3, 1, 2):
        await school.mutation("myFunctions:addNumber", value=value)
    assert school.logs.texts == ["adding 3", "adding 1", "adding 2"]
    assert await school.query("myFunctions:listNumbers") == [3, 1, 2]
    assert await school.query("my_functions:list_numbers", count=2) == [1, 2]
    assert await refused(school, "myFunctions:addNumber", value=-1) == {"code": "NEGATIVE", "value": -1}
    assert await school.action("myFunctions:addRandomNumber", below=1) == 6
    with pytest.raises(FunctionNotFound):
        await school.as_client().query("myFunctions:total")
