"""What ``darner.testing`` ships: scripts, the server, the model inside the process, the boundary in memory."""

from __future__ import annotations

import json
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from darner.runtime.failures import Refused
from darner.runtime.places import ModelPlace
from darner.runtime.testing.script import Asked
from darner.runtime.testing.serving import placed
from darner.testing import ModelServer, parse

from . import world

FINE = "replies: [{text: fine}]"
SERVE = [sys.executable, "-m", "darner.testing", "serve", "--script"]
HELLO = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}


def _post(server: str, body: Any = HELLO, **headers: str) -> tuple[int, Any]:
    request = urllib.request.Request(  # noqa: S310 - our own server on loopback
        f"{server}/chat/completions", json.dumps(body).encode(), {"Content-Type": "application/json", **headers}
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - likewise
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def _get(server: str, path: str) -> Any:
    with urllib.request.urlopen(server.removesuffix("/v1") + path, timeout=30) as answer:  # noqa: S310 - likewise
        return json.load(answer)


def test_a_completion_looks_like_the_providers() -> None:
    """Ids, usage and finish reason are there, and nothing of it varies."""
    with ModelServer(FINE) as server:
        status, body = _post(server.base_url)
    assert status == 200
    assert body["choices"] == [{"index": 0, "message": {"role": "assistant", "content": "fine"}, "finish_reason": "stop", "logprobs": None}]
    assert body["usage"] == {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}
    assert (body["id"], body["object"], body["model"]) == ("chatcmpl-1", "chat.completion", "m")


def test_a_request_is_counted_even_when_its_client_is_gone() -> None:
    """What a killed process asked for was paid for."""
    with ModelServer(FINE, delay=60) as server:
        body = json.dumps(HELLO).encode()
        with socket.create_connection(("127.0.0.1", int(server.base_url.split(":")[2].split("/")[0]))) as client:
            client.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
            while not _get(server.base_url, "/_count")["requests"]:
                pass
        assert _get(server.base_url, "/_count") == {"requests": 1, "answered": 0}
        assert _get(server.base_url, "/_requests") == [HELLO]


def test_a_client_that_is_killed_leaves_no_traceback(capfd: pytest.CaptureFixture[str]) -> None:
    """Tests of darner kill a lot of clients; a page of tracebacks would hide what matters."""
    with ModelServer(FINE) as server:
        client = socket.create_connection(("127.0.0.1", int(server.base_url.split(":")[2].split("/")[0])))
        client.sendall(b"GET /v1/models HTTP/1.1\r\n\r\n")
        told = b""
        while not told.endswith(b"}"):
            told += client.recv(1000)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
        time.sleep(0.3)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ([], 400, "no JSON object"),
        ({"messages": "hello"}, 400, "no JSON object with messages"),
        ({"messages": []}, 400, "the script has no reply"),
    ],
)
def test_what_the_server_can_t_do_it_says(body: Any, status: int, words: str) -> None:
    """A wrong request is answered with the reason, and the server goes on."""
    with ModelServer("replies: [{when: {text: hello}, text: fine}]") as server:
        got, error = _post(server.base_url, body)
        assert got == status
        assert words in error["error"]["message"]
        assert _post(server.base_url)[0] == 200


def test_servers_have_ports_of_their_own_and_give_them_back() -> None:
    """Many at once, and stopping is quick."""
    with ModelServer(FINE) as one, ModelServer(FINE) as other:
        assert one.base_url != other.base_url
        assert _post(one.base_url)[0] == _post(other.base_url)[0] == 200
    with pytest.raises(urllib.error.URLError):
        _post(one.base_url)


def test_many_clients_are_answered_at_once() -> None:
    """Ten requests of 0.3 s each are all counted and all answered."""
    with ModelServer(FINE, delay=0.3) as server:
        threads = [threading.Thread(target=_post, args=(server.base_url,)) for _ in range(10)]
        for one in threads:
            one.start()
        for one in threads:
            one.join(30)
        assert _get(server.base_url, "/_count") == {"requests": 10, "answered": 10}


def test_a_client_that_has_its_answer_finds_it_counted() -> None:
    """It may ask at once: the count is never one behind."""
    with ModelServer(FINE) as server:
        for number in range(1, 301):
            _post(server.base_url)
            assert server.answered == number


def test_the_first_reply_that_fits_is_given_as_often_as_it_says() -> None:
    """`when` is AND; `times` runs out."""
    script = parse("""
    replies:
      - {when: {text: weather, turn: 2}, text: second turn}
      - {when: {text: weather}, text: once, times: 1}
      - {when: {model: large}, text: large}
      - {text: otherwise}
    """)
    asked = [Asked("the weather", 2), Asked("the weather"), Asked("the weather"), Asked("hello", model="large")]
    assert [reply.text for one in asked if (reply := script.reply(one))] == ["second turn", "once", "otherwise", "large"]


