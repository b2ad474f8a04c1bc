"""The generated Python types, read by pyright in strict mode: what is right is accepted, each mistake is refused."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from reactor.codegen.files import write
from reactor.codegen.generate import folder_of, python_of
from reactor.runtime.loader import load
from tests.support.server import APPS, REPOSITORY

HEAD = """\
from functions import essays, threads
from functions._generated.api import api, internal
from functions._generated.data_model import (
    CustomerFields, Essay, EssayId, EssayPatch, EssayRequestId, StorageId, ThreadId, User, UserId, UserPatch,
)
from functions._generated.server import (
    ActionCtx, MutationCtx, QueryCtx, action, internal_mutation, migration, mutation, query,
)
from reactor import UNSET

"""

GOOD = """\
@query
async def reads(ctx: QueryCtx, user_id: UserId, essay_id: EssayId) -> list[str]:
    essay = await ctx.db.get(essay_id)
    same = await ctx.db.get("essays", essay_id)
    known = ctx.db.normalize_id("essays", "text")
    if known is not None:
        same = await ctx.db.get(known)
    if essay is None or same is None:
        return []
    status = essay["status"]
    if status != "draft":
        author = await ctx.db.get(essay["userId"])
        return [] if author is None else [author["name"], author.get("tokenIdentifier", "")]
    found = ctx.db.query("essays").with_index(
        "by_user_and_update", lambda q: q.eq("userId", user_id).gte("updatedAt", 5).lt("updatedAt", 9.5)
    )
    titles = [each["title"] async for each in found.order("desc").filter(lambda q: q.field("wordCount") > 3)]
    free = ctx.db.query("users").with_index("by_token", lambda q: q.eq("tokenIdentifier", UNSET))
    nobody = await free.unique()
    reviews = await ctx.db.query("qualityReviews").with_index("by_creation_time").take(3)
    parts = [review["scores"]["style"] for review in reviews]
    totals = await ctx.db.aggregate("orders", "by_status_and_day", lambda q: q.eq("status", "paid"))
    groups = await ctx.db.aggregate_groups("customers", "by_country", limit=3)
    words = ctx.db.query("essays").with_search_index(
        "search_text", lambda q: q.search("text", "hello").eq("userId", user_id)
    )
    page = await words.paginate({"numItems": 3, "cursor": None})
    first: EssayId = page["page"][0]["_id"]
    text: str = first
    return [*titles, str(nobody), str(parts), str(totals["sum"]), str(groups[0]["value"]), text]


@mutation
async def writes(ctx: MutationCtx, user_id: UserId, changes: EssayPatch) -> EssayId:
    essay = await ctx.db.insert(
        "essays",
        {"userId": user_id, "title": "", "text": "", "wordCount": 0, "status": "draft", "updatedAt": ctx.now},
    )
    await ctx.db.patch(essay, {"title": "On time", "fileId": UNSET})
    await ctx.db.patch("essays", essay, changes)
    customer: CustomerFields = {
        "name": "", "email": "", "country": "", "plan": "single", "active": True, "day": "", "revenue": 1, "orders": 1,
    }
    customer["userId"] = user_id
    id = await ctx.db.insert("customers", customer)
    await ctx.db.replace(id, customer)
    await ctx.db.delete(id)
    job = await ctx.scheduler.run_after(0, internal.messages.answer, thread_id=ThreadId("x"))
    await ctx.scheduler.cancel(job)
    await ctx.scheduler.run_at(5, act, essay_id=essay, times=2)
    await ctx.run_mutation(rename, essay_id=essay, title="")
    thread = await ctx.run_query(api.threads.get, thread_id=ThreadId("x"))
    count: int = thread["messages"]
    return essay if count else essay


@internal_mutation
async def rename(ctx: MutationCtx, essay_id: EssayId, title: str = "") -> None:
    await ctx.db.patch(essay_id, {"title": title})


@action(retries=2)
async def act(ctx: ActionCtx, essay_id: EssayId, times: int = 1) -> str:
    essay = await ctx.run_query(api.essays.get, essay_id=essay_id)
    other = await ctx.run_query(essays.get, {"essayId": essay_id})
    await ctx.run_mutation(internal.essay_requests_actions.begin, request_id=EssayRequestId("x"))
    await ctx.run_action(act, essay_id=essay_id)
    file: StorageId = await ctx.storage.store(b"bytes", content_type="text/plain")
    parts = [part async for part in ctx.storage.stream(file)]
    await ctx.storage.delete(file if parts else file)
    await ctx.scheduler.run_after(1, api.threads.rename, thread_id=ThreadId("x"), title="")
    return essay["title"] + other["title"]


