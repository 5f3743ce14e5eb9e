"""Gathers the models of the site's rooms, because Django looks for this name."""

from aidplatform.site.my_data.models import DataExport, ExportPart

__all__ = ["DataExport", "ExportPart"]
