#!/usr/bin/env python3
"""Sets Stormwatch up in .venv beside this file and runs it; needs Python 3.11 or newer, nothing else.

    python3 run.py demo              see it work on made-up logs, in your browser
    python3 run.py up DIR            watch a directory of logs; likewise every other command
    python3 run.py test [ARGUMENTS]  run the tests; the arguments go to pytest
    python3 run.py test --all        also the slow and the browser tests, and the linters
    python3 run.py benchmark         measure how fast it is on this machine; --formats: each log format
    python3 run.py evaluate          measure how early and how rightly storms are announced, on simulated ones
    python3 run.py evaluate told     ... and what the rules of alerts tell of them; also: deadlocks, series
    python3 run.py findings          measure what is found of what a simulation plants, with lines missing

Packages are installed once, with uv where it is on PATH, else with pip, and only as the lock files say.
"""
# Old Pythons must be able to read this file and say what is missing: nothing newer than 2.7 in it.

import hashlib
import os
import subprocess
import sys

NEEDED = (3, 11)
NAMES = ("python3.14", "python3.13", "python3.12", "python3.11", "python3", "python")
ROOT = os.path.dirname(os.path.abspath(__file__))
VENV = os.path.join(ROOT, ".venv")
BIN = os.path.join(VENV, "bin")
PYTHON = os.path.join(BIN, "python")
STAMP = os.path.join(VENV, ".installed")
RUNTIME, DEVELOPMENT = "requirements.lock", "requirements-dev.lock"
LINTERS = (
    ("ruff", "check", "."),
    ("ruff", "format", "--check", "--quiet", "."),
    ("mypy",),
    ("lint-imports",),
    ("sqlfluff", "lint"),
)
MEASURED = {
    "benchmark": "tests.benchmarks",
    "evaluate": "tests.evaluation",
    "findings": "tests.evaluation.findings",
}
ON_ALL_CORES = ("--numprocesses=auto", "--dist=loadfile")
NONE_FOUND = 5  # how pytest says that no test was chosen
# A browser and what it looks at need all cores; beside other tests pages take a minute to be drawn.
SUITES = (("-m", "browser"), ("-m", "not browser") + ON_ALL_CORES)