@migration(table="users")
async def shorten(ctx: MutationCtx, user: User) -> UserPatch | None:
    return {"name": user["name"][:10]} if len(user["name"]) > 10 else None


async def helper(ctx: QueryCtx | MutationCtx, id: EssayId | ThreadId) -> str:
    found = await ctx.db.get(id)
    return "" if found is None else found["title"]
"""

MISTAKES = {
    # What is wrong, and the rule by which pyright refuses it. Each line stands in a mutation, in `ctx` and `essay_id`.
    'ctx.db.query("essay")': "reportArgumentType",
    'await ctx.db.get("essay", essay_id)': "reportArgumentType",
    'await ctx.db.get("threads", essay_id)': "reportArgumentType",
    'await ctx.db.get("some text")': "reportArgumentType",
    "await ctx.db.get(file_id)": "reportArgumentType",
    'await ctx.db.insert("essay", {})': "reportArgumentType",
    'await ctx.db.insert("numbers", {"value": "one"})': "reportArgumentType",
    'await ctx.db.insert("numbers", {"value": 1, "other": 2})': "reportArgumentType",
    'await ctx.db.insert("numbers", {})': "reportArgumentType",
    'await ctx.db.insert("threads", {"userId": essay_id, "title": "", "lastActiveAt": 1})': "reportArgumentType",
    'await ctx.db.patch(essay_id, {"title": 5})': "reportArgumentType",
    'await ctx.db.patch(essay_id, {"titel": "On time"})': "reportArgumentType",
    'await ctx.db.patch(essay_id, {"status": "handed in"})': "reportArgumentType",
    'await ctx.db.patch(essay_id, {"title": UNSET})': "reportArgumentType",
    'await ctx.db.patch("threads", essay_id, {"title": ""})': "reportArgumentType",
    'await ctx.db.replace(essay_id, {"title": "On time"})': "reportArgumentType",
    'await ctx.db.delete("some text")': "reportArgumentType",
    'ctx.db.query("essays").with_index("by_title")': "reportArgumentType",
    'ctx.db.query("essays").with_index("by_user_and_update", lambda q: q.eq("title", ""))': "reportArgumentType",
    'ctx.db.query("essays").with_index("by_user_and_update", lambda q: q.eq("updatedAt", 5))': "reportArgumentType",
    'ctx.db.query("essays").with_index("by_user_and_update", lambda q: q.gt("userId", user_id).eq("updatedAt", 5))': (
        "reportAttributeAccessIssue"
    ),
    'ctx.db.query("essays").with_index("by_user_and_update", lambda q: q.eq("userId", essay_id))': "reportArgumentType",
    'ctx.db.query("essays").with_index("by_status_and_update", lambda q: q.eq("status", "old"))': "reportArgumentType",
    'ctx.db.query("essays").with_index("by_user_and_update").with_index("by_id")': "reportAttributeAccessIssue",
    'ctx.db.query("essays").with_search_index("search_text", lambda q: q.search("title", ""))': "reportArgumentType",
    'ctx.db.query("essays").filter(lambda q: q.field("words") > 3)': "reportArgumentType",
    'await ctx.db.aggregate("orders", "by_day")': "reportArgumentType",
    'await ctx.db.aggregate("orders", "by_status_and_day", lambda q: q.eq("day", ""))': "reportArgumentType",
    'essay["words"]': "reportGeneralTypeIssues",
    'essay["fileId"]': "reportTypedDictNotRequiredAccess",
    'essay["wordCount"].upper()': "reportAttributeAccessIssue",
    'essay["status"] == "handed in"': "reportUnnecessaryComparison",
    "await ctx.run_query(api.essays.find, essay_id=essay_id)": "reportAttributeAccessIssue",
    "await ctx.run_query(api.essay.get, essay_id=essay_id)": "reportAttributeAccessIssue",
    "await ctx.run_query(internal.essays.get, essay_id=essay_id)": "reportAttributeAccessIssue",
    'await ctx.run_query("essays:get", essay_id=essay_id)': "reportArgumentType",
    'await ctx.run_query(api.threads.rename, thread_id=thread_id, title="")': "reportArgumentType",
    "await ctx.run_query(api.essays.get, id=essay_id)": "reportCallIssue",
    "await ctx.run_query(api.essays.get)": "reportCallIssue",
    "await ctx.run_query(api.essays.get, essay_id=thread_id)": "reportArgumentType",
    'await ctx.run_mutation(essays.update, essay_id=essay_id, title=1, text="")': "reportArgumentType",
    "(await ctx.run_query(api.essays.get, essay_id=essay_id)).title": "reportAttributeAccessIssue",
    'number: int = await ctx.run_mutation(threads.rename, thread_id=thread_id, title="")': "reportAssignmentType",
    "await ctx.scheduler.run_after(0, internal.messages.answer, thread_id=essay_id)": "reportArgumentType",
    "await ctx.scheduler.run_after(0, api.essays.get, essay_id=essay_id)": "reportArgumentType",
    "await ctx.scheduler.cancel(essay_id)": "reportArgumentType",
    "await ctx.storage.get_url(essay_id)": "reportArgumentType",
    'await ctx.storage.delete("some text")': "reportArgumentType",
    "await ctx.run_action(api.dashboard.open_access)": "reportAttributeAccessIssue",
}

PLACE = """\
@mutation
async def planted(
    ctx: MutationCtx, essay_id: EssayId, thread_id: ThreadId, user_id: UserId, file_id: StorageId, essay: Essay
) -> None:
"""

DECLARED = """\

