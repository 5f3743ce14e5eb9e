"""Trap 4 and 5: whose the state directory is, what others see of it, how long a socket's path may be."""

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from aidplatform.embedded import layout as layout_module
from aidplatform.embedded.accounts import service_account
from aidplatform.embedded.errors import EmbeddedError
from aidplatform.embedded.layout import (
    SOCKET_PATH_BYTES,
    Layout,
    locked,
    log_tail,
    open_log,
    prepare_layout,
    require_own_entries,
    rotate_logs,
    write_private,
)
from aidplatform.embedded.secret_files import secret
from aidplatform.embedded.services import running_services
from aidplatform.embedded.tests.helpers import CLEAN, layout_in

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: only root can give a folder away")


def test_nobody_else_can_read_anything_of_a_running_installation(place: Path) -> None:
    """Every folder and file of state, secrets, logs and sockets is closed to group and others."""
    with running_services(place / "state", fast=True, environ=CLEAN) as services:
        open_to_others = [
            str(path)
            for path in [place / "state", *(place / "state").rglob("*")]
            if stat.S_IMODE(path.lstat().st_mode) & 0o077 and "binaries" not in path.parts
        ]
        secrets = sorted((place / "state" / "secrets").iterdir())
        assert services.pids

    assert open_to_others == []
    assert [path.name for path in secrets] == ["aid_admin", "aid_app", "aid_owner", "aid_signer"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in secrets} == {0o600}


@as_root
def test_state_of_another_owner_is_refused_with_the_command_that_hands_it_over(place: Path) -> None:
    state = place / "state"
    state.mkdir()
    (state / "something").touch()
    os.chown(state, 12345, 12345)
    account = service_account()

    with pytest.raises(EmbeddedError, match=f"sudo chown -R {account.uid}:{account.gid} {state}"):
        prepare_layout(state, account)


@as_root
def test_files_left_by_somebody_else_are_refused_before_web_and_worker_meet_them(place: Path) -> None:
    """A management command run by hand as root leaves folders which the account can't write."""
    layout = layout_in(place)
    require_own_entries(layout)
    (layout.root / "static").mkdir()

    with pytest.raises(EmbeddedError, match=f"sudo chown -R .* {layout.root}/static"):
        require_own_entries(layout)


@as_root
def test_empty_folder_of_root_is_taken_over(place: Path) -> None:
    """A mounted volume or `mkdir` leaves an empty folder of root; there is nothing to protect in it."""
    state = place / "state"
    state.mkdir()

    layout = prepare_layout(state, service_account())

    assert layout.root.stat().st_uid == layout.account.uid


@as_root
def test_place_the_account_cannot_reach_is_refused_naming_the_variable(place: Path) -> None:
    closed = place / "closed"
    closed.mkdir(mode=0o700)

    with pytest.raises(EmbeddedError, match="Set AID_STATE_DIR"):
        prepare_layout(closed / "state", service_account())


def test_missing_parents_are_made_passable_whatever_the_umask(place: Path) -> None:
    before = os.umask(0o077)
    try:
        layout = prepare_layout(place / "new" / "parents" / "state", service_account())
    finally:
        os.umask(before)

    assert stat.S_IMODE((place / "new" / "parents").stat().st_mode) == 0o755
    assert stat.S_IMODE(layout.root.stat().st_mode) == 0o700


def test_long_path_moves_the_sockets_to_a_short_folder_closed_to_others(place: Path) -> None:
    """A socket's path holds 107 bytes, counted as bytes: these characters take three each."""
    deep = place / ("互助" * 20) / "state"
    with running_services(deep, fast=True, environ=CLEAN) as services:
        layout = Layout(deep, service_account())
        run = layout.run
        with psycopg.connect(services.app_url) as connection:
            role = connection.execute("SELECT current_user").fetchone()
        mode, owner = stat.S_IMODE(run.stat().st_mode), run.stat().st_uid
    shutil.rmtree(run)

    assert len(os.fsencode(deep / "run" / ".s.PGSQL.5432.lock")) > SOCKET_PATH_BYTES
    assert str(run).startswith(f"/tmp/aid-{layout.account.uid}-")
    assert len(os.fsencode(run / ".s.PGSQL.5432.lock")) <= SOCKET_PATH_BYTES
    assert (mode, owner) == (0o700, layout.account.uid)
    assert role == ("aid_app",)


def test_two_long_paths_get_two_folders(place: Path) -> None:
    account = service_account()
    long = "x" * 120

    assert Layout(place / long / "a", account).run != Layout(place / long / "b", account).run


def test_short_folder_taken_by_somebody_else_is_refused(place: Path) -> None:
    """In /tmp anybody may have made the name first, as a link to a place of ours or as their own folder."""
    deep = place / ("y" * 120) / "state"
    run = Layout(deep, service_account()).run
    run.symlink_to(place)
    try:
        with pytest.raises(EmbeddedError, match="is not a folder of"):
            prepare_layout(deep, service_account())
    finally:
        run.unlink()


def test_second_holder_is_told_who_holds_the_state(place: Path) -> None:
    layout = layout_in(place)
    code = (
        "from pathlib import Path; from aidplatform.embedded.accounts import service_account as a;"
        "from aidplatform.embedded.layout import *;"
        f"layout = prepare_layout(Path({str(layout.root)!r}), a());\n"
        "with locked(layout): pass"
    )
    with locked(layout):
        refused = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    admitted = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert f"Already running: process {os.getpid()} holds the state directory" in refused.stderr
    assert admitted.returncode == 0, admitted.stderr


def test_secret_is_drawn_once_and_closed_again_when_others_could_read_it(place: Path) -> None:
    layout = layout_in(place)
    first = secret(layout, "secret_key")
    path = layout.secrets / "secret_key"
    path.chmod(0o644)

    again, other = secret(layout, "secret_key"), secret(layout, "another")

    assert first == again != other
    assert len(first) >= 50
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_logs_never_follow_a_planted_link(place: Path) -> None:
    layout = layout_in(place)
    (layout.log / "web.log").symlink_to(place / "victim")

    with pytest.raises(OSError, match=r"[Ll]oop|symbolic"):
        open_log(layout, "web")
    assert not (place / "victim").exists()


def test_log_is_moved_aside_when_it_grew_large(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout_module, "LOG_BYTES", 100)
    layout = layout_in(place)
    write_private(layout.log / "web.log", "line\n" * 100, layout.account)
    write_private(layout.log / "beat.log", "short\n", layout.account)

    rotate_logs(layout)

    assert sorted(path.name for path in layout.log.iterdir()) == ["beat.log", "web.log.1"]
    assert log_tail(layout, "beat") == "short"
    assert log_tail(layout, "web") == "(no log)"