def test_slots_are_filled_from_the_question_and_the_last_result() -> None:
    """A text that is one slot keeps the value's type; braces that name nothing stay."""
    script = parse(
        "replies: [{when: {text: '(?P<city>P[a-z]+)'}, answer: {a: '{city}!', b: '{result.rows.1.n}', c: '{json}', d: '{result}'}}]"
    )
    result = {"rows": [{"n": 1}, {"n": 2}]}
    reply = script.reply(Asked("in Paris", result=result))
    assert reply is not None
    assert reply.answer == {"a": "Paris!", "b": 2, "c": "{json}", "d": result}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("replies: []", "replies"),
        ("replies: [{text: a, answer: b}]", "one of call, answer, text, refuse, fail"),
        ("replies: [{when: {turns: 1}, text: a}]", "turns"),
        ("replies: [{fail: {}}]", "either a status"),
        ("replies: [{", "is no YAML"),
        ("", "script"),
    ],
)
def test_a_wrong_script_is_refused_with_its_place(text: str, words: str) -> None:
    """Unknown keys too."""
    with pytest.raises(Refused, match=words):
        parse(text)


def test_a_server_can_be_a_process_of_its_own(tmp_path: Path) -> None:
    """`python -m darner.testing serve` prints its address and ends well on SIGTERM."""
    path = tmp_path / "script.yaml"
    path.write_text(FINE, encoding="utf-8")
    command = [*SERVE, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        assert _post(address)[1]["choices"][0]["message"]["content"] == "fine"
        assert _get(address, "/_count")["requests"] == 1
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


def test_serving_a_missing_script_is_an_error_without_a_traceback() -> None:
    """The message names the file."""
    done = subprocess.run(
        [sys.executable, "-m", "darner.testing", "serve", "--script", "/nowhere.yaml"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: the script /nowhere.yaml can't be read")


def test_a_target_puts_models_at_scripted_servers(tmp_path: Path) -> None:
    """Two models of one script share a server; a secret is not asked for; another address is taken as it is."""
    (tmp_path / "script.yaml").write_text(FINE, encoding="utf-8")
    with ModelServer(FINE) as unused:
        models = {name: world.model(unused, use="anthropic:big", secret="KEY") for name in ("a", "b", "c")}  # noqa: S106 - a name
    places = {
        "a": ModelPlace(script="script.yaml"),
        "b": ModelPlace(script="script.yaml"),
        "c": ModelPlace(use="openai:x", base_url="http://there/v1"),
    }
    with placed(models, places, tmp_path) as there:
        assert there["a"].base_url == there["b"].base_url
        assert (there["a"].use, there["a"].secret) == ("openai:big", None)
        assert _post(there["a"].base_url or "")[0] == 200
        assert (there["c"].use, there["c"].base_url, there["c"].secret) == ("openai:x", "http://there/v1", None)
    with pytest.raises(urllib.error.URLError):
        _post(there["a"].base_url or "")


def test_a_place_for_a_model_that_isn_t_there_is_refused(tmp_path: Path) -> None:
    """A typing error in darner.toml must not lead to the real provider."""
    with pytest.raises(Refused, match="the model smal"), placed({}, {"smal": ModelPlace(script="s.yaml")}, tmp_path):
        pass


def test_a_script_answers_inside_the_process_as_over_http(tmp_path: Path) -> None:
    """`use: darner.testing:scripted_model` needs neither server nor key."""
    script = tmp_path / "script.yaml"
    script.write_text(
        "replies:\n"
        "  - {when: {turn: 1}, call: {stock: {item: mug}}}\n"
        "  - {when: {result: stock}, answer: {text: '{result.count} of {result.item}'}}\n",
        encoding="utf-8",
    )
    inside = {"use": "darner.testing:scripted_model", "base_url": None, "params": {"script": str(script)}}
    ran = world.run(FINE, tools={"stock": world.tool("stock")}, model_changes=inside)
    assert (ran.output, ran.requests) == ({"text": "3 of mug"}, 0)


def test_without_the_agents_extra_testing_imports_and_agents_say_what_to_install() -> None:
    """The server needs nothing but darner itself."""
    code = """
import sys
sys.modules["pydantic_ai"] = None
sys.modules["openai"] = None
from darner.testing import ModelServer, scripted_model, parse
with ModelServer("replies: [{text: fine}]") as server:
    print(server.requests)
from darner.runtime.failures import Refused
try:
    scripted_model(parse("replies: [{text: fine}]"))
except Refused as refused:
    print(refused.message, "|", refused.help)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["0", "agents need the package pydantic_ai | pip install 'darner[agents]'"]