@query
async def reads(ctx: QueryCtx, essay_id: EssayId) -> str:
    await ctx.db.patch(essay_id, {"title": ""})
    return ""


@query()
async def writes(ctx: MutationCtx) -> None: ...


@migration(table="users")
async def shortens(ctx: MutationCtx, user: Essay) -> None: ...
"""

WRONGLY_DECLARED = {
    '    await ctx.db.patch(essay_id, {"title": ""})': "reportAttributeAccessIssue",
    "@query()": "reportArgumentType",
    '@migration(table="users")': "reportArgumentType",
}


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("school")
    shutil.copy(REPOSITORY / "schema.py", folder)
    shutil.copytree(REPOSITORY / "functions", folder / "functions", ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def strictly(folder: Path, *files: str) -> list[tuple[int, str, str]]:
    """What pyright has against files: line, rule, text. What nobody uses is not what this is about."""
    unused = {f"reportUnused{what}": False for what in ("Import", "Expression", "Variable")}
    config = {"include": files, "typeCheckingMode": "strict", "pythonVersion": "3.11", **unused}
    (folder / "pyrightconfig.json").write_text(json.dumps({**config, "extraPaths": [str(REPOSITORY)]}))
    command = [sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", sys.executable, "-p", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True)
    found = json.loads(done.stdout)
    assert found["summary"]["filesAnalyzed"] > 0, done.stderr
    return [
        (each["range"]["start"]["line"] + 1, each.get("rule", ""), each["message"])
        for each in found["generalDiagnostics"]
    ]


@pytest.mark.timeout(300)
def test_pyright_accepts_the_whole_school_without_a_cast_or_an_exception(school: Path):
    texts = [file.read_text() for file in (school / "functions").glob("*.py")]
    assert len(texts) > 20
    assert not [text for text in texts if re.search(r"\bcast\(|type: ignore|pyright:", text)]
    assert strictly(school, "functions", "schema.py") == []


@pytest.mark.timeout(300)
def test_pyright_accepts_what_is_right(school: Path):
    (school / "good.py").write_text(HEAD + GOOD)
    assert strictly(school, "good.py") == []


@pytest.mark.timeout(300)
def test_pyright_refuses_each_mistake_at_its_line(school: Path):
    lines = [*(HEAD + PLACE).splitlines(), *(f"    {mistake}" for mistake in MISTAKES), *DECLARED.splitlines()]
    (school / "planted.py").write_text("\n".join(lines) + "\n")
    expected = {lines.index(f"    {mistake}") + 1: rule for mistake, rule in MISTAKES.items()}
    expected |= {lines.index(line) + 1: rule for line, rule in WRONGLY_DECLARED.items()}
    rules: dict[int, set[str]] = {}
    for line, rule, _message in strictly(school, "planted.py"):
        rules.setdefault(line, set()).add(rule)
    assert {
        lines[line - 1]: rules.get(line) for line, rule in expected.items() if rule not in rules.get(line, ())
    } == {}
    assert rules.keys() == expected.keys()


@pytest.mark.timeout(300)
def test_types_of_an_application_with_every_kind_of_field_are_accepted(tmp_path: Path):
    shutil.copytree(APPS / "types", tmp_path, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    write(folder_of(tmp_path), python_of(load(tmp_path)))
    assert strictly(tmp_path, "functions/_generated/data_model.py", "functions/_generated/server.pyi") == []
