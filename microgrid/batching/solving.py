"""What a worker does: cases in, records and Parquet files out. It writes nothing and knows no other worker."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from microgrid.batching.chunks import Chunk, Job, Solved
from microgrid.documents import Document, with_values
from microgrid.errors import InputError, MicrogridError
from microgrid.families import content_id
from microgrid.figures import figures
from microgrid.results import Result
from microgrid.running import NoPlanError, Written, audited, identity_of, settings_of, solved_from
from microgrid.scenario import Scenario, scenario_of
from microgrid.solver_trial import refuse_unfit_solver
from microgrid.store.tables import packed
from solvers import Ended, Plan, Progress, SettingsError

Watch = Callable[[Progress], None]
_MOST_KEPT = 200
_ENDED = {
    Ended.INFEASIBLE: "infeasible",
    Ended.UNBOUNDED: "unbounded",
    Ended.INFEASIBLE_OR_UNBOUNDED: "infeasible",
}


class StoppedError(Exception):
    """The user stopped a case: what it has so far is nobody's plan."""


@dataclass
class Solver:
    """Solves chunks; keeps what cases share: what was read, which solvers were tried, the model that was written.

    Parameters
    ----------
    families
        The document of each family.
    """

    families: Mapping[int, Document]
    memory: dict[str, Any] = field(default_factory=dict)
    tried: set[str] = field(default_factory=set)
    written: Written = field(default_factory=Written)

    def chunk(
        self, chunk: Chunk, begins: Callable[[Job], None] | None = None, watch: Watch | None = None
    ) -> Iterator[Solved]:
        """Solve the cases of a chunk that are wanted; each begins with the plan of the first that has one."""
        start: Plan | None = None
        last = max(at for at, job in enumerate(chunk) if job.is_wanted)
        for job in chunk[: last + 1]:
            if not job.is_wanted and start is not None:
                continue
            if begins is not None:
                begins(job)
            solved, plan = self._case(job, start, watch)
            start = start or plan
            if job.is_wanted:
                yield solved

    def _case(self, job: Job, start: Plan | None, watch: Watch | None) -> tuple[Solved, Plan | None]:
        """Solve a case; whatever goes wrong with it is told in its record."""
        began = time.perf_counter()
        record: dict[str, Any] = {"id": job.id, "name": job.name, "message": ""}
        plan: Plan | None = None
        files: Mapping[str, bytes] = {}
        try:
            scenario = self._scenario(job)
            result, plan = self._result(scenario, start, watch)
            ended = _told(result)
            files, ended["told"] = packed(result, job.id)
            record |= ended
        except (InputError, SettingsError) as error:
            record |= {"status": "input", "message": str(error)}
        except NoPlanError as error:
            if error.outcome.ended is Ended.INTERRUPTED:
                raise StoppedError from error
            record |= {"status": _ENDED.get(error.outcome.ended, "failed"), "message": str(error)}
        except MicrogridError as error:
            record |= {"status": "failed", "message": str(error)}
        except Exception as error:  # noqa: BLE001  a case that fails must not take the others with it
            record |= {"status": "failed", "message": f"{type(error).__name__}: {error}"}
        record["files"] = {table: len(content) for table, content in files.items()}
        record["seconds"] = round(time.perf_counter() - began, 4)
        return Solved(record, files), plan

    def _scenario(self, job: Job) -> Scenario:
        if len(self.memory) > _MOST_KEPT:
            self.memory.clear()
        document = with_values(self.families[job.family], job.values)
        document.data["name"] = job.name
        scenario = scenario_of(document, self.memory)
        if content_id(document) != job.id:
            raise MicrogridError(
                "the engine, or a file that it names, was changed while the batch ran: call the batch again"
            )
        asked = repr(scenario.solver)
        if asked not in self.tried:
            refuse_unfit_solver(scenario)
            self.tried.add(asked)
        return scenario

    def _result(self, scenario: Scenario, start: Plan | None, watch: Watch | None) -> tuple[Result, Plan]:
        settings = settings_of(scenario.solver)
        if settings.threads is None:  # the processes of a batch share the machine among them
            settings = replace(settings, threads=1)
        result, plan = solved_from(scenario.plant, settings, watch, identity_of(scenario), start, self.written)
        if result.manifest["outcome"]["ended"] == Ended.INTERRUPTED:
            raise StoppedError
        return audited(result), plan


def _told(result: Result) -> dict[str, Any]:
    manifest = result.manifest
    passed, proved = manifest["audit"]["passed"], manifest["outcome"]["proved"]
    return {
        "status": ("proved" if proved else "not proved") if passed else "audit failed",
        "message": "" if passed else "; ".join(manifest["audit"]["findings"][:3]),
        "currency": manifest["currency"],
        "figures": figures(result),
    }
