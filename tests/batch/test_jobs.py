"""Whole jobs, each in a process of its own: results, dead letters, memory, resumption after a fix."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa

from darner.runtime.testing.script import Script, parse
from darner.testing import ModelServer

from .jobs import STAGES, Project, products

CPU = "{name: normalise, use: 'shop:normalise', resources: cpu}"
LADDER = "  cpu: {memory: 256Mi, on_oom: [{batch: 8}, {memory: 1Gi}]}"


def _dead(project: Project, report: dict[str, object]) -> list[dict[str, object]]:
    found = sorted((project.folder / "store" / str(report["dead_letters"])).glob("0*.arrow"))
    return [row for path in found for row in pa.ipc.open_file(str(path)).read_all().to_pylist()]


def test_a_job_runs_its_stages_into_its_sink_and_has_nothing_to_do_then(tmp_path: Path) -> None:
    """Filtered rows are counted, every other row is in the sink once, and a second run calls no stage."""
    project = Project.make(tmp_path / "shop", products(1200, drop=[7, 1100]))
    first = project.run()
    assert first["status"] == "done"
    assert first["stages"]["normalise"] == {"done": 1198, "reused": 0, "filtered": 2, "dead": 0}
    rows = project.rows()
    assert [row["sku"] for row in rows] == [f"p{number:06d}" for number in range(1200) if number not in {7, 1100}]
    assert rows[0] == {"sku": "p000000", "title": "product 0", "category": "long", "vector": [9.0, 10.0, 11.0]}
    assert (project.folder / "index.finished").exists()
    again = project.run()
    assert (again["status"], again["unchanged"], again["engine"]) == ("done", 1200, "")
    assert project.processed() == 1200


def test_a_changed_row_is_redone_a_gone_one_deleted_and_one_that_is_filtered_now_leaves_the_sink(tmp_path: Path) -> None:
    """The sink ends as if it had been built from the new feed; a dead row keeps its last good version."""
    project = Project.make(tmp_path / "shop", products(1000), dead_max="40%")
    project.run()
    before = {row["sku"]: row for row in project.rows()}
    feed = products(990, drop=[3], bad=[5])
    feed[4]["title"] = "a much longer title"
    project.feed(feed)
    report = project.run()
    after = {row["sku"]: row for row in project.rows()}
    assert (report["status"], report["changed"], report["deleted"], report["dead"]) == ("done", 3, 10, 1)
    assert project.processed() == 1003
    assert set(before) - set(after) == {"p000003", *(f"p{number:06d}" for number in range(990, 1000))}
    assert after["p000004"]["title"] == "a much longer title"
    assert after["p000005"] == before["p000005"]


def test_a_changed_stage_is_redone_from_stored_inputs(tmp_path: Path) -> None:
    """The stages before it are served, not called."""
    project = Project.make(tmp_path / "shop", products(1000, drop=[9]))
    project.run()
    project.spec["stages"] = project.spec["stages"].replace("dim: 3", "dim: 4")
    project.write()
    report = project.run()
    assert report["stages"]["classify"] == {"done": 0, "reused": 999, "filtered": 0, "dead": 0}
    assert report["stages"]["embed"]["done"] == 999
    assert project.processed() == 1000
    assert {len(row["vector"]) for row in project.rows()} == {4}


def test_bad_rows_within_the_limit_are_dead_letters_with_their_story(tmp_path: Path) -> None:
    """Row and batch failures alike: stage, class, type, message, attempts, input; the others are done."""
    project = Project.make(tmp_path / "shop", products(1000, bad=[1, 700], worse=[2]), dead_max="0.5%")
    report = project.run()
    assert (report["status"], report["dead"], report["written"]) == ("done", 3, 997)
    letters = {str(row["_key"]): row for row in _dead(project, report)}
    assert set(letters) == {"p000001", "p000700", "p000002"}
    first, batch = letters["p000001"], letters["p000002"]
    assert (first["stage"], first["failure"], first["type"], first["attempts"]) == ("normalise", "error", "ValueError", 1)
    assert json.loads(str(first["input"])) == {"sku": "p000001", "title": "bad", "price": 1.0, "note": None}
    assert (batch["stage"], batch["type"], batch["message"]) == ("classify", "LookupError", "a bad row in a batch")


def test_too_many_bad_rows_fail_the_run_and_a_raised_limit_goes_on_without_doing_anything_twice(tmp_path: Path) -> None:
    """What was finished is kept; the limit is no part of what a row is made from."""
    project = Project.make(tmp_path / "shop", products(1000, bad=[1, 2, 3]), dead_max="0.2%")
    failed = project.run()
    assert failed["status"] == "failed"
    assert "over dead_letter.max 0.2%" in failed["error"]
    assert "stage normalise: ValueError" in failed["error"]
    assert failed["help"]
    done = project.processed()
    project.spec["dead_max"] = "1%"
    project.write()
    report = project.run()
    assert (report["status"], report["dead"], report["written"]) == ("done", 3, 997)
    assert project.processed() <= done + 500 <= 1500
    assert len(project.rows()) == 997


def test_a_run_with_too_many_bad_rows_fails_again_until_the_rows_are_repaired(tmp_path: Path) -> None:
    """Going on must not mean looking away: the same command fails the same way, and a repaired source is read anew."""
    project = Project.make(tmp_path / "shop", products(1000, bad=[1, 2, 3]), dead_max="0.2%")
    assert [project.run()["status"], project.run()["status"]] == ["failed", "failed"]
    project.feed(products(1000))
    report = project.run()
    assert (report["status"], report["dead"], len(project.rows())) == ("done", 0, 1000)


def test_a_stage_that_really_goes_over_its_memory_is_done_on_the_rung_that_is_large_enough(tmp_path: Path) -> None:
    """A batch rung that doesn't help is climbed past; the shards that fitted stay on the base."""
    project = Project.make(tmp_path / "shop", products(1000, big=[700]), stages=[CPU, *STAGES[1:]], resources=LADDER)
    report = project.run()
    assert report["status"] == "done"
    markers = [json.loads(path.read_text()) for path in project.objects("*/markers/00/*.json")]
    assert [(marker.get("rung", 0), marker["attempt"]) for marker in markers] == [(0, 1), (2, 3)]
    assert len(project.rows()) == 1000


