"""skills/list on the wire: every folder asked for has its entry, with what could not be loaded, and reading anew reads anew."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fakes.world import RecordingClient
from treadle.app import Homes, Options, Parts
from treadle.server.methods import Exchange, call
from treadle.server.wire.skills import SkillsListResponse


class Folders:
    """Two workspaces and a home."""

    def __init__(self, base: Path) -> None:
        self.one, self.two = base / "one", base / "two"
        for folder in (self.one / ".git", self.two / ".git", base / "codex", base / "treadle"):
            folder.mkdir(parents=True)
        self.parts = Parts(Options(), Homes(base / "codex", base / "treadle"), {"HOME": str(base / "home")})

    def skill(self, folder: Path, name: str, front: str) -> Path:
        path = folder / ".agents" / "skills" / name / "SKILL.md"
        (path.parent / "agents").mkdir(parents=True)
        path.write_text(f"---\n{front}\n---\n")
        return path

    async def list(self, *cwds: Path | str, **more: Any) -> list[dict[str, Any]]:
        exchange = Exchange(self.parts.agent, RecordingClient(), "tests")
        answer = await call("skills/list", {"cwds": [str(cwd) for cwd in cwds], **more}, exchange)
        SkillsListResponse.model_validate(answer)
        return answer["data"]


async def test_each_folder_has_an_entry_with_its_skills_and_errors(tmp_path: Path) -> None:
    folders = Folders(tmp_path)
    path = folders.skill(folders.one, "full", "name: full\ndescription: Does it.\nmetadata: {short-description: It}")
    beside = path.parent / "agents" / "openai.yaml"
    beside.write_text("interface: {display_name: Full, icon_small: a.png, default_prompt: Go}\n")
    bad = folders.skill(folders.two, "bad", "name: bad")
    first, second, third = await folders.list(folders.one, folders.two, "/no/such/folder")
    icon = str(path.parent / "a.png")
    assert first == {
        "cwd": str(folders.one),
        "skills": [
            {
                "name": "full",
                "description": "Does it.",
                "shortDescription": "It",
                "interface": {
                    "displayName": "Full",
                    "defaultPrompt": "Go",
                    "iconSmall": icon,
                    "iconSmallUrl": None,
                    "iconLargeUrl": None,
                },
                "path": str(path),
                "scope": "repo",
                "enabled": True,
                "pluginId": None,
            }
        ],
        "errors": [],
    }
    assert second["errors"] == [{"path": str(bad), "message": "its description is missing"}]
    assert third == {
        "cwd": "/no/such/folder",
        "skills": [],
        "errors": [{"path": "/no/such/folder", "message": "no such folder: /no/such/folder"}],
    }
    await folders.parts.agent.close()


async def test_a_disabled_skill_is_listed_as_disabled(tmp_path: Path) -> None:
    folders = Folders(tmp_path)
    folders.skill(folders.one, "one", "description: Does it.")
    (tmp_path / "codex" / "config.toml").write_text('[[skills.config]]\nname = "one"\nenabled = false\n')
    (entry,) = await folders.list(folders.one)
    assert [(skill["name"], skill["enabled"]) for skill in entry["skills"]] == [("one", False)]
    await folders.parts.agent.close()


async def test_without_folders_the_one_of_the_process_is_listed(tmp_path: Path) -> None:
    folders = Folders(tmp_path)
    (entry,) = await folders.list()
    assert entry["cwd"] == str(Path.cwd())
    await folders.parts.agent.close()


async def test_reading_anew_lists_every_folder_again(tmp_path: Path) -> None:
    folders = Folders(tmp_path)
    folders.skill(folders.one, "one", "description: Does it.")
    await folders.list(folders.one)
    read = folders.parts.skills.dirs_read
    await folders.list(folders.one, forceReload=True)
    assert folders.parts.skills.dirs_read == 2 * read
    await folders.parts.agent.close()
