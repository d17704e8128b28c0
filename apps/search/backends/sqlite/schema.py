"""The tables of the SQLite index, and what keeps its full-text tables in step."""
# ruff: noqa: S608 -- all statements are composed of this module's own names

from __future__ import annotations

import sqlite3

# Raise it with every change below: a file of another version is made anew.
SCHEMA_VERSION = 5

# A moment's rowid is its document's times this, plus its place: the moments of a video are one range of rowids,
# which FTS5 seeks to. 12 hours of speech are some 4,000 moments.
MOMENTS_PER_DOCUMENT = 1 << 20

TOKENIZER = "unicode61 remove_diacritics 2"

# Small columns come first: a filter then reads no overflow page of a long transcript.
_TABLES = f"""
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE documents (
    id INTEGER PRIMARY KEY,
    video_id TEXT NOT NULL UNIQUE,
    version INTEGER NOT NULL,
    owner_id TEXT NOT NULL,
    is_listed INTEGER NOT NULL,
    duration_ms INTEGER NOT NULL,
    created_at_ms INTEGER NOT NULL,
    has_captions INTEGER NOT NULL,
    topic_label TEXT NOT NULL,
    languages TEXT NOT NULL,
    topic_name TEXT NOT NULL,
    title TEXT NOT NULL,
    tags TEXT NOT NULL,
    description TEXT NOT NULL,
    transcript TEXT NOT NULL
);

-- What a search reads of each match. In the table itself a few rows fill a page, with the beginnings of their texts.
CREATE INDEX documents_facts ON documents (
    id, is_listed, owner_id, video_id, topic_label, languages, topic_name, created_at_ms, duration_ms, has_captions
);

CREATE TABLE tombstones (video_id TEXT PRIMARY KEY, version INTEGER NOT NULL) WITHOUT ROWID;

CREATE TABLE moments (id INTEGER PRIMARY KEY, language TEXT NOT NULL, cues TEXT NOT NULL, text TEXT NOT NULL);

-- By moment, or by document where the place is the last. Numbers are never given twice, so that whoever has read up to
-- one need only read on. What is looked for by moment alone is found in the index of `UNIQUE`, without the vectors.
CREATE TABLE spaces (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE vectors (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, moment_id INTEGER NOT NULL UNIQUE, space INTEGER NOT NULL,
    vector BLOB NOT NULL
);

CREATE VIRTUAL TABLE documents_fts USING fts5(
    title, tags, topic_name, description, transcript,
    content='documents', content_rowid='id', tokenize='{TOKENIZER}', prefix='2 3'
);

CREATE VIRTUAL TABLE moments_fts USING fts5(
    text, content='moments', content_rowid='id', tokenize='{TOKENIZER}', prefix='2 3'
);

-- The words of listed videos alone: suggestions are made of them, and so never tell what is in another video.
CREATE VIRTUAL TABLE listed_words USING fts5(text, content='', columnsize=0, detail=none, tokenize='{TOKENIZER}');
CREATE VIRTUAL TABLE listed_vocabulary USING fts5vocab('listed_words', 'row');

-- The words of all videos, folded, and where in them three letters follow one another ("^" begins a word, "$" ends it):
-- words with a typo are looked up here. Whoever asks is told those alone that a video has which they may find.
CREATE TABLE words (id INTEGER PRIMARY KEY, word TEXT NOT NULL UNIQUE);
CREATE VIRTUAL TABLE word_trigrams USING fts5(word, content='', detail=none, tokenize='trigram');
"""

_FIELDS = ("title", "tags", "topic_name", "description", "transcript")


def _columns(row: str) -> str:
    return ", ".join(f"{row}.{name}" for name in _FIELDS)


def _words(row: str) -> str:
    return " || ' ' || ".join(f"{row}.{name}" for name in _FIELDS)


_CHANGED = " OR ".join(f"old.{name} IS NOT new.{name}" for name in _FIELDS)
# FTS5 forgets a row only when told the very text that it was given.
_NAMES = ", ".join(_FIELDS)
_FORGET = f"INSERT INTO documents_fts(documents_fts, rowid, {_NAMES}) VALUES ('delete', old.id, {_columns('old')});"
_LEARN = f"INSERT INTO documents_fts(rowid, {_NAMES}) VALUES (new.id, {_columns('new')});"
_FORGET_WORDS = (
    f"INSERT INTO listed_words(listed_words, rowid, text) SELECT 'delete', old.id, {_words('old')} WHERE old.is_listed;"
)
_LEARN_WORDS = f"INSERT INTO listed_words(rowid, text) SELECT new.id, {_words('new')} WHERE new.is_listed;"

_TRIGGERS = f"""
CREATE TRIGGER document_added AFTER INSERT ON documents BEGIN {_LEARN} END;
CREATE TRIGGER document_removed AFTER DELETE ON documents BEGIN {_FORGET} END;
CREATE TRIGGER document_changed AFTER UPDATE ON documents WHEN {_CHANGED} BEGIN {_FORGET} {_LEARN} END;

CREATE TRIGGER listed_added AFTER INSERT ON documents BEGIN {_LEARN_WORDS} END;
CREATE TRIGGER listed_removed AFTER DELETE ON documents BEGIN {_FORGET_WORDS} END;
CREATE TRIGGER listed_changed AFTER UPDATE ON documents WHEN old.is_listed IS NOT new.is_listed OR {_CHANGED} BEGIN
    {_FORGET_WORDS} {_LEARN_WORDS}
END;

CREATE TRIGGER moment_added AFTER INSERT ON moments BEGIN
    INSERT INTO moments_fts(rowid, text) VALUES (new.id, new.text);
END;
CREATE TRIGGER moment_removed AFTER DELETE ON moments BEGIN
    INSERT INTO moments_fts(moments_fts, rowid, text) VALUES ('delete', old.id, old.text);
END;

CREATE TRIGGER word_added AFTER INSERT ON words BEGIN
    INSERT INTO word_trigrams(rowid, word) VALUES (new.id, '^' || new.word || '$');
END;
CREATE TRIGGER word_removed AFTER DELETE ON words BEGIN
    INSERT INTO word_trigrams(word_trigrams, rowid, word) VALUES ('delete', old.id, '^' || old.word || '$');
END;
"""


def create(connection: sqlite3.Connection, *, is_complete: bool) -> None:
    """Makes the tables in an empty file."""
    connection.executescript(_TABLES + _TRIGGERS)
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    set_complete(connection, is_complete)


def is_current(connection: sqlite3.Connection) -> bool:
    return bool(connection.execute("PRAGMA user_version").fetchone()[0] == SCHEMA_VERSION)


def is_complete(connection: sqlite3.Connection) -> bool:
    row = connection.execute("SELECT value FROM meta WHERE name = 'is_complete'").fetchone()
    return row is not None and row[0] == "1"


def set_complete(connection: sqlite3.Connection, value: bool) -> None:
    connection.execute("INSERT OR REPLACE INTO meta VALUES ('is_complete', ?)", ("1" if value else "0",))
