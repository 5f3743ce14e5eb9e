"""Run the worker: what `celery worker` does, without the rest of Celery's command line.

That would load a shell with completion and colors into every worker process, a tenth of its memory.
"""

import argparse
import sys

from celery.utils.nodenames import default_nodename, host_format

from aidplatform.celery import app


def main() -> int:
    """Work until told to stop; return the exit code."""
    parser = argparse.ArgumentParser(prog="aidplatform.worker", description=__doc__)
    parser.add_argument("--concurrency", type=int, default=2, help="processes (2)")
    parser.add_argument("--loglevel", default="INFO")
    given = parser.parse_args()
    worker = app.Worker(
        hostname=host_format(default_nodename("worker@%h")),
        concurrency=given.concurrency,
        loglevel=given.loglevel,
        # Workers here agree through rows in PostgreSQL, and mingling costs a second at every start.
        without_mingle=True,
        without_gossip=True,
    )
    worker.start()
    return worker.exitcode or 0


if __name__ == "__main__":
    sys.exit(main())
