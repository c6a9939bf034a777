"""A self-hosted Prefect platform as code."""

__version__ = "0.1.0"  # as in pyproject.toml; a test holds the two together
