"""The house stands on floors: imports go down, or stay on their floor without going round in circles.

Read from the syntax tree, so that an import inside a function counts, and nothing has to be imported to be checked.
"""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# Every module by its floor; a folder stands for all that is in it, unless a file in it is named by itself.
FLOORS: dict[int, tuple[str, ...]] = {
    0: ("microgrid.errors", "microgrid.units", "microgrid.faults", "microgrid.versions"),
    1: (
        "microgrid.timeline",
        "microgrid.periods",
        "microgrid.accounts",
        "microgrid.carriers",
        "microgrid.series",
        "microgrid.tables",
        "microgrid.alike",
        "microgrid.yaml_files",
        "microgrid.capacity",
        "microgrid.copies",
        "microgrid.reading",
        "microgrid.series_fields",
        "microgrid.factors",
        "microgrid.factor_fields",
        "microgrid.fields",
        "microgrid.finance",
        "microgrid.claims",
        "microgrid.weather",
        "microgrid.availability",
        "microgrid.catalogue",
        "microgrid.starter",
        "microgrid.policies",
        "microgrid.certificates",
        "microgrid.names",
        "microgrid.probabilities",
    ),
    2: (
        "microgrid.technologies.base",
        "microgrid.technologies.patterns",
        "microgrid.technologies.seasonal",
        "microgrid.technologies.factor_lines",
        "microgrid.technologies.free_source",
        "microgrid.technologies.commitment",
        "microgrid.technologies.stacks",
        "microgrid.technologies.stack_rows",
        "microgrid.technologies.stack_claims",
        "microgrid.technologies.green_contracts",
        "microgrid.technologies.replaced_component",
        "microgrid.technologies.green_rows",
        "microgrid.technologies.green_claims",
        "microgrid.technologies.grid_flows",
        "microgrid.technologies.grid_emissions",
        "microgrid.technologies.grid_demand_charge",
        "microgrid.technologies.grid_meter",
        "microgrid.technologies.grid_energy",
        "microgrid.technologies.grid_peaks",
        "microgrid.technologies.grid_demand",
        "microgrid.technologies.grid_bill",
        "microgrid.technologies.grid_events",
        "microgrid.technologies.grid_claims",
        "microgrid.tariffs",
    ),
    3: ("microgrid.technologies",),
    4: (
        "microgrid.documents",
        "microgrid.named_files",
        "microgrid.finance_section",
        "microgrid.pathway_section",
        "microgrid.year_tables",
        "microgrid.carbon_fields",
        "microgrid.uncertainty_section",
        "microgrid.horizons",
        "microgrid.sections",
        "microgrid.schema",
        "microgrid.factor_checks",
        "microgrid.gas_checks",
        "microgrid.offsets",
        "microgrid.plant",
        "microgrid.ledger",
        "microgrid.model",
        "microgrid.tied_futures",
        "microgrid.passing_through",
        "microgrid.one_window",
        "microgrid.kept_commitments",
        "microgrid.forecasting",
        "microgrid.rolling.balancing",
        "microgrid.rolling.first_stage",
        "microgrid.rolling.foresight",
        "microgrid.rolling.hedging",
        "microgrid.rolling.inheriting",
        "microgrid.rolling.metering",
        "microgrid.rolling.parts",
        "microgrid.rolling.rules",
        "microgrid.rolling.settling",
        "microgrid.rolling.switching",
        "microgrid.rolling.traces",
        "microgrid.rolling.windows",
        "microgrid.scenario",
        "microgrid.results",
        "microgrid.energy_parts",
        "microgrid.energy_network",
        "microgrid.origins",
        "microgrid.source_factors",
        "microgrid.stored_emissions",
        "microgrid.footprint",
        "microgrid.batches",
        "microgrid.account",
        "microgrid.account_contracts",
        "microgrid.account_lines",
        "microgrid.account_notes",
        "microgrid.books",
        "microgrid.checks",
        "microgrid.green_checks",
        "microgrid.ledger_checks",
        "microgrid.audit",
        "microgrid.sweeps",
        "microgrid.families",
        "microgrid.figures",
        "microgrid.store",
        "microgrid.runs",
        "microgrid.comparing",
        "microgrid.exporting",
        "microgrid.bills",
        "microgrid.amounts",
        "microgrid.explanation",
        "microgrid.levers",
        "microgrid.matching",
        "microgrid.policies.fitting",
        "microgrid.policies.quantities",
        "microgrid.policies.enforcing",
        "microgrid.policies.green_energy",
        "microgrid.policies.grey_power",
        "microgrid.policies.measures",
        "microgrid.policies.assignment",
        "microgrid.policies.checking",
    ),
    5: (
        "microgrid.batching",
        "microgrid.caveats",
        "microgrid.policies.telling",
        "microgrid.compiled",
        "microgrid.describing",
        "microgrid.account_table",
        "microgrid.disclosure",
        "microgrid.explaining",
        "microgrid.factor_list",
        "microgrid.footprint_tables",
        "microgrid.planning",
        "microgrid.plots",
        "microgrid.progress",
        "microgrid.repairs",
        "microgrid.pulls",
        "microgrid.dispatch",
        "microgrid.report",
        "microgrid.rolling",
        "microgrid.report_carbon",
        "microgrid.run_folders",
        "microgrid.running",
        "microgrid.solver_trial",
        "microgrid.summary",
        "microgrid.tables_shown",
        "microgrid.tariff_list",
        "microgrid.unlimited",
    ),
    6: ("microgrid.cli", "microgrid.__main__"),
}
# The public words: they name the floors above, import them when asked, and nobody inside imports them.
FACADES = ("microgrid",)
MAY_IMPORT_SOLVERS = (5, 6)

