"""What happened to someone, and is it to be shared."""

from django.apps import AppConfig


class ClaimsConfig(AppConfig):
    """The app of claims."""

    name = "claims"
    verbose_name = "Claims"