def test_memory_without_a_large_enough_rung_fails_the_run_and_a_raised_promise_goes_on(tmp_path: Path) -> None:
    """The message says what was promised; the shard that was done is not done again."""
    project = Project.make(tmp_path / "shop", products(1000, big=[700]), stages=[CPU, *STAGES[1:]], resources="  cpu: {memory: 256Mi}")
    failed = project.run()
    assert failed["status"] == "failed"
    assert "over its memory of 256 MiB" in failed["error"]
    project.spec["resources"] = "  cpu: {memory: 1Gi}"
    project.write()
    assert project.run()["status"] == "done"
    assert len(project.rows()) == 1000
    assert (project.folder / "trace").read_text().count("p000001\n") == 1


def test_a_shard_that_kills_its_process_is_tried_three_times_and_then_its_rows_are_dead_or_the_run_fails(tmp_path: Path) -> None:
    """The other shards don't suffer for it."""
    project = Project.make(tmp_path / "shop", products(1000, kill=[700]))
    failed = project.run()
    assert failed["status"] == "failed"
    assert "SIGKILL" in failed["error"]
    assert (project.folder / "trace").read_text().count("p000700\n") == 3
    project.spec["dead_max"] = "60%"
    project.write()
    report = project.run()
    assert (report["status"], report["dead"], report["written"]) == ("done", 500, 500)
    assert len(project.rows()) == 500


def test_replace_leaves_nothing_in_the_sink_that_this_run_did_not_write(tmp_path: Path) -> None:
    """A table that held something else is the job's own afterwards."""
    project = Project.make(tmp_path / "shop", products(700), sink=", mode: replace")
    stranger = {"sku": "zz", "title": "old", "category": "x", "vector": [], "_darner_generation": 0, "_darner_shard": 0}
    (project.folder / "index.jsonl").write_text(json.dumps(stranger) + "\n")
    assert project.run()["status"] == "done"
    assert [row["sku"] for row in project.rows()] == [f"p{number:06d}" for number in range(700)]


def test_arrow_and_async_stages_run_in_a_job(tmp_path: Path) -> None:
    """Both shapes, one after the other, in two groups; a filter by leaving rows out."""
    stages = [
        "{name: look_up, use: 'shop:look_up', concurrency: 8, on_failure: {network: {attempts: 2, backoff: 1ms..2ms}}}",
        "{name: cheap, use: 'shop:cheap', batch: 100}",
        "{name: double, use: 'shop:double', resources: cpu}",
    ]
    project = Project.make(tmp_path / "shop", products(600, flaky=[0]), stages=stages, sink_type="shop:Priced", dead_max="1%")
    report = project.run()
    assert (report["status"], report["dead"]) == ("done", 1)
    assert report["stages"]["cheap"]["filtered"] == 300
    assert {row["price"] for row in project.rows()} == {0.0, 2.0, 4.0, 6.0, 8.0}
    assert len(project.rows()) == 299


SCRIPT = """
replies:
  - when: {text: "Product 3 "}
    answer: {colour: 7}
  - when: {text: "Product (?P<n>[0-9]+)"}
    answer: {colour: "red{n}"}
"""
AGENTS = """
models:
  small: {{use: "openai:scripted", base_url: "{url}"}}
agents:
  painter: {{model: small, prompt: "Which colour has {{{{ title }}}}?", input: shop:Product, output: shop:Enriched, limits: {{turns: 4}}}}
"""


def test_an_agent_is_a_stage_and_is_asked_for_the_new_fields_only(tmp_path: Path) -> None:
    """Over real HTTP: what it isn't asked for is carried over, an unacceptable answer is a dead letter, and it is not paid twice."""
    stages = ["{name: paint, use: painter, concurrency: 4, resources: cpu, on_failure: {semantic: {attempts: 2}}}"]
    with ModelServer(Script(parse(SCRIPT).replies)) as server:
        agents = AGENTS.format(url=server.base_url)
        project = Project.make(tmp_path / "shop", products(30), stages=stages, sink_type="shop:Enriched", dead_max="5%", agents=agents)
        report = project.run()
        asked = server.requests
        assert (report["status"], report["dead"], report["written"], report["calls"]) == ("done", 1, 29, asked)
        assert asked == 31
        assert project.rows()[1] == {"sku": "p000001", "title": " Product 1 ", "price": 1.0, "note": None, "colour": "red1"}
        (letter,) = _dead(project, report)
        assert (letter["_key"], letter["failure"], letter["stage"]) == ("p000003", "semantic", "paint")
        project.run()
        assert server.requests == asked
