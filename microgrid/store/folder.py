"""The folder of a store: opened or made, written case by case, read, and swept clean."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from microgrid.errors import InputError, Problem
from microgrid.faults import did_you_mean, shown
from microgrid.store.journal import Record, append, read_journal, rewrite

if TYPE_CHECKING:
    from microgrid.results import Result

FORMAT = 1
FORMAT_FILE = "store.json"
INDEX_FILE = "index.jsonl"
PLANS = ("proved", "not proved", "audit failed")
"""How a case may have ended that has a plan."""
FINAL = (*PLANS, "input", "infeasible", "unbounded")
"""How a case may have ended so that to solve it again would tell nothing new."""
_HOUR = 3600.0


@dataclass(frozen=True)
class Store:
    """A folder of results."""

    path: Path

    @classmethod
    def open(cls, path: Path | str) -> Store:
        """Return the store in a folder.

        Raises
        ------
        InputError
            If there is none, or one of another format.
        """
        store = cls(Path(path))
        wanted, cure = "a result store", "`microgrid batch FILE --store FOLDER` makes one"
        try:
            told = json.loads((store.path / FORMAT_FILE).read_text(encoding="utf-8"))
        except FileNotFoundError:
            found = "no store" if store.path.is_dir() else "not there"
            raise InputError([Problem(str(path), found, wanted, cure)]) from None
        except (OSError, ValueError) as error:
            raise InputError([Problem(str(path), f"{FORMAT_FILE}: {error}", wanted, cure)]) from error
        written = told.get("format") if isinstance(told, dict) else None
        if written != FORMAT:
            is_newer = isinstance(written, int) and written > FORMAT
            cure = "use the version of green-microgrid that wrote it" if is_newer else "solve into another folder"
            raise InputError([Problem(str(path), f"a store of format {written}", f"one of format {FORMAT}", cure)])
        return store

    @classmethod
    def open_or_make(cls, path: Path | str) -> Store:
        """Return the store in a folder; make one where the folder is new or empty, and try to write into it.

        Raises
        ------
        InputError
            If the folder holds something else, or cannot be written.
        """
        store = cls(Path(path))
        with store.written():
            store.path.mkdir(parents=True, exist_ok=True)
            if not (store.path / FORMAT_FILE).exists():
                if any(not entry.name.startswith(".") for entry in store.path.iterdir()):
                    wanted = "a result store, or a new or empty folder"
                    raise InputError([Problem(str(path), "not empty and no store", wanted, "choose another --store")])
                text = json.dumps({"format": FORMAT, "what": "results of green-microgrid"}) + "\n"
                _put({store.path / FORMAT_FILE: text.encode()})
            trial = store.path / f".trial.{secrets.token_hex(4)}"
            trial.write_bytes(b"")
            trial.unlink()
        return cls.open(path)

    @property
    def index(self) -> Path:
        """The file of all records."""
        return self.path / INDEX_FILE

    def records(self) -> dict[str, Record]:
        """Return the last record of each case by its name, in the order in which the cases came first."""
        found: dict[str, Record] = {}
        for record in read_journal(self.index):
            found[record["name"]] = record
        return found

    def done(self) -> dict[str, Record]:
        """Return the records, by the hash, of what need not be solved again."""
        return {record["id"]: record for record in read_journal(self.index) if self.is_done(record)}

    def is_done(self, record: Mapping[str, Any]) -> bool:
        """Tell whether a case need not be solved again: it ended for good, and its files are whole."""
        return record["status"] in FINAL and self.is_whole(record)

    def is_whole(self, record: Mapping[str, Any]) -> bool:
        """Tell whether the files of a record are there, each of its full length."""
        try:
            sizes = {table: self.file(table, record["id"]).stat().st_size for table in record["files"]}
        except OSError:
            return False
        return bool(sizes == record["files"])

    def file(self, table: str, run: str) -> Path:
        """Return the file of a table of one run."""
        return self.path / table / f"{run}.parquet"

    def put(self, run: str, files: Mapping[str, bytes]) -> None:
        """Write the tables of a run: all of them, or none. They count once a record in the index speaks of them.

        Any number of processes may do so at once: a file stands under its name only when it is whole.

        Raises
        ------
        InputError
            If they cannot be written: what was recorded before stays.
        """
        with self.written():
            for table in files:
                (self.path / table).mkdir(exist_ok=True)
            _put({self.file(table, run): content for table, content in files.items()})

    def note(self, records: Collection[Mapping[str, Any]]) -> None:
        """Add records of cases whose files are there already.

        Raises
        ------
        InputError
            If they cannot be written: what was recorded before stays.
        """
        with self.written():
            append(self.index, records)

    def result(self, name: str) -> Result:
        """Return the plan of a case by its name, its hash, or the start of its hash.

        Raises
        ------
        InputError
            If there is no such case, it has no plan, or its files are torn.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        from microgrid.store.tables import unpacked

        record = self.record(name)
        if record["status"] not in PLANS:
            found = f"{record['status']}: {record['message']}"
            raise InputError([Problem(record["name"], found, "a case that has a plan")])
        try:
            return unpacked(lambda table: pq.read_table(self.file(table, record["id"])), record["told"])
        except (OSError, pa.ArrowException) as error:
            cure = f"remove {self.file('*', record['id'])}, and `microgrid batch` solves it again"
            raise InputError([Problem(record["name"], f"torn: {error}", "files that are whole", cure)]) from error

    def record(self, name: str) -> Record:
        """Return the record of a case by its name, the end of its name after the family's, or the start of its hash.

        Raises
        ------
        InputError
            If there is none, or several.
        """
        records = self.records()
        if name in records:
            return records[name]
        found = [r for r in records.values() if r["id"].startswith(name) or r["name"].endswith(f": {name}")]
        if len({record["id"] for record in found}) == 1:
            return found[-1]
        wanted = f"one of the {len(records)} cases in {self.path}"
        cure = "write more of it" if found else did_you_mean(name, records) or "`microgrid ls` lists them"
        raise InputError([Problem("case", f"{len(found)} cases" if found else shown(name), wanted, cure)])

    def clean(self, keep: Callable[[Record], bool] = lambda _: True, dry: bool = False) -> tuple[int, int, int]:
        """Take away what no case needs any more; return how many records and files go, and how many bytes.

        A case that was solved again after its scenario changed needs its last plan only. Files that are younger than
        an hour stay where no record speaks of them: another batch may be about to.
        """
        last = self.records()
        known = read_journal(self.index)
        kept = [record for record in known if last[record["name"]]["id"] == record["id"] and keep(record)]
        ids = {record["id"] for record in kept}
        whole = {self.file(table, record["id"]) for record in kept for table in record["files"]}
        dropped = {self.file(table, r["id"]) for r in known if r["id"] not in ids for table in r["files"]}
        old = time.time() - _HOUR
        orphans = (path for path in self._stored() if path not in whole | dropped and path.stat().st_mtime < old)
        doomed = [path for path in (*dropped, *orphans) if path.exists()]
        size = sum(path.stat().st_size for path in doomed)
        if not dry:
            names = {(record["name"], record["id"]) for record in kept}
            with self.written():
                rewrite(self.index, lambda record: (record["name"], record["id"]) in names)
                for path in doomed:
                    path.unlink(missing_ok=True)
        return len(known) - len(kept), len(doomed), size

    def _stored(self) -> Iterator[Path]:
        for folder in self.path.iterdir():
            if folder.is_dir() and not folder.name.startswith("."):
                yield from (path for path in folder.iterdir() if path.is_file())

    @contextmanager
    def written(self) -> Iterator[None]:
        """Tell what the system refuses as a fault of the folder."""
        try:
            yield
        except OSError as error:
            found, wanted = f"{error.strerror or error}", "a folder that can be written"
            cure = "what was recorded before is whole; make room, or choose another --store, and call it again"
            raise InputError([Problem(str(self.path), found, wanted, cure)]) from error


def _put(contents: Mapping[Path, bytes]) -> None:
    """Write files beside where they belong, then rename them into place: there is room for all, or none is there."""
    new = {path: path.with_name(f".{path.name}.{secrets.token_hex(4)}") for path in contents}
    try:
        for path, content in contents.items():
            new[path].write_bytes(content)
        for path, written in new.items():
            written.replace(path)
    except BaseException:
        for written in new.values():
            written.unlink(missing_ok=True)
        raise
