"""The application that ships: people, conversations, essays and their reviews, orders, dashboards, and the tour."""

import datetime as dt
import hashlib
import hmac
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from functions.login import new_code
from reactor import UNSET, ConvexError
from reactor.errors import FunctionNotFound
from reactor.testing import Backend, Caller
from tests.support.chosen_store import CHOSEN
from tests.support.patience import PATIENCE, until
from tests.support.server import REPOSITORY, Server

LOGIN = "https://school.example/login"
KEY = "local|0123456789abcdef"
NOW = dt.datetime(2026, 3, 15, 12, tzinfo=dt.UTC)


class School:
    """A school with an admin, a teacher and two students, who are signed in."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.ids: dict[str, str] = {}
        self.people: dict[str, Caller] = {}

    async def enrol(self, name: str, role: str, address: str | None = None) -> None:
        address = address or f"{name.lower()}@school.example"
        id = await self.backend.mutation("users:create", name=name, email=address, role=role)
        await self.backend.mutation("login:sendCode", email=address, code="123456")
        await self.backend.mutation("login:signIn", email=address, code="123456", secret=f"secret of {name}")
        self.ids[name] = id
        self.people[name] = self.backend.as_user(subject=id, issuer=LOGIN).as_client()

    def __getattr__(self, name: str) -> Caller:
        return self.people[name.title()]

    async def key(self) -> str:
        """Opens the dashboards."""
        return await self.admin.action("dashboard:openAccess")


@pytest.fixture
async def school(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[School]:
    monkeypatch.setenv("SCHOOL_LOGIN_KEY", str(tmp_path / "login-key.pem"))
    async with Backend(REPOSITORY, now=NOW) as backend:
        school = School(backend)
        for name, role in (("Admin", "admin"), ("Tea", "teacher"), ("Ada", "student"), ("Bob", "student")):
            await school.enrol(name, role)
        yield school


async def refused(call: Any) -> Any:
    """The data of the ConvexError that a call ends in."""
    with pytest.raises(ConvexError) as error:
        await call
    return error.value.data


def first_page(count: int = 10) -> dict[str, Any]:
    return {"numItems": count, "cursor": None}


# People


async def test_an_address_has_one_account(school: School):
    taken = {"code": "EMAIL_TAKEN", "email": "ada@school.example"}
    again = school.backend.mutation("users:create", name="Imposter", email=" Ada@School.example ", role="teacher")
    assert await refused(again) == taken


async def test_who_is_signed_in_is_known(school: School):
    assert (await school.ada.query("users:me"))["name"] == "Ada"
    assert await school.backend.as_client().query("users:me") is None
    await school.ada.mutation("users:rename", name=" Ada L. ")
    assert (await school.ada.query("users:me"))["name"] == "Ada L."
    assert await refused(school.ada.mutation("users:rename", name=" ")) == {"code": "EMPTY_NAME"}
    stranger = school.backend.as_user(subject="nobody", issuer=LOGIN).as_client()
    assert await refused(stranger.query("users:me")) == {"code": "NO_ACCOUNT"}


async def test_only_admins_give_roles(school: School):
    ada = school.ids["Ada"]
    assert await refused(school.ada.mutation("users:setRole", userId=ada, role="admin")) == {"code": "FORBIDDEN"}
    await school.admin.mutation("users:setRole", userId=ada, role="teacher")
    assert (await school.tea.query("users:get", userId=ada))["role"] == "teacher"
    assert await refused(school.bob.query("users:get", userId=ada)) == {"code": "FORBIDDEN"}


async def test_accounts_are_not_made_by_clients(school: School):
    with pytest.raises(FunctionNotFound):
        await school.ada.mutation("users:create", name="x", email="x@school.example")


# Signing in


async def test_a_code_works_once_and_not_for_long(school: School):
    backend = school.backend

    async def sign_in(code: str) -> Any:
        return await backend.mutation("login:signIn", email="Cy@school.example", code=code, secret=f"s{code}")

    await backend.mutation("login:sendCode", email="cy@school.example", code="111111")
    assert await sign_in("222222") is None
    user = await sign_in("111111")
    assert (user["email"], user["role"]) == ("cy@school.example", "student")
    assert await sign_in("111111") is None
    await backend.mutation("login:sendCode", email="cy@school.example", code="333333")
    backend.clock.advance(minutes=11)
    assert await sign_in("333333") is None
    assert (await backend.mutation("login:renew", secret="s111111"))["_id"] == user["_id"]
    await backend.mutation("login:signOut", secret="s111111")
    assert await backend.mutation("login:renew", secret="s111111") is None


async def test_nobody_keeps_somebody_else_from_signing_in(school: School):
    backend, cy = school.backend, {"email": "cy@school.example"}
    await backend.mutation("login:sendCode", **cy, code=(code := new_code()), caller="192.0.2.1")
    for number in range(5):
        await backend.mutation("login:sendCode", **cy, code=f"no {number}", caller="198.51.100.1")
    too_many = backend.mutation("login:sendCode", **cy, code="9", caller="198.51.100.1")
    assert await refused(too_many) == {"code": "TOO_MANY_CODES"}
    for number in range(50):
        assert await backend.mutation("login:signIn", **cy, code=f"try {number}", secret="s") is None
    await backend.mutation("login:sendCode", **cy, code="another", caller="192.0.2.1")
    assert (await backend.mutation("login:signIn", **cy, code=code, secret="s"))["email"] == cy["email"]
    assert await backend.mutation("login:signIn", **cy, code="another", secret="s") is None, "all went with the first"
    backend.clock.advance(minutes=61)
    await backend.mutation("login:sendCode", **cy, code="9", caller="198.51.100.1")


async def test_one_caller_gets_five_codes_an_hour_for_each_address(school: School):
    backend = school.backend
    for name in ("cy", "dee"):
        for number in range(5):
            await backend.mutation("login:sendCode", email=f"{name}@school.example", code=f"{number}", caller="::1")
            backend.clock.advance(minutes=11)
        too_many = backend.mutation("login:sendCode", email=f"{name}@school.example", code="9", caller="::1")
        assert await refused(too_many) == {"code": "TOO_MANY_CODES"}
    backend.clock.advance(minutes=6)
    await backend.mutation("login:sendCode", email="dee@school.example", code="9", caller="::1")


async def test_a_code_may_be_typed_as_people_do(school: School):
    backend, cy = school.backend, {"email": "cy@school.example"}
    assert re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{5}-[0-9A-HJKMNP-TV-Z]{5}", new_code())
    assert len({new_code() for _ in range(100)}) == 100
    for typed in ("7K011-9QXD4", "7k011 9qxd4", "7koil9qxd4 "):
        await backend.mutation("login:sendCode", **cy, code="7K011-9QXD4", caller=typed)
        assert await backend.mutation("login:signIn", **cy, code=typed, secret=typed) is not None


async def test_the_database_has_no_secret(school: School):
    everything = json.dumps(
        await school.backend.run(
            lambda ctx: _collected(ctx, "loginCodes", "loginSessions"),
        )
    )
    assert "secret of" not in everything
    assert "123456" not in everything


async def _collected(ctx: Any, *tables: str) -> list[Any]:
    return [await ctx.db.query(table).collect() for table in tables]


# Conversations


async def test_threads_are_listed_by_their_newest_message(school: School):
    async def titles(**limit: int) -> list[str]:
        return [thread["title"] for thread in await school.bob.query("threads:list", **limit)]

    old = await school.bob.mutation("threads:create", title="old")
    school.backend.clock.advance(minutes=1)
    await school.bob.mutation("threads:create", title="new")
    assert await titles() == ["new", "old"]
    school.backend.clock.advance(minutes=1)
    await school.bob.mutation("messages:saveUserMessage", threadId=old, text="Are you there?")
    assert await titles() == ["old", "new"]
    assert await titles(limit=1) == ["old"]
    await school.bob.mutation("threads:rename", threadId=old, title="older")
    await school.bob.mutation("threads:archive", threadId=old)
    thread = await school.bob.query("threads:get", threadId=old)
    assert (thread["title"], thread["archived"], thread["messages"]) == ("older", True, 1)
    assert len((await school.bob.query("threads:page", paginationOpts=first_page()))["page"]) == 2
    assert await school.bob.mutation("threads:delete", threadId=old) == 1
    gone = await refused(school.bob.mutation("messages:saveUserMessage", threadId=old, text="Gone?"))
    assert gone["code"] == "NOT_FOUND"


async def test_a_thread_is_its_owners(school: School):
    thread = await school.ada.mutation("threads:create", title="mine")
    for call in (
        school.bob.query("threads:get", threadId=thread),
        school.bob.query("messages:history", threadId=thread),
        school.bob.mutation("messages:saveUserMessage", threadId=thread, text="Hi"),
        school.bob.mutation("threads:delete", threadId=thread),
    ):
        assert (await refused(call))["code"] == "NOT_FOUND"
    assert (await school.tea.query("threads:get", threadId=thread))["title"] == "mine"
    assert await refused(school.backend.as_client().query("threads:list")) == {"code": "NOT_SIGNED_IN"}


async def test_the_assistant_answers_word_by_word(school: School):
    thread = await school.ada.mutation("threads:create")
    async with school.ada.subscribe("messages:history", threadId=thread) as history:
        assert await history.next() == []
        await school.ada.mutation("messages:saveUserMessage", threadId=thread, text="How do I write a conclusion?")
        assert [message["role"] for message in await history.next()] == ["user"]
        assert await school.backend.run_due() >= 1
        answers = [(await history.next())[1] for _ in range(history.pending)]
    lengths = [len(answer["text"]) for answer in answers]
    assert len(lengths) > 1
    assert lengths == sorted(lengths)
    assert "Say what follows from it" in answers[-1]["text"]
    assert answers[-1]["streaming"] is False
    empty = school.ada.mutation("messages:saveUserMessage", threadId=thread, text="  ")
    assert await refused(empty) == {"code": "EMPTY_MESSAGE"}
    long = school.ada.mutation("messages:saveUserMessage", threadId=thread, text="x" * 4_001)
    assert (await refused(long))["code"] == "MESSAGE_TOO_LONG"


async def test_nobody_speaks_for_the_assistant(school: School):
    thread = await school.ada.mutation("threads:create")
    with pytest.raises(FunctionNotFound):
        await school.ada.mutation("messages:saveAssistantMessage", threadId=thread, text="I say")


# Essays and their reviews


async def test_an_essay_is_kept_changed_and_handed_in(school: School):
    essay = await school.ada.mutation("essays:create", title=" Trees ", text="Trees are tall. " * 40)
    kept = await school.ada.query("essays:get", essayId=essay)
    assert (kept["title"], kept["status"], kept["wordCount"]) == ("Trees", "draft", 120)
    await school.ada.mutation("essays:update", essayId=essay, title="Trees", text="Trees are very tall.")
    metadata = await school.ada.query("essays:getMetadata", essayId=essay)
    assert (metadata["excerpt"], metadata["wordCount"]) == ("Trees are very tall.", 4)
    assert (await refused(school.bob.query("essays:get", essayId=essay)))["code"] == "NOT_FOUND"
    empty = school.ada.mutation("essays:create", title="x", text=" ")
    assert await refused(empty) == {"code": "EMPTY_ESSAY", "field": "text"}
    request = await school.ada.mutation("essayRequestsActions:create", essayId=essay)
    twice = school.ada.mutation("essayRequestsActions:create", essayId=essay)
    assert (await refused(twice))["code"] == "ALREADY_SUBMITTED"
    changed = school.ada.mutation("essays:update", essayId=essay, title="x", text="y")
    assert (await refused(changed))["code"] == "NOT_A_DRAFT"
    status = await school.ada.query("essayRequests:getStatus", requestId=request)
    assert (status["status"], status["waiting"], status["error"]) == ("received", 0, None)
    await school.ada.mutation("essayRequestsActions:cancel", requestId=request)
    assert (await school.ada.query("essays:get", essayId=essay))["status"] == "draft"
    late = school.ada.mutation("essayRequestsActions:cancel", requestId=request)
    assert (await refused(late))["code"] == "TOO_LATE"
    mine = await school.ada.query("essayRequests:listMine", paginationOpts=first_page())
    assert [each["status"] for each in mine["page"]] == ["cancelled"]
    assert (await school.tea.query("essayRequests:listOpen", paginationOpts=first_page()))["page"] == []


async def test_the_newest_request_for_an_essay(school: School):
    essay = await school.ada.mutation("essays:create", title="On trees", text="Trees are tall.")
    assert await school.ada.query("essayRequests:getForEssay", essayId=essay) is None
    first = await school.ada.mutation("essayRequestsActions:create", essayId=essay)
    await school.ada.mutation("essayRequestsActions:cancel", requestId=first)
    second = await school.ada.mutation("essayRequestsActions:create", essayId=essay, priority="express")
    for person in (school.ada, school.tea):
        request = await person.query("essayRequests:getForEssay", essayId=essay)
        assert (request["_id"], request["status"]) == (second, "received")
    assert (await refused(school.bob.query("essayRequests:getForEssay", essayId=essay)))["code"] == "NOT_FOUND"


async def test_lists_of_essays(school: School):
    for number in range(3):
        school.backend.clock.advance(minutes=1)
        await school.ada.mutation("essays:create", title=f"Essay {number}", text="text")
    await school.bob.mutation("essays:create", title="Of Bob", text="text")

    async def titles(who: Caller, **args: Any) -> list[str]:
        page = await who.query("essays:list", paginationOpts=first_page(), **args)
        return [essay["title"] for essay in page["page"]]

    assert await titles(school.ada) == ["Essay 2", "Essay 1", "Essay 0"]
    assert await titles(school.ada, status="submitted") == []
    assert await titles(school.tea, status="draft") == ["Of Bob", "Essay 2", "Essay 1", "Essay 0"]


async def test_essays_are_found_by_their_words(school: School):
    for who, title, text in (
        (school.ada, "Trees", "A tree is tall, and an oak is a tree."),
        (school.ada, "Birds", "Birds like trees."),
        (school.bob, "Oaks", "The oak is a symbol."),
    ):
        await who.mutation("essays:create", title=title, text=text)

    async def titles(who: Caller, text: str) -> list[str]:
        return [essay["title"] for essay in await who.query("essays:search", text=text)]

    assert await titles(school.ada, "oak") == ["Trees"]
    assert await titles(school.tea, "oak") == ["Oaks", "Trees"]
    assert sorted(await titles(school.ada, "tre")) == ["Birds", "Trees"]
    async with school.ada.subscribe("essays:search", text="symbol") as found:
        assert await found.next() == []
        await school.bob.mutation("essays:create", title="Other", text="Another symbol.")
        await school.ada.mutation("essays:create", title="Mine", text="My symbol.")
        assert [essay["title"] for essay in await found.next()] == ["Mine"]


# Orders


async def test_money_and_customers_agree(school: School):
    backend = school.backend
    customer = await school.tea.mutation("customers:create", name="Eve", email=" Eve@Example.org ", plan="monthly")
    again = school.tea.mutation("customers:create", name="Eve", email="eve@example.org")
    assert await refused(again) == {"code": "EMAIL_TAKEN", "email": "eve@example.org"}
    order = await school.tea.mutation("orders:place", customerId=customer, product="Essay review")

    async def pay(number: str, outcome: str) -> bool:
        return await backend.mutation(
            "orders:paymentReceived", orderId=order, providerId=number, amount=4_900, outcome=outcome
        )

    assert await pay("p1", "failed") is True
    assert (await school.tea.query("orders:get", orderId=order))["status"] == "pending"
    assert await pay("p2", "succeeded") is True
    assert await pay("p2", "succeeded") is False
    key = await school.key()
    details = await backend.query("dashboardCustomers:getCustomer", key=key, customerId=customer)
    assert (details["customer"]["revenue"], details["customer"]["orders"]) == (4_900, 1)
    assert sorted(payment["status"] for payment in details["payments"]) == ["failed", "succeeded"]
    assert await pay("p3", "refunded") is True
    details = await backend.query("dashboardCustomers:getCustomer", key=key, customerId=customer)
    assert (details["customer"]["revenue"], details["orders"][0]["status"]) == (0, "refunded")
    paid = school.tea.mutation("orders:cancel", orderId=order)
    assert (await refused(paid))["code"] == "NOT_PENDING"
    unknown = school.tea.mutation("orders:place", customerId=customer, product="A house")
    assert (await refused(unknown))["code"] == "NO_SUCH_PRODUCT"


async def test_students_order_for_themselves_and_staff_for_all(school: School):
    customer = await school.tea.mutation("customers:create", name="Ada", email="ada@school.example")
    other = await school.tea.mutation("customers:create", name="Eve", email="eve@example.org")
    for_eve = school.ada.mutation("orders:place", customerId=other, product="Essay review")
    assert await refused(for_eve) == {"code": "NO_SUCH_CUSTOMER", "customerId": other}
    order = await school.ada.mutation("orders:place", customerId=customer, product="Essay review")
    assert (await school.ada.query("orders:get", orderId=order))["status"] == "pending"
    assert (await school.admin.query("orders:get", orderId=order))["status"] == "pending"
    assert await school.bob.query("orders:get", orderId=order) is None
    of_ada = school.bob.mutation("orders:cancel", orderId=order)
    assert await refused(of_ada) == {"code": "NO_SUCH_ORDER", "orderId": order}
    await school.ada.mutation("orders:cancel", orderId=order)
    assert (await school.tea.query("orders:get", orderId=order))["status"] == "cancelled"
    await school.tea.mutation("orders:cancel", orderId=await place(school.tea, other))


async def place(who: Caller, customer: str) -> str:
    return await who.mutation("orders:place", customerId=customer, product="Essay review")


async def test_only_who_is_signed_in_orders_and_only_staff_make_customers(school: School):
    customer = await school.tea.mutation("customers:create", name="Eve", email="eve@example.org")
    order, nobody = await place(school.tea, customer), school.backend.as_client()
    for call in (
        nobody.mutation("orders:place", customerId=customer, product="Essay review"),
        nobody.mutation("orders:cancel", orderId=order),
        nobody.query("orders:get", orderId=order),
        nobody.mutation("customers:create", name="X", email="x@example.org"),
        nobody.mutation("customers:leave", customerId=customer),
    ):
        assert await refused(call) == {"code": "NOT_SIGNED_IN"}
    for call in (
        school.ada.mutation("customers:create", name="X", email="x@example.org"),
        school.ada.mutation("customers:leave", customerId=customer),
    ):
        assert await refused(call) == {"code": "FORBIDDEN"}
    await school.tea.mutation("customers:leave", customerId=customer)


async def test_a_customer_who_signs_in_later_is_the_same_person(school: School):
    customer = await school.tea.mutation("customers:create", name="Eve", email="Eve@Example.org")
    await school.enrol("Eve", "student", "eve@example.org")
    order = await place(school.eve, customer)
    assert (await school.eve.query("orders:get", orderId=order))["customerId"] == customer


# Dashboards


DASHBOARDS = [
    "dashboard:getFilterOptions",
    "dashboard:getCounts",
    "dashboard:getRecentActivity",
    "dashboardOverview:getOverview",
    "dashboardOverview:getKpis",
    "dashboardOverview:getSummary",
    "dashboardCustomers:getAnalytics",
    "dashboardQuality:getScores",
    "dashboardQuality:getTrends",
    "dashboardQuality:getAnalysis",
    "dashboardOperations:getMetrics",
    "dashboardOperations:getWorkflow",
    "dashboardRevenue:getRevenue",
    "dashboardRevenue:getTrends",
    "dashboardRevenue:getFinancialMetrics",
]


async def seeded(backend: Backend, scale: float = 0.02) -> None:
    following: float | None = 0
    while following is not None:
        following = (await backend.mutation("seed:step", number=int(following), scale=scale))["next"]


async def test_dashboards_show_what_the_documents_say(school: School):
    await seeded(school.backend)
    key = await school.key()
    everything = await school.backend.run(lambda ctx: _collected(ctx, "orders", "customers", "qualityReviews"))
    orders, customers, reviews = everything
    days = {"start": "2026-01-01", "end": "2026-03-15"}

    def within(row: dict[str, Any]) -> bool:
        return "2026-01-01" <= row["day"] <= "2026-03-15"

    paid = [order for order in orders if order["status"] == "paid" and within(order)]
    overview = await school.backend.query("dashboardOverview:getOverview", key=key, filters=days)
    assert overview["kpis"]["revenue"]["value"] == sum(order["amount"] for order in paid)
    assert overview["kpis"]["orders"]["value"] == len(paid)
    assert sum(point["value"] for point in overview["revenue"]) == sum(order["amount"] for order in paid)
    assert overview["kpis"]["newCustomers"]["value"] == sum(within(customer) for customer in customers)
    assert overview["step"] == "week"
    assert f"{len(paid):,} orders in 74 days" in overview["summary"]
    revenue = await school.backend.query("dashboardRevenue:getRevenue", key=key, filters=days)
    for share in revenue["byProduct"]:
        of_product = [order["amount"] for order in paid if order["product"] == share["name"]]
        assert (share["value"], share["count"]) == (sum(of_product), len(of_product))
    scores = await school.backend.query("dashboardQuality:getScores", key=key, filters=days)
    recent = [review for review in reviews if within(review)]
    mean = sum(review["scores"]["style"] for review in recent) / len(recent)
    assert scores["style"]["value"] == pytest.approx(mean)
    analysis = await school.backend.query("dashboardQuality:getAnalysis", key=key, filters=days)
    assert sum(band["count"] for band in analysis["distribution"]) == len(recent)
    assert sum(reviewer["reviews"] for reviewer in analysis["reviewers"]) == len(recent)
    best = await school.backend.query("dashboardCustomers:listCustomers", key=key, paginationOpts=first_page(3))
    assert [row["revenue"] for row in best["page"]] == sorted((c["revenue"] for c in customers), reverse=True)[:3]
    for narrowed in ({"plan": "yearly"}, {"country": "FR"}):
        page = await school.backend.query(
            "dashboardCustomers:listCustomers", key=key, paginationOpts=first_page(500), filters=narrowed
        )
        ((field, value),) = narrowed.items()
        assert len(page["page"]) == sum(customer[field] == value for customer in customers)
    events = await school.backend.query("dashboardOperations:listEvents", key=key, paginationOpts=first_page(5))
    assert len(events["page"]) == 5


async def test_an_order_reaches_the_dashboards_it_belongs_to(school: School):
    backend, key = school.backend, await school.key()
    customer = await school.tea.mutation("customers:create", name="Eve", email="eve@example.org")
    january = {"start": "2026-01-01", "end": "2026-01-31"}
    async with (
        backend.subscribe("dashboardRevenue:getRevenue", key=key, filters={"today": "2026-03-15"}) as now,
        backend.subscribe("dashboardRevenue:getRevenue", key=key, filters=january) as past,
    ):
        assert ((await now.next())["total"]["value"], (await past.next())["total"]["value"]) == (0, 0)
        order = await school.tea.mutation("orders:place", customerId=customer, product="Coaching hour")
        paying = {"orderId": order, "providerId": "p", "amount": 8_900, "outcome": "succeeded"}
        await backend.mutation("orders:paymentReceived", **paying)
        assert (await now.next())["total"]["value"] == 8_900
        assert past.runs == 1


async def test_dashboards_need_the_key_and_lose_it(school: School):
    assert await school.tea.query("dashboard:getAccess") is None
    key = await school.tea.action("dashboard:openAccess")
    assert await school.tea.query("dashboard:getAccess") == key
    assert await refused(school.ada.query("dashboard:getAccess")) == {"code": "FORBIDDEN"}
    for path in DASHBOARDS:
        assert await refused(school.backend.as_client().query(path, key="wrong")) == {"code": "FORBIDDEN"}
        await school.backend.as_client().query(path, key=key)
    assert await refused(school.tea.action("dashboard:openAccess")) == {"code": "FORBIDDEN"}
    new = await school.admin.action("dashboard:openAccess")
    assert new != key
    assert await refused(school.backend.as_client().query(DASHBOARDS[0], key=key)) == {"code": "FORBIDDEN"}


@pytest.mark.parametrize(
    ("filters", "field"),
    [
        ({"range": "lastyear"}, "range"),
        ({"start": "2026-3-1"}, "start"),
        ({"start": "2026-02-02", "end": "2026-02-01"}, "start"),
        ({"end": "1999-01-01"}, "end"),
        ({"today": "tomorrow"}, "today"),
    ],
)
async def test_wrong_filters_are_named(school: School, filters: dict[str, str], field: str):
    key = await school.key()
    data = await refused(school.backend.query("dashboardOverview:getKpis", key=key, filters=filters))
    assert (data["code"], data["field"]) == ("BAD_FILTER", field)


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [
        ("today", "2026-03-15", "2026-03-15"),
        ("yesterday", "2026-03-14", "2026-03-14"),
        ("last7days", "2026-03-09", "2026-03-15"),
        ("last30days", "2026-02-14", "2026-03-15"),
        ("thisMonth", "2026-03-01", "2026-03-15"),
        ("lastMonth", "2026-02-01", "2026-02-28"),
        ("thisYear", "2026-01-01", "2026-03-15"),
    ],
)
async def test_ranges_have_names(school: School, name: str, first: str, last: str):
    key = await school.key()
    overview = await school.backend.query("dashboardOverview:getOverview", key=key, filters={"range": name})
    assert (overview["start"], overview["end"]) == (first, last)


# Over HTTP, with a review service outside


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    environment = {
        "REACTOR_ADMIN_KEY": KEY,
        "REACTOR_SITE_PORT": "0",
        "SCHOOL_LOGIN": "demo",
        "SCHOOL_LOGIN_KEY": str(tmp_path / "login-key.pem"),
    }
    with Server(REPOSITORY, tmp_path / "data", environment=environment) as server:
        yield server


@contextmanager
def signed_in(server: Server, email: str) -> Iterator[httpx.Client]:
    """A browser in which somebody has signed in; what it asks carries the token."""
    with httpx.Client(base_url=server.url, timeout=PATIENCE, trust_env=False) as client:
        code = client.post("/http/login/code", json={"email": email}).json()["code"]
        answer = client.post("/http/login/token", json={"email": email, "code": code})
        client.headers["Authorization"] = f"Bearer {answer.json()['token']}"
        yield client


def call(client: httpx.Client, kind: str, path: str, **args: Any) -> Any:
    answer = client.post(f"/api/{kind}", json={"path": path, "args": args}).json()
    assert answer["status"] == "success", answer
    return answer["value"]


def test_somebody_signs_in_stays_and_leaves(server: Server):
    with signed_in(server, "ada@school.example") as ada:
        assert call(ada, "query", "users:me")["role"] == "admin"  # the first one to come
        with signed_in(server, "bob@school.example") as bob:
            assert call(bob, "query", "users:me")["role"] == "student"
        assert ada.post("/http/login/refresh").json()["name"] == "Ada"
        wrong = ada.post("/http/login/token", json={"email": "ada@school.example", "code": "1"})
        assert (wrong.status_code, wrong.json()) == (401, {"code": "WRONG_CODE"})
        assert ada.post("/http/login/code", json={"email": "nobody"}).status_code == 400
        assert ada.post("/http/login/code", content=b"{").status_code == 400
        ada.post("/http/login/out")
        assert ada.post("/http/login/refresh").status_code == 401


def test_the_cookie_is_for_signing_in_only(server: Server):
    with signed_in(server, "ada@school.example") as ada:
        code = ada.post("/http/login/code", json={"email": "ada@school.example"}).json()["code"]
        proxied = {"X-Forwarded-Proto": "https"}
        given = ada.post("/http/login/token", json={"email": "ada@school.example", "code": code}, headers=proxied)
        cookie = given.headers["set-cookie"].lower()
        for rule in ("httponly", "samesite=strict", "secure", "path=/http/login"):
            assert rule in cookie
        assert "set-cookie" not in ada.post("/api/query", json={"path": "users:me", "args": {}}).headers


def test_a_code_is_in_no_answer_unless_that_is_asked_for(tmp_path: Path):
    environment = {"SCHOOL_LOGIN": "", "SCHOOL_LOGIN_KEY": str(tmp_path / "login-key.pem")}
    with Server(REPOSITORY, tmp_path / "data", environment=environment) as server:
        assert httpx.post(f"{server.url}/http/login/code", json={"email": "ada@school.example"}).json() == {
            "sent": True
        }
        assert (tmp_path / "login-key.pem").stat().st_mode & 0o077 == 0


def test_codes_cannot_be_tried_out_over_http(server: Server):
    with httpx.Client(base_url=f"{server.url}/http", timeout=PATIENCE, trust_env=False) as client:
        code = client.post("/login/code", json={"email": "ada@school.example"}).json()["code"]
        wrong = {"email": "ada@school.example", "code": "none"}
        answers = [client.post("/login/token", json=wrong).status_code for _ in range(10)]
        assert answers == [401] * 10
        assert client.post("/login/token", json={**wrong, "code": code}).status_code == 200, "it is good by itself"
        assert client.post("/login/token", json={**wrong, "code": code}).status_code == 401, "it has been used up"
        until(lambda: client.post("/login/token", json=wrong).status_code == 429)


def test_codes_are_counted_by_network_addresses(server: Server):
    """Behind a proxy, too."""

    def ask(address: str) -> int:
        headers = {"X-Forwarded-For": address}
        answer = httpx.post(f"{server.url}/http/login/code", json={"email": "ada@school.example"}, headers=headers)
        return answer.status_code

    assert [ask("2001:db8::1") for _ in range(5)] == [200] * 5
    assert [ask("2001:db8::1"), ask("2001:db8::2"), ask("2001:db8:0:1::1"), ask("192.0.2.1")] == [400, 400, 200, 200]


def test_an_essay_is_reviewed_by_the_reviewer_that_ships(server: Server):
    with signed_in(server, "ada@school.example") as ada:
        essay = call(ada, "mutation", "essays:create", title="Trees", text="Trees are tall, but not all of them. " * 9)
        request = call(ada, "mutation", "essayRequestsActions:create", essayId=essay, priority="express")
        until(lambda: call(ada, "query", "essayRequests:getStatus", requestId=request)["status"] == "done")
        details = call(ada, "query", "essayRequests:getDetails", requestId=request)
        assert [event["status"] for event in details["history"]] == ["received", "in_review", "done"]
        assert details["request"]["reviewer"] == "The machine"
        assert re.search(r"72 words in 1 paragraphs", details["request"]["feedback"])
        assert call(ada, "query", "essays:get", essayId=essay)["status"] == "reviewed"


def test_the_webhook_takes_what_is_signed_and_nothing_else(server: Server):
    secret = "shared with the provider"
    with signed_in(server, "ada@school.example") as ada:

        def tell(body: bytes, at: int | None = None, key: str = secret, header: bytes | None = None) -> httpx.Response:
            at = int(time.time()) if at is None else at
            digest = hmac.new(key.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
            signature = f"t={at},v1={digest}".encode() if header is None else header
            return ada.post("/http/webhooks/payments", content=body, headers={b"X-Signature": signature})

        customer = call(ada, "mutation", "customers:create", name="Eve", email="eve@example.org")
        order = call(ada, "mutation", "orders:place", customerId=customer, product="Essay review")
        body = json.dumps({"id": "p1", "orderId": order, "amount": 4900, "outcome": "succeeded"}).encode()
        assert tell(body).status_code == 503
        changes = {"changes": [{"name": "PAYMENT_WEBHOOK_SECRET", "value": secret}]}
        key = {"Authorization": f"Convex {KEY}"}
        assert ada.post("/api/update_environment_variables", json=changes, headers=key).status_code == 200
        assert tell(body, key="another").status_code == 401
        assert tell(body, at=int(time.time()) - 600).status_code == 401
        assert tell(body, at=int(time.time()) + 600).status_code == 401
        for header in (
            b"",
            b"t=x,v1=y",
            b"t=1",
            b"v1=" + b"0" * 64,
            b"t=" + b"9" * 4_000,
            b"t=\xb2,v1=\xb2",
            b"v1=,t=,",
        ):
            assert tell(body, header=header).status_code == 401
        for none in (b"", b"[" * 100_000, b"[]", b'{"id": 5}'):
            assert tell(none).status_code == 400
        assert tell(body).json() == {"new": True}
        assert tell(body).json() == {"new": False}
        assert secret not in server.log
        assert call(ada, "query", "orders:get", orderId=order)["status"] == "paid"
        other = json.dumps({"id": "p2", "orderId": customer, "amount": 1, "outcome": "succeeded"}).encode()
        assert tell(other).status_code >= 400


def seed(data: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).parent / "reactor"), "seed", "--dir", str(REPOSITORY), "--data", str(data)]
    own = {"REACTOR_ADMIN_KEY": KEY, "SCHOOL_LOGIN_KEY": str(data.parent / "login-key.pem")}
    environment = {**os.environ, **CHOSEN.environment(data), **own}
    return subprocess.run(
        [*command, *words], env=environment, capture_output=True, text=True, timeout=3 * PATIENCE, check=False
    )


def test_seeding_fills_the_folder_and_what_a_server_has(server: Server, tmp_path: Path):
    for data in (tmp_path / "data", tmp_path / "another"):
        done = seed(data, "--scale", "0.002")
        assert (done.returncode, done.stdout) == (0, "")
        assert done.stderr.endswith("Done: 2 steps.\n")
    with signed_in(server, "ada@school.example") as ada:
        # There are students already, so this is not the first account.
        assert call(ada, "query", "users:me")["role"] == "student"
    other = seed(tmp_path / "third", "--set", "max_documents_written=5")
    assert (other.returncode, "Too many" in other.stderr or "limit" in other.stderr) == (1, True)


# Old documents, and the clock


async def test_documents_of_earlier_versions_are_brought_over(school: School):
    backend = school.backend
    await seeded(backend, 0.002)

    async def make_old(ctx: Any) -> None:
        for review in await ctx.db.query("qualityReviews").collect():
            await ctx.db.patch(review["_id"], {"band": UNSET})
        customer = await ctx.db.query("customers").first()
        await ctx.db.patch(customer["_id"], {"email": "ada@school.example", "userId": UNSET})

    await backend.run(make_old)
    key = await school.key()
    assert (await backend.query("dashboardQuality:getScores", key=key))["overall"] is not None
    await backend.migrate()
    reviews, customers = await backend.run(lambda ctx: _collected(ctx, "qualityReviews", "customers"))
    assert all(review["band"] == int(review["overall"]) for review in reviews)
    assert [c["userId"] for c in customers if c["email"] == "ada@school.example"] == [school.ids["Ada"]]
    applied = await school.tea.query("migrations:listApplied")
    assert {row["name"] for row in applied} == {"give_bands", "link_customers"}
    assert await backend.dry_run("give_bands")


async def test_a_review_that_was_left_is_taken_up(school: School):
    essay = await school.ada.mutation("essays:create", title="Trees", text="Trees are tall.")
    request = await school.ada.mutation("essayRequestsActions:create", essayId=essay)
    await school.backend.mutation("essayRequestsActions:begin", requestId=request)
    assert await school.backend.mutation("upkeep:takeUpLeftReviews") == 0
    school.backend.clock.advance(minutes=31)
    assert await school.backend.mutation("upkeep:takeUpLeftReviews") == 1


async def test_a_service_that_fails_is_asked_again_and_then_given_up(school: School, monkeypatch: pytest.MonkeyPatch):
    asked: list[str] = []

    async def out_of_order(ctx: Any, work: dict[str, Any]) -> Any:
        asked.append(work["title"])
        raise school.backend.modules["essay_requests_actions"].ReviewFailed("503")

    monkeypatch.setattr(school.backend.modules["essay_requests_actions"], "_ask", out_of_order)
    essay = await school.ada.mutation("essays:create", title="Trees", text="Trees are tall.")
    request = await school.ada.mutation("essayRequestsActions:create", essayId=essay)
    await school.backend.advance(minutes=5)
    assert asked == ["Trees"] * 4
    status = await school.ada.query("essayRequests:getStatus", requestId=request)
    assert (status["status"], status["error"]) == ("failed", "503")
    await school.tea.mutation("essayRequestsActions:updateStatus", requestId=request, status="done", note="by hand")
    assert (await school.ada.query("essayRequests:getStatus", requestId=request))["status"] == "done"


async def test_old_sign_ins_are_forgotten(school: School):
    school.backend.clock.advance(days=31)
    assert await school.backend.mutation("upkeep:forgetOldSignIns") == 4


# The tour


async def test_the_tour(school: School):
    backend = school.backend
    async with backend.subscribe("my_functions:list_numbers") as numbers:
        assert await numbers.next() == []
        await backend.mutation("my_functions:add_number", value=3)
        assert await numbers.next() == [3]
    assert await refused(backend.mutation("my_functions:add_number", value=-1)) == {"code": "NEGATIVE", "value": -1}
    with pytest.raises(FunctionNotFound):
        await backend.as_client().query("my_functions:total")
    total = await backend.action("my_functions:addRandomNumber", below=10)
    assert 3 <= total < 13
