"""Several workers: that all serve, and what becomes of those that end."""

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from tests.support.crew import Crew, gone
from tests.support.patience import PATIENCE, until
from tests.support.server import Server
from tests.support.sync_client import SyncClient


@pytest.fixture
def crew(tmp_path: Path) -> Iterator[Crew]:
    with Crew(tmp_path / "data") as crew:
        yield crew


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crew]:
    """Workers that no test does any harm to."""
    with Crew(tmp_path_factory.mktemp("calm") / "data") as crew:
        yield crew


pytestmark = pytest.mark.timeout(180)  # each starts several servers


def refused(server: Server) -> str:
    """What a server prints that cannot start."""
    process = server.launch()
    assert process.wait(PATIENCE) == 1
    server.process = None
    return server.log


def ask_until_cut_off(server: Server, path: str, args: dict[str, float]) -> None:
    with contextlib.suppress(OSError, http.client.HTTPException):
        server.post("/api/action", {"path": path, "args": args})


def test_all_of_them_serve_and_are_one_server_to_whoever_looks(calm: Crew):
    workers = calm.workers()
    for worker in workers:
        calm.until_answered_by(worker)
    assert calm.process is not None
    assert calm.told()["pid"] == calm.process.pid
    assert calm.log.count("production\n") == 1, "one picture"
    assert "workers    3" in calm.log


def test_metrics_are_of_all_whoever_is_asked(calm: Crew):
    before = calm.metrics()["reactor_query_runs_total"]
    asked = [calm.answered_by("crew:say", text=str(number)) for number in range(24)]
    assert len(set(asked)) > 1
    readings = [calm.metrics() for _ in range(8)]
    assert {reading["reactor_query_runs_total"] - before for reading in readings} == {24}
    assert {reading["reactor_workers"] for reading in readings} == {3}


async def test_gauges_are_of_all_as_well(calm: Crew):
    clients = [SyncClient(calm.url) for _ in range(12)]
    try:
        for client in clients:
            await client.__aenter__()
        served_by = {client.results[await client.add("crew:worker")] for client in clients}
        assert len(served_by) > 1
        assert calm.metrics()["reactor_sessions"] == 12
    finally:
        for client in clients:
            await client.__aexit__(None, None, None)


def test_log_lines_say_which_worker(calm: Crew):
    calm.query("crew:say", text="hello there")
    until(lambda: "hello there" in calm.log, "the line")
    (line,) = [line for line in calm.log.splitlines() if "hello there" in line]
    assert line.split()[1] == "worker"
    assert line.split()[2] in "123"


def test_one_that_is_killed_comes_back_while_the_others_go_on(crew: Crew):
    first, *others = sorted(crew.workers())
    for number in range(24):
        crew.query("crew:say", text=str(number))
    counted = crew.metrics()["reactor_query_runs_total"]
    crew.kill_worker(first)
    for other in others:
        crew.until_answered_by(other)
    until(lambda: "serves again" in crew.log, lambda: f"its return: {crew.log}")
    crew.until_all_serve()
    (fresh,) = crew.workers() - set(others)
    crew.until_answered_by(fresh)
    assert "ended by SIGKILL, and is started again in 0.5 s" in crew.log
    after = crew.metrics()
    assert after["reactor_worker_restarts_total"] == 1
    assert after["reactor_query_runs_total"] >= counted, "no counter goes back"


def test_one_that_is_asked_to_end_does_so_and_is_replaced(crew: Crew):
    worker = max(crew.workers())
    os.kill(worker, signal.SIGTERM)
    until(lambda: "serves again" in crew.log, lambda: f"its return: {crew.log}")
    assert gone(worker)
    assert "ended with exit code 0" in crew.log


async def test_sigterm_ends_all_and_tells_clients(crew: Crew):
    workers = crew.workers()
    async with SyncClient(crew.url) as client:
        await client.add("crew:worker")
        assert crew.process is not None
        crew.process.send_signal(signal.SIGTERM)
        assert (await client.until_ended()).startswith("1001")
    assert crew.process.wait(PATIENCE) == 0
    assert all(gone(worker) for worker in workers)
    assert crew.log.count("stopped") == 1
    assert not (crew.data / "server.json").exists()


def test_ctrl_c_twice_ends_all_in_the_middle_of_an_action(tmp_path: Path):
    with Crew(tmp_path / "data", 2) as crew:
        asking = threading.Thread(target=ask_until_cut_off, args=(crew, "crew:wait", {"seconds": 600}))
        asking.start()
        until(lambda: "waiting" in crew.log, "the action")
        workers = crew.workers()
        assert crew.process is not None
        crew.process.send_signal(signal.SIGINT)
        crew.process.send_signal(signal.SIGINT)
        assert crew.process.wait(PATIENCE) == 0
        assert all(gone(worker) for worker in workers)
        asking.join()


@pytest.fixture
def loading(tmp_path: Path) -> Iterator[Crew]:
    """Workers of which the first begins to load its code, and ends with that when somebody opens and closes `gate`."""
    (tmp_path / "app" / "functions").mkdir(parents=True)
    (tmp_path / "app" / "functions" / "slow.py").write_text("import os\nopen(os.environ['GATE']).read()\n")
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    crew = Crew(tmp_path / "data", app=tmp_path / "app", environment={"GATE": str(gate)})
    process = crew.launch()
    until(crew.workers, "the first worker")
    yield crew
    process.wait(PATIENCE)


