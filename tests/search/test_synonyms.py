from pathlib import Path

import pytest

from apps.search.synonyms import MAX_RULES, SynonymsError, read_synonyms


def test_it_reads_rules_and_leaves_out_remarks(tmp_path: Path) -> None:
    path = tmp_path / "synonyms.txt"
    path.write_text("\ufeff# cars\ncar, automobile\n\n  tv => television set, telly \n", encoding="utf-8")
    assert read_synonyms(path) == ("car, automobile", "tv => television set, telly")


@pytest.mark.parametrize("line", ["car", "car,", "a => b => c", "=> b", "+++, plus"])
def test_it_says_which_line_is_no_rule(tmp_path: Path, line: str) -> None:
    path = tmp_path / "synonyms.txt"
    path.write_text(f"# one\ncar, automobile\n{line}\n")
    with pytest.raises(SynonymsError, match="line 3"):
        read_synonyms(path)


def test_it_refuses_what_it_cannot_use(tmp_path: Path) -> None:
    path = tmp_path / "synonyms.txt"
    with pytest.raises(SynonymsError, match="can be read"):
        read_synonyms(path)
    path.write_bytes(b"\xe9t\xe9, summer")
    with pytest.raises(SynonymsError, match="UTF-8"):
        read_synonyms(path)
    path.write_text("car, automobile\n" * (MAX_RULES + 1))
    with pytest.raises(SynonymsError, match="at most"):
        read_synonyms(path)
