"""Log lines of functions that call each other."""

from pathlib import Path

from tests.integration.runtime.stage import open_stage

# The application is opened inside of each test: pytest puts its own streams back after fixtures are set up.


async def test_lines_of_nested_calls_stand_in_their_order_under_the_function_that_wrote_them(tmp_path: Path) -> None:
    shown: list[tuple[object, object]] = []
    async with open_stage(tmp_path / "data") as stage:
        stage.parts.events = lambda kind, /, **fields: shown.append((fields["function"], fields["line"]))
        result = await stage.run("mutation", "callers:speaks_around")
    assert result.logs == ["[LOG] outer begins", "[LOG] inner", "[LOG] outer ends"]
    assert shown == [
        ("callers:speaks_around", "[LOG] outer begins"),
        ("notes:speaking", "[LOG] inner"),
        ("callers:speaks_around", "[LOG] outer ends"),
    ]


async def test_an_action_has_the_lines_of_what_it_calls_up_to_the_limit(tmp_path: Path) -> None:
    async with open_stage(tmp_path / "data", max_log_lines=3) as stage:
        assert (await stage.run("action", "callers:speaks_much", times=2)).logs == ["[LOG] line 0", "[LOG] line 1"]
        assert (await stage.run("action", "callers:speaks_much", times=9)).logs == [
            "[LOG] line 0",
            "[LOG] line 1",
            "[ERROR] More than 3 log lines in one run: the rest is left out.",
        ]


async def test_a_line_may_be_as_long_as_the_setting_says(tmp_path: Path) -> None:
    async with open_stage(tmp_path / "data", max_log_line_bytes=64) as stage:
        (line,) = (await stage.run("mutation", "notes:speaking", text="x" * 100)).logs
        assert line == "[LOG] " + "x" * 38 + " (truncated due to length)"