@pytest.fixture
def gate(loading: Crew, tmp_path: Path) -> Iterator[IO[str]]:
    with (tmp_path / "gate").open("w") as gate:  # waits for its reader
        yield gate


def test_sigterm_before_they_serve_ends_them_when_their_code_is_loaded(loading: Crew, gate: IO[str]):
    assert loading.process is not None
    loading.process.send_signal(signal.SIGTERM)
    gate.close()
    assert loading.process.wait(PATIENCE) == 0
    assert "error" not in loading.log
    assert "address" not in loading.log


def test_who_insists_need_not_wait_for_it(loading: Crew, gate: IO[str]):
    (worker,) = loading.workers()

    def insist() -> bool:
        assert loading.process is not None
        loading.process.send_signal(signal.SIGTERM)
        return loading.process.poll() is not None

    until(insist, "the end")
    assert gone(worker)


def test_nobody_is_served_before_all_could_serve(loading: Crew, tmp_path: Path):
    """Else the first one had all clients that come back at once."""
    with (tmp_path / "gate").open("w"):
        pass
    until(lambda: len(loading.workers()) == 3, "the others, which begin when the first one could serve")
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", loading.port), PATIENCE)

    def let_on() -> bool:
        with contextlib.suppress(OSError):  # nobody waits at the gate
            os.close(os.open(tmp_path / "gate", os.O_WRONLY | os.O_NONBLOCK))
        return (loading.data / "server.json").exists()

    until(let_on, lambda: f"that all serve: {loading.log}")
    assert loading.metrics()["reactor_workers"] == 3
    assert loading.process is not None
    loading.process.send_signal(signal.SIGTERM)


def test_they_do_not_outlive_the_process_that_looks_after_them(tmp_path: Path):
    with Crew(tmp_path / "data", 2) as crew:
        workers = crew.workers()
        crew.kill()
        crew.start()  # at once, with the same port and folder
        assert all(gone(worker) for worker in workers)


def test_a_second_server_is_refused_as_ever(calm: Crew, tmp_path: Path):
    assert calm.process is not None
    for other in (Server("crew", calm.data), Crew(calm.data)):
        text = refused(other)
        assert f"is in use by another server (process {calm.process.pid}); stop that one" in text
    text = refused(Crew(tmp_path / "other", port=calm.port))
    assert f"Cannot listen on 127.0.0.1 port {calm.port}: Address already in use" in text
    text = refused(Server("crew", tmp_path / "another", port=calm.port))
    assert f"Cannot listen on 127.0.0.1 port {calm.port}: Address already in use" in text
    assert calm.up()


def test_what_is_wrong_with_the_application_is_said_once(tmp_path: Path):
    folder = tmp_path / "app"
    (folder / "functions").mkdir(parents=True)
    (folder / "functions" / "broken.py").write_text("import nothing_of_the_kind\n")
    text = refused(Crew(tmp_path / "data", app=folder))
    assert "No module named 'nothing_of_the_kind'" in text
    assert text == refused(Server(folder, tmp_path / "other")), "as one process says it"


def test_a_worker_that_cannot_come_back_is_told_of_and_tried_again(tmp_path: Path):
    folder = tmp_path / "app"
    (folder / "functions").mkdir(parents=True)
    file = folder / "functions" / "hello.py"
    file.write_text("from reactor import query\n\n@query\nasync def hello(ctx) -> int:\n    return 1\n")
    with Crew(tmp_path / "data", 2, app=folder) as crew:
        good = file.read_text()
        file.write_text("import nothing_of_the_kind\n")
        worker = min(crew.workers())
        crew.kill_worker(worker)
        until(lambda: "nothing_of_the_kind" in crew.log, lambda: f"why it cannot: {crew.log}")
        assert crew.query("hello:hello") == 1
        file.write_text(good)
        until(lambda: "serves again" in crew.log, lambda: f"its return: {crew.log}")


def test_the_admin_key_is_one_for_all(calm: Crew):
    key = (calm.data / "admin_key").read_text().strip()
    for worker in calm.workers():
        calm.until_answered_by(worker)
    for _ in range(12):
        status, _ = calm.post("/api/list_environment_variables", {})
        assert status != 200
    listed = subprocess.run(
        [calm.arguments[0], "env", "list", "--data", str(calm.data)],
        capture_output=True,
        text=True,
        cwd=calm.app,
        env=calm.process_environment,
    )
    assert listed.returncode == 0, listed.stderr
    assert key not in calm.log


def test_a_file_that_one_took_is_known_to_all(calm: Crew):
    content = os.urandom(300_000)
    upload = urllib.request.Request(calm.mutation("crew:upload_url"), content, {"Content-Type": "a/b"}, method="POST")
    with urllib.request.urlopen(upload, timeout=PATIENCE) as answer:
        file = json.load(answer)["storageId"]
    url = until(lambda: calm.query("crew:url", file=file), "another worker's news of the file")
    for _ in range(12):
        with urllib.request.urlopen(url, timeout=PATIENCE) as answer:  # each over a connection of its own
            assert answer.read() == content
    assert calm.metrics()["reactor_files_stored_total"] == 1


def test_dev_refuses_workers(tmp_path: Path):
    text = refused(Server("crew", tmp_path / "data", command="dev", environment={"REACTOR_WORKERS": "2"}))
    assert "`reactor dev` is one process" in text
    assert "`reactor dev --set workers=1`" in text
    assert not (tmp_path / "data").exists()
