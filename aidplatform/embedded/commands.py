"""The command lines of web, worker, beat and signer: one place, to which a test holds docker-compose.yml.

Each is what follows the Python interpreter.
"""

from pathlib import Path

WEB_WORKERS = 2
WEB_THREADS = 4
WORKER_PROCESSES = 2


def web(host: str, port: int) -> list[str]:
    """Serve the pages.

    The application is loaded once, before the processes are forked: a killed one is replaced at once, and the
    start costs one import instead of two. No control socket: nothing here uses it, and it would be put into
    the home of whoever starts us.
    """
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return [
        *("-m", "gunicorn", "aidplatform.wsgi:application"),
        *("--workers", str(WEB_WORKERS), "--threads", str(WEB_THREADS), "--preload"),
        *("--bind", address, "--graceful-timeout", "10", "--no-control-socket"),
    ]


def worker() -> list[str]:
    """Run the jobs."""
    return ["-m", "aidplatform.worker", "--concurrency", str(WORKER_PROCESSES)]


def beat(schedule: Path) -> list[str]:
    """Tick; the schedule file only remembers when each tick was last sent."""
    return [
        *("-m", "celery", "-A", "aidplatform", "beat"),
        *("--schedule", str(schedule), "--pidfile=", "--loglevel", "INFO"),
    ]


def signer() -> list[str]:
    """Sign the logs as they grow; run with the role and the key that nobody else has."""
    return ["manage.py", "sign_checkpoints"]


def prepare() -> list[str]:
    """Migrate, grant, compile the catalogues and gather the static files; run as the owner."""
    return ["manage.py", "prepare"]


def first_start() -> list[str]:
    """Fill an empty installation, or say at once that it is filled; needs the worker."""
    return ["manage.py", "first_start"]


def demo_history() -> list[str]:
    """Play the history of a demonstration, or end at once; needs the worker, and nobody waits for it."""
    return ["manage.py", "demo_history"]
