"""The table of settings: what it promises, where values come from, and the page written from it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reactor.errors import SettingsError
from reactor.settings import Secret, Settings, load_settings, parse_assignments, settings_table
from reactor.settings.kinds import BYTES, SECONDS, Amount, Choice, Networks, show_amount
from reactor.settings.reference import reference_page

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "settings.md"


def write_file(folder: Path, text: str) -> Path:
    (folder / "pyproject.toml").write_text(text)
    return folder


def refused(folder: Path, **sources: object) -> str:
    """The text of the SettingsError that loading raises."""
    flags, environ = sources.get("flags", {}), sources.get("environ", {})
    assert isinstance(flags, dict)
    assert isinstance(environ, dict)
    with pytest.raises(SettingsError) as caught:
        load_settings(folder, flags=flags, environ=environ)
    return str(caught.value)


def test_without_any_source_the_defaults_hold(tmp_path: Path) -> None:
    settings = load_settings(tmp_path, environ={})
    assert settings == Settings(data=tmp_path / ".reactor")
    assert (settings.host, settings.port, settings.admin_key) == ("127.0.0.1", 3210, None)


def test_flag_beats_environment_beats_file_beats_default(tmp_path: Path) -> None:
    write_file(tmp_path, '[tool.reactor]\nport = 1001\nhost = "::1"\nmax_actions = 7\n')
    environ = {"REACTOR_PORT": "1002", "REACTOR_HOST": "0.0.0.0"}
    settings = load_settings(tmp_path, flags={"port": 1003, "host": None}, environ=environ)
    assert (settings.port, settings.host, settings.max_actions, settings.max_nested_calls) == (1003, "0.0.0.0", 7, 8)


DEFAULTS = {
    "secret": "k" * 8,
    "secret address": "postgresql://host/x",
    "switch": "on",
    "choice": "off",
    "list": "[]",
    "address": "https://x",
    "folder": "page",
    "bucket": "s3://files/a/b",
    "text": "eu-central-1",
}
"""A value for settings whose default follows from others."""


def test_every_setting_can_come_from_every_source(tmp_path: Path) -> None:
    for row in settings_table():
        default = row.default if row.default is not None else DEFAULTS[row.kind.name]
        text = str(default) if not isinstance(default, bool) else str(default).lower()
        expected = row.kind.read(text)
        write_file(tmp_path, f'[tool.reactor]\n{row.name} = "{text}"\n')
        if isinstance(expected, Path):
            expected = tmp_path / expected
        assert getattr(load_settings(tmp_path, environ={}), row.name) == expected
        (tmp_path / "pyproject.toml").unlink()
        for sources in ({"environ": {row.variable: text}}, {"flags": {row.name: text}, "environ": {}}):
            value = getattr(load_settings(tmp_path, **sources), row.name)
            assert value == (Path.cwd() / str(default) if isinstance(value, Path) else expected)


@pytest.mark.parametrize(
    "bad", ["files", "s3://", "s3://b/../c", "s3://b//c", "s3://b/ c", "s3://b/c?d", "gs://b", "s3://Bee"]
)
def test_a_place_in_a_bucket_is_written_in_one_way(tmp_path: Path, bad: str) -> None:
    text = refused(tmp_path, environ={"REACTOR_FILES": bad})
    assert "s3://BUCKET/PREFIX" in text


def test_a_relative_data_folder_counts_from_where_it_was_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    application = tmp_path / "application"
    application.mkdir()
    write_file(application, '[tool.reactor]\ndata = "store"\n')
    assert load_settings(application, environ={}).data == application / "store"
    assert load_settings(application, environ={"REACTOR_DATA": "store"}).data == elsewhere / "store"
    assert load_settings(Path("../application"), flags={"data": Path("store")}, environ={}).data == elsewhere / "store"
    assert load_settings(application, environ={"REACTOR_DATA": "~/store"}).data == Path.home() / "store"


@pytest.mark.parametrize(
    ("raw", "expected"),
    [("16 MiB", 16 * 2**20), ("64KiB", 65536), (70_000, 70_000), ("1gib", 2**30), ("1.5 MiB", 1_572_864)],
)
def test_sizes_are_written_with_or_without_units(tmp_path: Path, raw: object, expected: int) -> None:
    assert load_settings(tmp_path, flags={"max_body_bytes": raw}, environ={}).max_body_bytes == expected


@pytest.mark.parametrize(
    ("name", "raw", "expected"),
    [
        ("site_port", "next", "next"),
        ("site_port", "off", "off"),
        ("site_port", "0", 0),
        ("site_port", 4001, 4001),
        ("cloud_url", "https://school.example/", "https://school.example"),
        ("site_url", "http://[::1]:3211/http/", "http://[::1]:3211/http"),
    ],
)
def test_ports_and_addresses_of_the_second_listener(tmp_path: Path, name: str, raw: object, expected: object) -> None:
    assert getattr(load_settings(tmp_path, flags={name: raw}, environ={}), name) == expected


@pytest.mark.parametrize(
    ("raw", "expected"), [("90", 90.0), ("2 h", 7200.0), ("14 days", 1209600.0), ("1 day", 86400.0), (61.5, 61.5)]
)
def test_times_are_written_with_or_without_units(tmp_path: Path, raw: object, expected: float) -> None:
    assert load_settings(tmp_path, flags={"history_seconds": raw}, environ={}).history_seconds == expected


def test_providers_are_tables_in_a_file_and_json_elsewhere(tmp_path: Path) -> None:
    expected = ({"domain": "login.example", "applicationID": "app"},)
    write_file(tmp_path, '[[tool.reactor.auth_providers]]\ndomain = "login.example"\napplicationID = "app"\n')
    assert load_settings(tmp_path, environ={}).auth_providers == expected
    environ = {"REACTOR_AUTH_PROVIDERS": '[{"domain": "login.example", "applicationID": "app"}]'}
    assert load_settings(tmp_path / "none", environ=environ).auth_providers == expected
    assert load_settings(tmp_path, environ={"REACTOR_AUTH_PROVIDERS": "[]"}).auth_providers == ()


@given(st.integers(0, 2**36))
def test_a_shown_size_reads_back_as_itself(size: int) -> None:
    assert Amount("size", BYTES, 0, 2**36).read(show_amount(size, BYTES)) == size


@given(st.integers(0, 10**9))
def test_a_shown_time_reads_back_as_itself(seconds: int) -> None:
    assert Amount("time", SECONDS, 0, 10**9, whole=False).read(show_amount(seconds, SECONDS)) == seconds


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("auth_providers", "{}"),
        ("auth_providers", "[5]"),
        ("auth_providers", "login.example"),
        ("auth_providers", 5),
        ("port", "70000"),
        ("port", "-1"),
        ("port", "80.5"),
        ("port", True),
        ("port", "http"),
        ("port", ""),
        ("host", " "),
        ("max_body_bytes", "16 MB"),
        ("max_body_bytes", "nan"),
        ("history_seconds", float("nan")),
        ("history_seconds", float("inf")),
        ("history_seconds", [1]),
        ("mode", "debug"),
        ("compression", "perhaps"),
        ("compression", 1),
        ("data", ""),
        ("data", 5),
        ("site_port", "70000"),
        ("site_port", "previous"),
        ("site_port", True),
        ("cloud_url", "school.example"),
        ("cloud_url", "ftp://school.example"),
        ("site_url", "https://school.example?x=1"),
        ("site_url", 5),
    ],
)
def test_an_impossible_value_is_refused_with_place_and_remedy(tmp_path: Path, name: str, raw: object) -> None:
    text = refused(tmp_path, flags={name: raw})
    row = next(row for row in settings_table() if row.name == name)
    assert text == f"{name} is {raw!r} (flag {row.flag or f'--set {name}'}). Allowed is {row.kind.allowed}."


def test_an_impossible_value_names_its_variable_or_file(tmp_path: Path) -> None:
    assert "(environment variable REACTOR_PORT)" in refused(tmp_path, environ={"REACTOR_PORT": "x"})
    write_file(tmp_path, '[tool.reactor]\nport = "x"\n')
    assert f"(port in [tool.reactor] of {tmp_path / 'pyproject.toml'})" in refused(tmp_path)


def test_an_unknown_name_is_refused_with_the_nearest_ones(tmp_path: Path) -> None:
    assert refused(tmp_path, environ={"REACTOR_PROT": "1"}) == (
        "There is no setting 'prot' (environment variable REACTOR_PROT). Did you mean port?"
    )
    write_file(tmp_path, "[tool.reactor]\nzzzz = 1\n")
    text = refused(tmp_path)
    assert all(row.name in text for row in settings_table())
    assert str(tmp_path) in text


def test_variables_for_tests_and_benchmarks_are_no_settings(tmp_path: Path) -> None:
    environ = {"REACTOR_TEST_STRICT": "1", "REACTOR_BENCH_RUNS": "3", "PORT": "9"}
    assert load_settings(tmp_path, environ=environ).port == 3210


def test_names_in_the_file_may_have_dashes(tmp_path: Path) -> None:
    write_file(tmp_path, "[tool.reactor]\nmax-actions = 9\n")
    assert load_settings(tmp_path, environ={}).max_actions == 9


@pytest.mark.parametrize("text", ["tool = 3", "[tool]\nreactor = 3"])
def test_a_file_whose_part_is_no_table_is_refused(tmp_path: Path, text: str) -> None:
    write_file(tmp_path, text)
    assert "must be a table" in refused(tmp_path)


@pytest.mark.parametrize("content", [b"[tool.reactor", b"\xff\xfe"])
def test_a_file_that_is_not_toml_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "pyproject.toml").write_bytes(content)
    assert "cannot be read" in refused(tmp_path)


def test_a_pyproject_of_others_changes_nothing(tmp_path: Path) -> None:
    write_file(tmp_path, '[project]\nname = "x"\n[tool.ruff]\nline-length = 99\n')
    assert load_settings(tmp_path, environ={}) == Settings(data=tmp_path / ".reactor")


def test_the_admin_key_never_shows(tmp_path: Path) -> None:
    key = "local|0123456789abcdef"
    settings = load_settings(tmp_path, environ={"REACTOR_ADMIN_KEY": key})
    assert settings.admin_key is not None
    assert settings.admin_key.reveal() == key
    shown = f"{settings!r} {settings} {settings.admin_key!r} {settings.admin_key} {[settings.admin_key]}"
    assert "0123456789" not in shown
    assert "0123456789" not in refused(tmp_path, flags={"admin_key": key + ":"})
    assert "0123456789" not in refused(tmp_path, environ={"REACTOR_ADMIN_KYE": key})


def test_a_secret_compares_by_its_text() -> None:
    assert Secret("abc").matches("abc")
    assert not Secret("abc").matches("abd")
    assert not Secret("abc").matches("\ud800")
    assert Secret("abc") == Secret("abc")
    assert Secret("abc") != "abc"
    assert len({Secret("abc"), Secret("abc")}) == 1


def test_settings_that_exclude_each_other_are_refused() -> None:
    with pytest.raises(SettingsError, match="silent_seconds"):
        Settings(ping_seconds=20, silent_seconds=10)
    with pytest.raises(SettingsError, match="compression"):
        Settings(compression=True)
    assert Settings(compression=True, ws="websockets-sansio").compression


@pytest.mark.parametrize(
    ("settings", "redacts"),
    [
        (Settings(), False),
        (Settings(mode="production"), True),
        (Settings(mode="production", redact_errors=False), False),
        (Settings(redact_errors=True), True),
    ],
)
def test_errors_are_kept_from_clients_in_production_unless_said_otherwise(settings: Settings, redacts: bool) -> None:
    assert settings.redacts is redacts


def test_assignments_are_taken_apart_at_the_first_equals_sign() -> None:
    assert parse_assignments(["ws=websockets", "admin_key=abcd=efgh"]) == {
        "ws": "websockets",
        "admin_key": "abcd=efgh",
    }
    with pytest.raises(SettingsError, match="NAME=VALUE"):
        parse_assignments(["ws"])
    with pytest.raises(SettingsError, match="Did you mean ws"):
        parse_assignments(["wss=thin"])


def test_the_reference_page_is_current() -> None:
    assert PAGE.read_text() == reference_page(), "run: make docs"


def test_every_row_is_whole() -> None:
    for row in settings_table():
        assert row.means.endswith(".")
        assert row.reason.endswith(".")
        assert row.default is None or row.kind.read(row.default) == row.default
        if isinstance(row.kind, Choice):
            assert all(row.kind.read(option) == option for option in row.kind.options)


@pytest.mark.parametrize("text", ["files.example", "ftp://files.example", "https://", "https://x/?a=b", "https://x y"])
def test_an_address_is_one(tmp_path: Path, text: str) -> None:
    assert "an address that begins with http:// or https://" in refused(tmp_path, environ={"REACTOR_CLOUD_URL": text})


def test_an_address_has_no_slash_at_its_end(tmp_path: Path) -> None:
    settings = load_settings(tmp_path, environ={"REACTOR_CLOUD_URL": " https://files.example/pre/ "})
    assert settings.cloud_url == "https://files.example/pre"


@pytest.mark.parametrize("text", ["off", "127.0.0.1", "127.0.0.1, ::1", "10.0.0.0/8,2001:db8::/32"])
def test_networks_are_written_with_commas(text: str):
    assert Networks().read(text).replace(" ", "") == text.replace(" ", "")


@pytest.mark.parametrize("raw", ["", "proxy.example", "10.0.0.1/8", "127.0.0.1,", "*", 1, ["127.0.0.1"]])
def test_what_is_no_network_is_refused(raw: object):
    with pytest.raises(ValueError):
        Networks().read(raw)


@pytest.mark.parametrize("url", ["postgresql://ann:pencil@host/lists", " postgres://host:1/x?sslmode=require "])
def test_the_address_of_a_database_is_not_shown(tmp_path: Path, url: str) -> None:
    settings = load_settings(tmp_path, environ={"REACTOR_DATABASE": url})
    assert settings.database is not None
    assert settings.database.reveal() == url.strip()
    assert "://" not in repr(settings)
    assert "://" not in str(settings.database)


@pytest.mark.parametrize("url", ["mysql://ann:pencil@host/lists", "host/lists", "postgres://", "postgres://a b", ""])
def test_the_address_of_a_database_is_not_repeated(tmp_path: Path, url: str) -> None:
    with pytest.raises(SettingsError) as error:
        load_settings(tmp_path, environ={"REACTOR_DATABASE": url})
    assert "database is a value that cannot be one (environment variable REACTOR_DATABASE)" in str(error.value)
    assert "`postgresql://USER:PASSWORD@HOST:PORT/NAME`" in str(error.value)
    assert "pencil" not in str(error.value)
