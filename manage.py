#!/usr/bin/env python
"""Run a management command of the platform."""

import os
import sys
from argparse import ArgumentParser
from contextlib import AbstractContextManager, nullcontext

# Commands of pure arithmetic: they need neither database nor configuration.
_WITHOUT = (["apportion"], ["signals"])


def main() -> None:
    """Hand the command line to Django."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "aidplatform.settings")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    from aidplatform.embedded.errors import EmbeddedError

    try:
        with _installation():
            execute_from_command_line(sys.argv)
    except (ImproperlyConfigured, EmbeddedError) as error:
        # A sentence that says what to do; exit code 2, so that no check takes it for an answer.
        sys.stderr.write(f"{error}\n")
        sys.exit(2)


def _installation() -> AbstractContextManager[None]:
    """Return what the command runs in: this installation, for measurements one of their own, for arithmetic none."""
    if sys.argv[1:2] not in (["bench"], *_WITHOUT) or {"-h", "--help"} & set(sys.argv):
        return nullcontext()
    from aidplatform.embedded.scratch import no_installation, scratch_installation

    if sys.argv[1:2] in _WITHOUT:
        return no_installation()
    parser = ArgumentParser(add_help=False)
    parser.add_argument("--folder")
    return scratch_installation(parser.parse_known_args(sys.argv[2:])[0].folder)


if __name__ == "__main__":
    main()
