"""A home, a machine-wide file and a folder to work in, on a real disk, for tests of the configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from treadle.adapters.config import ConfigFiles, ConfigProblem, Loaded, load

KEY = {"OPENAI_API_KEY": "sk-test"}


class ConfigHome:
    """A home, a system file and a folder with a .git, all below one scratch path."""

    def __init__(self, base: Path) -> None:
        self.home, self.cwd, self.system = base / "home", base / "work" / "sub", base / "etc" / "config.toml"
        self.root = self.cwd.parent
        for folder in (self.home, self.cwd, self.root / ".git", self.system.parent):
            folder.mkdir(parents=True)
        self.files = ConfigFiles()

    def user(self, text: str) -> Path:
        path = self.home / "config.toml"
        path.write_text(text)
        return path

    def project(self, text: str, folder: Path | None = None) -> Path:
        path = (folder or self.root) / ".codex" / "config.toml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return path

    def trust(self, level: str = "trusted") -> str:
        return f'[projects."{self.root}"]\ntrust_level = "{level}"\n'

    def load(self, environ: dict[str, str] | None = None, **overrides: Any) -> Loaded:
        dotted = {key.replace("__", "."): value for key, value in overrides.items()}
        return load(
            codex_home=self.home,
            cwd=str(self.cwd),
            overrides=dotted,
            environ=KEY if environ is None else environ,
            files=self.files,
            system=self.system,
        )


def only(loaded: Loaded) -> ConfigProblem:
    """The one problem there is."""
    (problem,) = loaded.warnings
    return problem