SOLVERS = "solvers"
HOUSE = "microgrid"


@lru_cache(maxsize=1)
def sources() -> Mapping[str, Path]:
    """Return every module of both packages with its file."""
    found = {}
    for package in (HOUSE, SOLVERS):
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def floor_of(module: str) -> int | None:
    """Return the floor of a module by its own name, or by the folder that it lies in."""
    listed = {name: floor for floor, names in FLOORS.items() for name in names}
    while module:
        if module in listed:
            return listed[module]
        module = module.rpartition(".")[0]
    return None


@lru_cache(maxsize=256)
def imports(module: str) -> frozenset[str]:
    """Return what a module imports when it runs; what only type checkers see is left out."""
    tree = ast.parse(sources()[module].read_text(encoding="utf-8"))
    return frozenset(name for node in _running(tree) for name in _imported(node))


def _running(node: ast.AST) -> Iterator[ast.AST]:
    """Walk a tree without the branches that are only for type checkers."""
    yield node
    skipped = node.body if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test) else []
    for child in ast.iter_child_nodes(node):
        if child not in skipped:
            yield from _running(child)


def _imported(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module:
        for alias in node.names:
            inner = f"{node.module}.{alias.name}"
            yield inner if inner in sources() else node.module


def inside(module: str) -> frozenset[str]:
    """Return what a module imports of the two packages."""
    return frozenset(name for name in imports(module) if name.partition(".")[0] in (HOUSE, SOLVERS))


def closure(module: str) -> frozenset[str]:
    """Return all that a module imports, directly or through modules of the two packages and their folders."""
    seen: set[str] = set()
    ahead = [module]
    while ahead:
        name = ahead.pop()
        if name in seen:
            continue
        seen.add(name)
        if name in sources():
            ahead += imports(name)
        # To import a.b.c is to run a and a.b, too.
        if "." in name:
            ahead.append(name.rpartition(".")[0])
    return frozenset(seen - {module})


def technology_files() -> list[str]:
    """Return the modules of the technologies, one file each."""
    return [name for name in sources() if name.startswith("microgrid.technologies.") and floor_of(name) == 3]


def kinds() -> list[str]:
    """Return every kind of technology, read from its file: `kind: Literal["battery"] = "battery"`."""
    return [kind for module in technology_files() for kind in _kinds_in(module)]


def _kinds_in(module: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(sources()[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id == "kind":
            assert isinstance(node.value, ast.Constant)
            yield str(node.value.value)


def test_the_walk_finds_the_modules() -> None:
    """An empty list of modules would pass every test below."""
    assert {"microgrid.errors", "microgrid.technologies.battery", "solvers.highs", "microgrid.cli"} <= sources().keys()
    assert "microgrid.claims" in inside("microgrid.audit")
    assert "microgrid.model" not in inside("microgrid.results"), "what only type checkers see must not count"


@pytest.mark.parametrize("module", [name for name in sources() if name.startswith(HOUSE)])
def test_every_module_has_a_floor(module: str) -> None:
    """A module without a floor could import what it liked: say in FLOORS where it stands."""
    assert floor_of(module) is not None or module in FACADES


@pytest.mark.parametrize("module", [name for name in sources() if floor_of(name) is not None])
def test_imports_go_down(module: str) -> None:
    """A module imports from its own floor and those below."""
    floor = floor_of(module)
    assert floor is not None
    upward = {name for name in inside(module) if name not in FACADES and (floor_of(name) or 0) > floor}
    assert not upward
    assert not inside(module) & set(FACADES), "inside the house, import a module by its own name"


@pytest.mark.parametrize("module", sources())
def test_no_import_goes_round_in_a_circle(module: str) -> None:
    """No module can be reached from itself; a folder's own modules may not import the folder."""
    seen: set[str] = set()
    ahead = [name for name in inside(module) if name in sources()]
    while ahead:
        name = ahead.pop()
        if name not in seen and name not in FACADES:
            seen.add(name)
            ahead += [other for other in inside(name) if other in sources()]
    assert module not in seen


@pytest.mark.parametrize("module", technology_files())
def test_technologies_never_import_one_another(module: str) -> None:
    """A technology that knew another could not be taken away or added alone."""
    assert not {name for name in inside(module) if name in technology_files()}


@pytest.mark.parametrize("module", [name for name in sources() if name.startswith(HOUSE) and name not in FACADES])
def test_only_the_upper_floors_import_solvers(module: str) -> None:
    """The formulation must not know who solves it."""
    if floor_of(module) not in MAY_IMPORT_SOLVERS:
        assert not {name for name in imports(module) if name.partition(".")[0] == SOLVERS}


@pytest.mark.parametrize("module", [name for name in sources() if name.startswith(SOLVERS)])
def test_solvers_import_nothing_of_microgrid(module: str) -> None:
    """The solvers take any Pyomo model; they have never heard of a battery."""
    assert not {name for name in imports(module) if name.partition(".")[0] == HOUSE}


@pytest.mark.parametrize("forbidden", ["pyomo", "highspy", SOLVERS, "microgrid.model", "microgrid.technologies"])
def test_the_audit_shares_nothing_with_the_model(forbidden: str) -> None:
    """An audit that computed with the model's code would find the model right: not even by way of others."""
    reached = {name for name in closure("microgrid.audit") if name == forbidden or name.startswith(f"{forbidden}.")}
    assert not reached


@pytest.mark.parametrize("kind", kinds())
def test_every_technology_has_its_hand_made_optimum(kind: str) -> None:
    """The laws hold for a wrong model that is wrong in proportion; a plan worked out by hand does not."""
    path = ROOT / "tests" / "technologies" / f"test_{kind}.py"
    assert path.is_file(), f"write {path.name} with an optimum worked out by hand"
    tests = [n for n in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(n, ast.FunctionDef)]
    assert any(node.name.startswith("test_") for node in tests)


def test_kinds_in_files_are_the_kinds_in_use() -> None:
    """What the syntax tree says and what the package finds must be the same technologies."""
    technologies = importlib.import_module("microgrid.technologies").technologies
    assert set(kinds()) == set(technologies())


@pytest.mark.parametrize("package", [HOUSE, SOLVERS])
def test_type_checkers_of_others_may_rely_on_the_types(package):
    """Without this marker the types of an installed package are not looked at, whatever its classifiers say."""
    assert (ROOT / package / "py.typed").is_file()
