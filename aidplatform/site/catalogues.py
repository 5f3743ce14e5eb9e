"""Translations: the .po files are the source; the .mo files are made at start-up, in the state directory."""

import os
from pathlib import Path

import polib
from django.conf import settings


def compile_catalogues(into: Path | None = None) -> list[Path]:
    """Compile every .po that is newer than its .mo, and return the .mo files written.

    into: the folder of the .mo files, that of the settings unless said otherwise. The new file is put in
    place by a rename, so that a process starting at this moment reads a whole one.
    """
    folder = into or settings.LOCALE_PATHS[0]
    written = []
    for source in sorted(settings.LOCALE_SOURCES.glob("*/LC_MESSAGES/*.po")):
        target = folder / source.relative_to(settings.LOCALE_SOURCES).with_suffix(".mo")
        if target.exists() and target.stat().st_mtime >= source.stat().st_mtime:
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        half_made = target.with_suffix(f".{os.getpid()}.new")
        polib.pofile(str(source)).save_as_mofile(str(half_made))
        half_made.replace(target)
        written.append(target)
    return written