def say(text):
    """Talk to the user; stdout belongs to the output of the commands."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def call(*command, **options):
    """Run a program in the project; its exit code. With quiet=True nothing of it is seen."""
    with open(os.devnull, "w") as nowhere:
        shown = nowhere if options.get("quiet") else sys.stderr
        return subprocess.call(list(command), cwd=ROOT, stdout=shown, stderr=shown)


def version_of(python):
    """Version of an interpreter, "3.11.2"; None when it does not run or is too old.

    It is started to find out: version managers leave commands on PATH that only print an error.
    """
    program = "import sys; print('%d.%d.%d' % sys.version_info[:3])"
    try:
        with open(os.devnull, "w") as nowhere:
            found = subprocess.Popen([python, "-ISc", program], stdout=subprocess.PIPE, stderr=nowhere)
            version = found.communicate()[0].decode("ascii", "replace").strip()
    except OSError:
        return None
    if found.returncode:
        return None
    return version if tuple(map(int, version.split(".")[:2])) >= NEEDED else None


def on_path(name):
    """Every program of that name on PATH, first one first."""
    folders = os.environ.get("PATH", "").split(os.pathsep)
    places = [os.path.join(folder, name) for folder in folders if folder]
    return [place for place in places if os.path.isfile(place) and os.access(place, os.X_OK)]


def use_new_enough_python():
    """Return when this Python will do; else go on in one that does, or end and say so."""
    if os.name != "posix":
        sys.exit("Stormwatch runs on Linux and macOS; on Windows use it inside WSL.")
    if sys.version_info[:2] >= NEEDED:
        return
    for name in NAMES:
        for python in on_path(name):
            if version_of(python):
                os.execv(python, [python] + sys.argv)
    sys.exit(
        "Python %d.%d or newer is needed; this is %s (%s), and none is on PATH.\n"
        "Debian, Ubuntu: sudo apt install python3.%d python3.%d-venv\n"
        "elsewhere: with the package manager you use. Then run this again."
        % (NEEDED + (sys.version.split()[0], sys.executable) + NEEDED[1:] * 2)
    )


def digest(python_version):
    """Changes when an installation made earlier no longer fits."""
    state = hashlib.sha256((ROOT + "\n" + python_version).encode("utf-8"))
    for name in (RUNTIME, DEVELOPMENT, "pyproject.toml"):
        with open(os.path.join(ROOT, name), "rb") as lines:
            state.update(lines.read())
    return state.hexdigest()


def installed():
    """What an earlier run installed: the name of a lock file, None when that does not fit any more."""
    version = version_of(PYTHON)
    try:
        with open(STAMP) as stamp:
            done, lock = stamp.read().split()
    except (IOError, OSError, ValueError):
        return None
    return lock if version and done == digest(version) else None


def ensure(lock):
    """Have .venv hold the project and what `lock` says."""
    if installed() in (lock, DEVELOPMENT):
        return
    if os.path.exists(STAMP):
        os.remove(STAMP)
    make_environment()
    say("Installing the packages of %s into .venv; this is done once and takes about a minute ..." % lock)
    locked = ["--require-hashes", "--requirement", lock]
    for install in installers():
        if call(*(install + locked)) == 0:
            break
    else:
        sys.exit("The packages could not be installed: see above. Is there a network connection?")
    # The build backend is in the lock too: an isolated build would download one without a hash.
    if call(*(install + ["--no-deps", "--no-build-isolation", "--editable", "."])):
        sys.exit("Stormwatch itself could not be installed: see above.")
    with open(STAMP, "w") as stamp:
        stamp.write("%s %s\n" % (digest(version_of(PYTHON)), lock))


def make_environment():
    """Have an environment whose Python runs; packages come later."""
    if version_of(PYTHON):
        return
    if os.path.exists(VENV) and not os.path.exists(os.path.join(VENV, "pyvenv.cfg")):
        sys.exit("%s is in the way: it is no environment of Python. Move it away and run this again." % VENV)
    say("Making an environment in .venv with Python %s ..." % sys.version.split()[0])
    # Without pip, because Debian's Python fails half-way when it should add it.
    if call(sys.executable, "-m", "venv", "--clear", "--without-pip", VENV):
        sys.exit("The environment could not be made: see above.")


def installers():
    """Commands that install what is named behind them, best first."""
    for uv in on_path("uv"):
        if call(uv, "--version", quiet=True) == 0:
            yield [uv, "pip", "install", "--quiet", "--python", PYTHON]
            say("uv could not install them; trying another way ...")
    yield pip() + ["install", "--quiet", "--disable-pip-version-check"]


def pip():
    """The command that runs pip for the environment."""
    inside = [PYTHON, "-m", "pip"]
    for prepare in (inside + ["--version"], [PYTHON, "-m", "ensurepip"]):
        if call(*prepare, quiet=True) == 0:
            return inside
    outside = [sys.executable, "-m", "pip", "--python", PYTHON]
    if call(*(outside + ["--version"]), quiet=True) == 0:
        return outside
    sys.exit(
        "%s has neither pip nor ensurepip, so nothing can be installed.\n"
        "Debian, Ubuntu: sudo apt install python%d.%d-venv    then run this again."
        % ((sys.executable,) + sys.version_info[:2])
    )


def run(program, *arguments):
    """Become a program of the environment: signals and its exit code pass by themselves."""
    path = os.path.join(BIN, program)
    os.execv(path, [path] + list(arguments))


def test(arguments):
    """Run the tests; with --all also the slow ones, those in a browser, and the linters.

    pytest then runs twice, with its number for {} in what is given.
    """
    ensure(DEVELOPMENT)
    os.chdir(ROOT)
    if "--all" not in arguments:
        # A selection is small; all tests are worth starting a process for every core.
        run("pytest", *(arguments or ON_ALL_CORES))
    arguments.remove("--all")
    is_a_part = any(not given.startswith("-") for given in arguments)
    failed = []
    commands = list(LINTERS)
    for number, suite in enumerate(SUITES, start=1):
        commands.append(("pytest",) + suite + tuple(given.replace("{}", str(number)) for given in arguments))
    for command in commands:
        say("--- " + " ".join(command))
        code = subprocess.call([os.path.join(BIN, command[0])] + list(command[1:]))
        if code and not (code == NONE_FOUND and is_a_part):
            failed.append(command[0])
    sys.exit("failed: " + ", ".join(failed) if failed else 0)


def main():
    """Do what the command line says."""
    arguments = sys.argv[1:]
    if not arguments or arguments[0] in ("-h", "--help"):
        print(__doc__.strip())
        sys.exit(0)
    use_new_enough_python()
    if arguments[0] == "test":
        test(arguments[1:])
    ensure(RUNTIME)
    if arguments[0] in MEASURED:
        os.chdir(ROOT)
        run("python", "-m", MEASURED[arguments[0]], *arguments[1:])
    run("stormwatch", *arguments)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
