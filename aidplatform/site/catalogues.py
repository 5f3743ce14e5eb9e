"""Translations: the .po files are the source, the .mo files are made at start-up and belong to no commit."""

from pathlib import Path

import polib
from django.conf import settings


def compile_catalogues() -> list[Path]:
    """Compile every .po that is newer than its .mo, and return the .mo files written.

    The new file is put in place by a rename, so that a process starting at this moment reads a whole one.
    """
    written = []
    for folder in settings.LOCALE_PATHS:
        for source in sorted(Path(folder).glob("*/LC_MESSAGES/*.po")):
            target = source.with_suffix(".mo")
            if target.exists() and target.stat().st_mtime >= source.stat().st_mtime:
                continue
            half_made = target.with_suffix(".mo.new")
            polib.pofile(str(source)).save_as_mofile(str(half_made))
            half_made.replace(target)
            written.append(target)
    return written
