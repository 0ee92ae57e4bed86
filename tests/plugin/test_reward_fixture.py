"""Overriding the reward in a conftest.py, and the fixtures in tests that people write."""

from __future__ import annotations

import textwrap

import pytest

ALWAYS_WRONG = "def grade(messages, ground_truth, **kwargs):\n    return 0.0\n"


def write_conftest(folder, text):
    (folder / "conftest.py").write_text("import pytest\n" + textwrap.dedent(text))


@pytest.mark.parametrize("scope", ["function", "module", "package", "session"])
@pytest.mark.parametrize("spread", [[], ["-n2"]], ids=["plain", "n2"])
def test_a_closure_from_a_conftest_is_the_reward(pytester, make_suite, scope, spread):
    folder = make_suite(rows=5, reward=ALWAYS_WRONG)
    write_conftest(
        folder,
        f"""
        @pytest.fixture(scope="{scope}")
        def rk_reward():
            pays = 1.0
            return lambda messages, ground_truth, **kwargs: pays
        """,
    )
    run = pytester.runpytest_subprocess if spread else pytester.runpytest
    result = run("--rk-suite=small", *spread)
    assert result.ret == 0
    result.stdout.fnmatch_lines(["suite small: *<lambda> (reward-kit, pointwise)"])


def test_the_nearest_conftest_wins(pytester, make_suite):
    folder = make_suite(rows=2, reward=ALWAYS_WRONG)
    write_conftest(pytester.path, "@pytest.fixture\ndef rk_reward():\n    return lambda messages, **kw: 0.25\n")
    write_conftest(folder, "@pytest.fixture\ndef rk_reward():\n    return lambda messages, **kw: 1.0\n")
    assert pytester.runpytest("--rk-suite=small").ret == 0


def test_the_fixture_lives_as_long_as_the_suite_and_is_made_once(pytester, make_suite):
    folder = make_suite(rows=3, reward=ALWAYS_WRONG)
    write_conftest(
        folder,
        """
        events = []

        @pytest.fixture
        def rk_reward(tmp_path, rk_suite):
            table = tmp_path / "answers.txt"
            table.write_text(rk_suite.name)
            events.append("made")
            yield lambda messages, ground_truth, **kwargs: float(table.read_text() == "small")
            events.append("gone")

        def pytest_sessionfinish():
            assert events == ["made", "gone"], events
        """,
    )
    result = pytester.runpytest("--rk-suite=small")
    assert result.ret == 0
    result.assert_outcomes(passed=4)


def test_a_fixture_that_fails_is_an_error_on_every_row(pytester, make_suite):
    folder = make_suite(rows=3)
    write_conftest(folder, "@pytest.fixture\ndef rk_reward():\n    raise OSError('no database')\n")
    result = pytester.runpytest("--rk-suite=small")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*the reward cannot be used: OSError: no database*"])
    result.stdout.no_fnmatch_line("*Traceback*")


def test_an_error_while_the_fixture_goes_is_not_green(pytester, make_suite):
    folder = make_suite(rows=2)
    write_conftest(
        folder,
        """
        @pytest.fixture
        def rk_reward():
            yield lambda messages, **kwargs: 1.0
            raise OSError("cannot close")
        """,
    )
    result = pytester.runpytest("--rk-suite=small")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*OSError: cannot close*"])


def test_autouse_fixtures_of_the_folder_apply_to_the_reward(pytester, make_suite):
    reward = "import os\ndef grade(messages, **kwargs):\n    return float(os.environ.get('LEVEL', 0))\n"
    folder = make_suite(rows=2, reward=reward)
    write_conftest(
        folder, "@pytest.fixture(autouse=True)\ndef level(monkeypatch):\n    monkeypatch.setenv('LEVEL', '1')\n"
    )
    assert pytester.runpytest("--rk-suite=small").ret == 0


def test_fixtures_that_wait_for_a_set_up_work(pytester, make_suite):
    folder = make_suite(rows=2)
    write_conftest(
        folder,
        """
        @pytest.fixture(autouse=True)
        def quiet(caplog, request, tmp_path, monkeypatch):
            caplog.set_level("ERROR")
            assert request.function is None
        """,
    )
    result = pytester.runpytest("--rk-suite=small")
    assert result.ret == 0
    result.assert_outcomes(passed=3)


@pytest.mark.parametrize("act", ["pytest.skip('no')", "raise SystemExit(0)", "raise GeneratorExit"])
def test_a_fixture_that_leaves_oddly_is_an_error_on_every_row(pytester, make_suite, act):
    folder = make_suite(rows=3)
    write_conftest(folder, f"@pytest.fixture\ndef rk_reward():\n    {act}\n")
    result = pytester.runpytest("--rk-suite=small")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*the reward cannot be used: *", "*row-02: reward_error*"])


def test_pytest_exit_in_the_fixture_ends_the_run(pytester, make_suite):
    folder = make_suite(rows=3)
    write_conftest(folder, "@pytest.fixture\ndef rk_reward():\n    pytest.exit('enough', returncode=0)\n")
    assert pytester.runpytest("--rk-suite=small").ret == 1


def test_a_package_whose_set_up_fails_is_an_error_of_its_rows(pytester, make_suite):
    folder = make_suite(rows=3)
    (folder.parent / "__init__.py").write_text("def setup_module():\n    raise RuntimeError('no licence')\n")
    (folder / "__init__.py").write_text("")
    result = pytester.runpytest("--rk-suite=small")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*RuntimeError: no licence*"])


