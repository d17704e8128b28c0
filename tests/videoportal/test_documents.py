"""What the documents say, against what the code says."""

import re

import pytest

from tests.portal import REPOSITORY

SETTING = re.compile(r"(?:_setting|env\.list)\(\s*\"([A-Z_]+)\"")
SETTINGS = sorted(set(SETTING.findall((REPOSITORY / "videoportal" / "settings.py").read_text())))


@pytest.mark.parametrize("name", SETTINGS)
def test_every_setting_is_in_the_operators_table(name: str) -> None:
    assert f"`{name}`" in (REPOSITORY / "docs" / "operations.md").read_text()


def test_there_are_settings_to_look_for() -> None:
    assert len(SETTINGS) > 40


@pytest.mark.parametrize(
    "document", sorted(REPOSITORY.glob("*.md")) + sorted((REPOSITORY / "docs").glob("*.md")), ids=str
)
def test_every_link_between_documents_leads_somewhere(document: object) -> None:
    path = REPOSITORY / str(document)
    for target in re.findall(r"\]\(([^)#:]+)\)", path.read_text()):
        assert (path.parent / target).exists(), f"{path.name} links to {target}"
