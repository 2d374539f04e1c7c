"""The command line as a person meets it: help at once, one line for each mistake, status 2."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

COMMANDS = ["demo", "serve", "watch", "ps", "where", "load", "compare", "diagram", "check", "explain"]


def run(*arguments: str, **options) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "teachserve", *arguments], capture_output=True, text=True, timeout=60, **options
    )


def test_alone_it_says_five_things_to_try():
    told = run()
    assert told.returncode == 0
    assert sum(line.startswith("  teachserve ") for line in told.stdout.splitlines()) == 5


def test_help_loads_neither_textual_nor_httptools_nor_any_server_room():
    code = (
        "import sys, json\nsys.argv = ['teachserve', '--help']\n"
        "from teachserve.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print(json.dumps([m for m in sys.modules if m.split('.')[0] in ('textual', 'httptools', 'hdrh', 'asyncio')"
        " or m == 'teachserve.server']))"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert json.loads(told.stdout.splitlines()[-1]) == []
    assert "demo" in told.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_s_help_has_an_example(command):
    told = run(command, "--help")
    assert told.returncode == 0
    assert "Example" in told.stdout and f"teachserve {command} " in told.stdout


LONG = "x" * 300
MISTAKES = [
    (["recycle"], "no command 'recycle'"),
    (["demmo"], "did you mean demo?"),
    (["explain", "stanby"], "no word 'stanby' is known here: did you mean standby?"),
    (["explain", "zebra", "crossing"], "`teachserve explain` alone lists every word"),
    (["serve", "--arch", "recyling"], "did you mean recycling?"),
    (["demo", "--arch", "recyling", "--headless"], "did you mean recycling?"),
    (["serve", "--arch", "nowhere:Nothing"], "cannot import 'nowhere'"),
    (["compare", "nowhere:Nothing", "recycling", "--headless"], "looked in ., "),
    (["serve", "--port", "70000"], "port must be a whole number, from 0 up to 65535: port=70000"),
    (["serve", "--standby", "many"], "standby must be a whole number"),
    (["serve", "--standby", "200", "--max-threads", "100"], "lower --standby or raise --max-threads"),
    (["serve", "--arch", "thread-pool", "--standby", "3"], "standby means nothing to thread-pool"),
    (["serve", "--host", "no.such.host.invalid"], "is no address of this machine"),
    (["serve", "--nonsense"], "nonsense"),
    (["load", "https://127.0.0.1/"], "only http is spoken here"),
    (["load", "http://127.0.0.1:1/yo", "-d", "3"], "-d means the duration in wrk and the body in oha"),
    (["load", "http://127.0.0.1:1/yo", "-z", "soon"], "is no duration"),
    (["load", "http://127.0.0.1:1/yo", "-c", "0"], "0"),
    (["load", "http://127.0.0.1:1/yo", "-z", "1s"], "cannot connect to http://127.0.0.1:1/yo"),
    (["check", "nowhere:Nothing"], "cannot import 'nowhere'"),
    (["diagram", "--arch", f"{LONG}.py"], f"cannot read {LONG}.py: File name too long"),
    (["diagram", "--diff", "recycling", f"{LONG}.py"], f"cannot read {LONG}.py: File name too long"),
    (["demo", "--picture", LONG], f"--picture {LONG} cannot be written: File name too long"),
]


@pytest.mark.parametrize(("arguments", "said"), MISTAKES, ids=[" ".join(arguments) for arguments, _ in MISTAKES])
def test_a_mistake_is_one_line_that_says_what_to_do_and_status_2(arguments, said):
    told = run(*arguments)
    assert told.returncode == 2
    assert told.stdout == ""
    assert len(told.stderr.splitlines()) == 1
    assert said in told.stderr


def test_an_option_from_the_environment_is_named_in_its_error():
    import os

    told = run("serve", env={**os.environ, "TEACHSERVE_STANDBY": "none"})
    assert told.returncode == 2
    assert "TEACHSERVE_STANDBY" in told.stderr


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-"])
@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        ("demo --arch single-thread --headless --duration 300ms", 0),
        ("replay tests/snapshots/traces/single-thread.trace --headless", 0),
        ("demo", 2),
        ("watch", 2),
    ],
)
def test_a_stream_that_is_closed_is_as_one_that_nobody_reads(arguments: str, status: int, closed: str) -> None:
    command = ["sh", "-c", f'"$0" -m teachserve {arguments} {closed}', sys.executable]
    told = subprocess.run(
        command, capture_output=True, text=True, timeout=60, env={**os.environ, "XDG_RUNTIME_DIR": ""}
    )
    assert told.returncode == status
    assert "Traceback" not in told.stderr
    assert closed == "2>&-" or bool(told.stderr) == (status == 2)


TOLD = [
    "",
    "explain",
    "explain standby",
    "ps --json",
    "check single-thread",
    "diagram",
    "diagram --all -o FOLDER",
    "demo --headless --duration 300ms --connections 2",
    "demo --narrate --duration 300ms --connections 2",
    "compare recycling thread-pool --headless --duration 300ms",
]


@pytest.mark.parametrize("arguments", TOLD)
def test_a_full_disk_behind_stdout_is_one_line_and_status_2(arguments: str, tmp_path) -> None:
    with Path("/dev/full").open("w") as full:
        told = telling(arguments, full, tmp_path)
    assert (told.returncode, told.stderr) == (2, "teachserve: stdout cannot be written: No space left on device\n")


@pytest.mark.parametrize("arguments", TOLD)
def test_that_nobody_reads_on_is_no_failure(arguments: str, tmp_path) -> None:
    reads, writes = os.pipe()
    os.close(reads)
    told = telling(arguments, writes, tmp_path)
    os.close(writes)
    assert (told.returncode, told.stderr) == (0, "")


def telling(arguments: str, stdout: object, folder: Path) -> subprocess.CompletedProcess:
    words = arguments.replace("FOLDER", str(folder / "pictures")).split()
    return subprocess.run(
        [sys.executable, "-m", "teachserve", *words], stdout=stdout, stderr=subprocess.PIPE, text=True, timeout=60,
        env={**os.environ, "XDG_RUNTIME_DIR": str(folder)},
    )  # fmt: skip