def test_a_marked_test_runs_once_for_each_row(pytester, make_suite):
    make_suite(rows=3)
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.rk_suite("small")
        def test_row(rk_row, rk_reward, rk_suite):
            assert rk_suite.name == "small"
            assert rk_reward(messages=[dict(m) for m in rk_row.messages], ground_truth=rk_row.ground_truth) == 1.0
        """
    )
    result = pytester.runpytest("-v")
    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines(["*::test_row?row-02? PASSED*"])


def test_a_marked_test_can_use_the_rows_controls(pytester, make_suite):
    make_suite(rows=3)
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.rk_suite("small")
        def test_row(rk_row, rk_controls):
            right = [control for control in rk_controls if control.polarity == "preserving"]
            wrong = [control for control in rk_controls if control.polarity == "flipping"]
            assert right and len(wrong) == 6
            assert str(int(rk_row.ground_truth) + 1) in wrong[0].response["content"]
        """
    )
    pytester.runpytest().assert_outcomes(passed=3)


MARKED = """
    import pytest

    @pytest.mark.rk_suite("small")
    @pytest.mark.rk_pass_rate(0.8)
    def test_row(rk_row):
        assert rk_row.reference["content"] == rk_row.ground_truth
    """


@pytest.mark.parametrize("spread", [[], ["-n2"], ["-n2", "--dist=worksteal"]], ids=["plain", "load", "worksteal"])
@pytest.mark.parametrize(("wrong", "code", "outcomes"), [((1, 2), 0, (9, 0)), ((1, 2, 3), 1, (7, 1))])
def test_a_marked_pass_rate_is_decided_by_a_gate(pytester, make_suite, spread, wrong, code, outcomes):
    make_suite(rows=10, wrong=wrong)
    pytester.makepyfile(test_marked=MARKED)
    result = pytester.runpytest_subprocess(*spread)
    assert result.ret == code
    counted = result.parseoutcomes()
    assert (counted.get("passed"), counted.get("failed", 0), counted["tolerated"]) == (*outcomes, len(wrong))


def test_a_marked_rate_is_decided_only_if_all_rows_ran(pytester, make_suite):
    make_suite(rows=10)
    pytester.makepyfile(test_marked=MARKED)
    result = pytester.runpytest("-k", "gate or row-01")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*gate not decided: 9 of 10 rows did not run in this run*"])


def test_a_marked_low_row_without_its_gate_fails(pytester, make_suite):
    make_suite(rows=10, wrong=(1,))
    pytester.makepyfile(test_marked=MARKED)
    assert pytester.runpytest("-k", "row-01").ret == 1


@pytest.mark.parametrize("dist", ["load", "loadfile", "loadscope"])
def test_a_row_of_the_id_gate_is_not_taken_for_the_gate(pytester, make_suite, dist):
    folder = make_suite(rows=5)
    dataset = folder / "dataset.jsonl"
    dataset.write_text(dataset.read_text().replace("row-01", "gate"))
    pytester.makepyfile(test_marked=MARKED.replace("assert rk_row", "assert not rk_row"))
    assert pytester.runpytest_subprocess("-n2", f"--dist={dist}").ret == 1


def test_another_exception_than_an_assertion_is_never_tolerated(pytester, make_suite):
    make_suite(rows=10)
    pytester.makepyfile(test_marked=MARKED.replace("assert rk_row", "assert rk_row.id != 'row-01' or nothing, rk_row"))
    result = pytester.runpytest()
    assert result.ret == 1
    result.assert_outcomes(passed=10, failed=1)


def test_rows_left_to_a_gate_that_never_ran_do_not_end_green(pytester, make_suite):
    make_suite(rows=10, wrong=(1,))
    pytester.makepyfile(test_marked=MARKED)
    pytester.makeconftest(
        """
        def pytest_runtestloop(session):
            session.items[:] = [item for item in session.items if not item.name.endswith("gate")]
        """
    )
    assert pytester.runpytest().ret == 1


def test_a_skipped_row_stays_in_the_denominator(pytester, make_suite):
    make_suite(rows=10)
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.rk_suite("small")
        @pytest.mark.rk_pass_rate(0.8)
        def test_row(rk_row):
            if int(rk_row.ground_truth) < 5:
                pytest.skip("not today")
        """
    )
    result = pytester.runpytest()
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*5/10 rows pass (50.0%), 80% is required*"])


def test_an_async_marked_test_runs_under_pytest_asyncio(pytester, make_suite, monkeypatch):
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p no:randomly -p no:hypothesispytest")
    make_suite(rows=10, wrong=(1,))
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function\n")
    pytester.makepyfile(
        """
        import asyncio
        import pytest

        @pytest.mark.asyncio
        @pytest.mark.rk_suite("small")
        @pytest.mark.rk_pass_rate(0.9)
        async def test_row(rk_row, rk_reward):
            await asyncio.sleep(0)
            assert rk_reward(messages=[dict(m) for m in rk_row.messages], ground_truth=rk_row.ground_truth) == 1.0
        """
    )
    result = pytester.runpytest_subprocess()
    assert result.ret == 0
    assert result.parseoutcomes() == {"passed": 10, "tolerated": 1}


@pytest.mark.parametrize(
    ("mark", "message"),
    [
        ('rk_suite("smal")', "*unknown suite 'smal'; known suites: small*"),
        ("rk_suite", "*mark it with @pytest.mark.rk_suite(NAME)*"),
        ('rk_suite("small")\n@pytest.mark.rk_pass_rate(0)', "*rk_pass_rate takes a rate above 0 and at most 1*"),
    ],
)
def test_a_wrong_mark_says_what_it_takes(pytester, make_suite, mark, message):
    make_suite(rows=2)
    pytester.makepyfile(f"import pytest\n@pytest.mark.{mark}\ndef test_row(rk_row): ...\n")
    result = pytester.runpytest()
    assert result.ret != 0
    result.stdout.fnmatch_lines([message])
