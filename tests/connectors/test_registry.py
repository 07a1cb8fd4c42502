"""Connectors are found by name, built from a dataset's ``with``, and what is wrong is said plainly."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from darner.connectors import registry
from darner.connectors.errors import ConnectorError
from darner.connectors.memory.table import Memory


def make_table(rows: int = 1, *, key: str, fields: tuple[str, ...]) -> Memory:
    """A user's own connector: a function whose arguments are the entries of ``with``."""
    return Memory(rows=[dict.fromkeys(fields, number) for number in range(rows)], key=key)


def make_number() -> int:
    """Give something that is no connector."""
    return 7


NOTHING = 7


def test_names_are_sorted_and_each_can_be_loaded(tmp_path: Path) -> None:
    """A table in the registry that points nowhere would be found by its first user."""
    assert list(registry.names()) == sorted(registry.names())
    options: dict[str, dict[str, Any]] = {"lancedb": {"url": "db", "table": "t"}}
    for name in registry.names():
        assert registry.connect(name, with_=options.get(name, {} if name == "memory" else {"url": "x"}), base=tmp_path)


def test_a_callable_builds_a_connector_and_gets_what_it_asks_for() -> None:
    """``key``, ``fields`` and ``base`` are handed over where the signature names them."""
    made = registry.source(f"{__name__}:make_table", with_={"rows": 3}, key="sku", fields=("sku", "title"))
    assert made.columns() == ["sku", "title"]
    assert made.key == "sku"


@pytest.mark.parametrize(
    ("use", "with_", "said", "help_"),
    [
        ("file", {}, "there is no connector 'file'", "'files'"),
        ("files", {}, "files needs 'url' in `with`", "with: {url"),
        ("files", {"url": "x", "fromat": "csv"}, "files has no option 'fromat'", "'format'"),
        ("files", {"url": ""}, "`url` is ''", "a path"),
        ("files", {"url": "x", "format": "xml"}, "`format` is 'xml'", "parquet"),
        ("nowhere.at_all:make", {}, "nowhere.at_all:make can't be imported", "importable"),
        (f"{__name__}:nothing", {}, "can't be imported", "importable"),
        ("json:decoder", {}, "json:decoder is no class and no function, but a module", "called"),
        ("builtins:dict", {}, "builtins:dict doesn't say what arguments it takes", "function"),
        (f"{__name__}:make_number", {}, "gives no connector but int, which has none of a connector's verbs", "Readable"),
        (f"{__name__}:make_table", {"rows": "many"}, "can't be built: 'str' object", "rows"),
    ],
)
def test_what_is_wrong_is_said_with_what_to_do(use: str, with_: dict[str, Any], said: str, help_: str) -> None:
    """Every message names the connector or the option, every help says what would be right."""
    with pytest.raises(ConnectorError) as caught:
        registry.connect(use, with_=with_)
    assert said in str(caught.value)
    assert help_ in str(caught.value.help)


def test_a_source_is_no_sink() -> None:
    """A connector that lacks a verb is refused before anything is written."""
    with pytest.raises(ConnectorError, match="files can't be written: it has no open, append") as caught:
        registry.sink("files", with_={"url": "x.csv"})
    assert "lancedb" in str(caught.value.help)


def test_relative_paths_are_relative_to_the_working_directory_unless_told(tmp_path: Path) -> None:
    """A path comes from the command line as often as from the spec."""
    made: Any = registry.connect("files", with_={"url": "feed.csv"})
    assert made.identity() == f"files:{Path.cwd() / 'feed.csv'}"
    made = registry.connect("files", with_={"url": "feed.csv"}, base=tmp_path)
    assert made.identity() == f"files:{tmp_path / 'feed.csv'}"
    made = registry.connect("lancedb", with_={"url": "db", "table": "t"}, base=tmp_path)
    assert made.identity() == f"lancedb:{tmp_path / 'db'}#t"


def test_secrets_are_no_part_of_an_identity(tmp_path: Path) -> None:
    """Options of a file system may hold credentials; an identity is stored and shown."""
    made: Any = registry.connect("files", with_={"url": "s3://b/x.csv", "storage": {"secret": "hunter2"}}, base=tmp_path)
    assert made.identity() == "files:s3://b/x.csv"


def test_asking_for_names_loads_no_heavy_package() -> None:
    """The registry is asked by every compilation."""
    code = (
        "import sys; from darner.connectors import registry; registry.names();"
        "heavy = {'pyarrow', 'fsspec', 'lancedb', 'apache_beam'} & set(sys.modules); assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_naming_a_lancedb_table_does_not_load_lancedb(tmp_path: Path) -> None:
    """Deciding that there is nothing to do must stay cheap."""
    code = (
        "import sys; from darner.connectors import registry;"
        f"registry.sink('lancedb', with_={{'url': {str(tmp_path)!r}, 'table': 't'}}).identity();"
        "assert 'lancedb' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_package_that_is_missing_is_named_with_how_to_install_it(tmp_path: Path) -> None:
    """In an environment without LanceDB."""
    code = (
        "import sys; sys.modules['lancedb'] = None\n"
        "from darner.connectors import registry\n"
        "from darner.connectors.errors import ConnectorError\n"
        "try: registry.sink('lancedb', with_={'url': 'x', 'table': 't'})\n"
        "except ConnectorError as error: print(error, error.help)\n"
    )
    said = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=tmp_path).stdout
    assert said == "the connector lancedb needs the package lancedb pip install 'darner[lancedb]'\n"
