"""darner: compile agent pipelines written in YAML and plain Python, and run them so that they survive."""

from __future__ import annotations
