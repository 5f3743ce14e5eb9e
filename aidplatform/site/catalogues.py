"""Translations: the .po files are the source; the .mo files are made at start-up, in the state directory."""

import hashlib
import os
from pathlib import Path

import polib
from django.conf import settings


def compile_catalogues(into: Path | None = None) -> list[Path]:
    """Compile every .po that is not the one its .mo was made of, and return the .mo files written.

    into: the folder of the .mo files, that of the settings unless said otherwise. The new file is put in
    place by a rename, so that a process starting at this moment reads a whole one. Which .po it was made of is told
    by its hash beside it: the files of a newer version may be older by the clock.
    """
    folder = into or settings.LOCALE_PATHS[0]
    written = []
    for source in sorted(settings.LOCALE_SOURCES.glob("*/LC_MESSAGES/*.po")):
        target = folder / source.relative_to(settings.LOCALE_SOURCES).with_suffix(".mo")
        made_of, digest = target.with_suffix(".sha256"), hashlib.sha256(source.read_bytes()).hexdigest()
        if target.exists() and made_of.exists() and made_of.read_text() == digest:
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        half_made = target.with_suffix(f".{os.getpid()}.new")
        polib.pofile(str(source)).save_as_mofile(str(half_made))
        half_made.replace(target)
        made_of.write_text(digest)
        written.append(target)
    return written
