"""The statements of the workload as one writes them for SQLite, and its tables."""

from __future__ import annotations

from benchmarks.questions import PREFETCHED_AUTHORS

_POST = "id, title, body, views, status, created_at, author_id"
_JOINED_POST = "p.id, p.title, p.body, p.views, p.status, p.created_at, p.author_id"

TABLES = """
    CREATE TABLE author (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        name VARCHAR(100) NOT NULL,
        email VARCHAR(255) NOT NULL,
        age INTEGER NOT NULL,
        is_active BOOLEAN NOT NULL,
        created_at TIMESTAMP NOT NULL
    );
    CREATE TABLE post (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        title VARCHAR(200) NOT NULL,
        body TEXT NOT NULL,
        views INTEGER NOT NULL,
        status VARCHAR(20) NOT NULL,
        created_at TIMESTAMP NOT NULL,
        author_id INTEGER NOT NULL REFERENCES author (id)
    );
    CREATE INDEX post_author_id ON post (author_id);
    CREATE TABLE tag (
        id INTEGER PRIMARY KEY,
        name varchar(50) NOT NULL
    );
    CREATE TABLE post_tag (
        post_id INTEGER NOT NULL REFERENCES post (id) ON DELETE CASCADE,
        tag_id INTEGER NOT NULL REFERENCES tag (id),
        PRIMARY KEY (post_id, tag_id)
    );
    CREATE INDEX post_tag_tag_id ON post_tag (tag_id);
"""

ONE_POST = f"SELECT {_POST} FROM post WHERE id = ?"
SOME_POSTS = f"SELECT {_POST} FROM post WHERE status = ? LIMIT ?"
ALL_POSTS = f"SELECT {_POST} FROM post"
POSTS_WITH_AUTHOR = f"""
    SELECT {_JOINED_POST}, a.id, a.name, a.email, a.age, a.is_active, a.created_at
    FROM post p JOIN author a ON a.id = p.author_id WHERE p.id <= ?
"""
SOME_AUTHORS = "SELECT id, name, email, age, is_active, created_at FROM author WHERE id <= ?"
THEIR_POSTS = f"SELECT {_POST} FROM post WHERE author_id IN ({', '.join('?' * PREFETCHED_AUTHORS)})"
POSTS_ALONE = f"SELECT {_POST} FROM post WHERE id <= ?"
AUTHORS_OF = "SELECT id, name, email, age, is_active, created_at FROM author WHERE id IN ({})"
TAGS_OF = "SELECT l.post_id, t.id, t.name FROM post_tag l JOIN tag t ON t.id = l.tag_id WHERE l.post_id IN ({})"
INSERT = "INSERT INTO post (title, body, views, status, created_at, author_id) VALUES (?, ?, ?, ?, ?, ?)"
INSERT_RETURNING_ID = f"{INSERT} RETURNING id"
SAVE_TITLE = "UPDATE post SET title = ? WHERE id = ?"
AGES = """
    SELECT a.age, count(p.id) AS n, avg(p.views) AS v FROM author a LEFT JOIN post p ON p.author_id = a.id
    GROUP BY a.age HAVING count(p.id) > ?
"""
COMPLEX = f"""
    SELECT {_JOINED_POST} FROM post p JOIN author a ON a.id = p.author_id
    WHERE (p.views > ? OR a.age < ?) AND NOT p.status = ? ORDER BY p.id DESC LIMIT ?
"""
NEW_POSTS = f"SELECT {_POST} FROM post WHERE id > ? ORDER BY id"
REMOVE_NEW_POSTS = "DELETE FROM post WHERE id > ?"
