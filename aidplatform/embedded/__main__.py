"""The command line: `python -m aidplatform.embedded run | services | stop | manage`."""

import argparse
import os
import signal
import sys
import time

from aidplatform.embedded.errors import EmbeddedError
from aidplatform.embedded.operator_commands import manage, stop_running
from aidplatform.embedded.running import run, run_services


def main() -> int:
    """Do what the command line asks, and return the exit code: 1 for what a person has to put right."""
    arguments = _parser().parse_args()
    try:
        if arguments.command == "run":
            run(os.environ, _say)
        elif arguments.command == "services":
            run_services(os.environ, _say)
        elif arguments.command == "stop":
            stop_running(os.environ, _say)
        else:
            manage(os.environ, arguments.role, arguments.arguments)
    except EmbeddedError as error:
        print(f"\n{error}", file=sys.stderr, flush=True)
        return 1
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m aidplatform.embedded", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("run", help="start everything and keep it running")
    commands.add_parser("services", help="start PostgreSQL and the broker only")
    commands.add_parser("stop", help="stop what runs on the state directory, and wait for it")
    one = commands.add_parser("manage", help="run manage.py with the addresses of this installation")
    one.add_argument("--role", choices=("app", "owner", "admin", "signer"), default="app")
    one.add_argument("arguments", nargs=argparse.REMAINDER)
    return parser


def _say(line: str) -> None:
    """Print one line with the time; a reader that went away must not take the platform with it."""
    try:
        print(time.strftime("%H:%M:%S"), line, flush=True)
    except OSError:
        sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115  kept open until the end


if __name__ == "__main__":
    sys.exit(main())
