"""Many waits share one search, and none of them is worse off for it."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from revox_langchain.connection.clock import SystemClock
from revox_langchain.connection.connection import Connection
from revox_langchain.errors import AuthError, InvalidInput, NotFound, RevoxToolError
from revox_langchain.flow import Pause, Tick, Turn, arun, run
from revox_langchain.operations.calls import CancelCall, GetCall, GetCallHistory, MakeCall
from revox_langchain.results.call import ENDED
from revox_langchain.sandbox import Fault, Sandbox, Switches
from revox_langchain.waiting.policy import WaitPolicy
from revox_langchain.waiting.watch import Seen, watch
from revox_langchain.waiting.watcher import FEW, Ended, Party, SyncWatcher, Watcher, hub_of

ANSWERS = "+12025550100"
WAITS_IN_THE_QUEUE = "+12025550111"
NOBODY = "00000000-0000-4000-8000-000000000000"
Meddle = Callable[[dict[str, Any], Callable[[dict[str, Any]], httpx.Response]], httpx.Response]


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox(switches=Switches(organization_limit=10_000))


def placed(sandbox: Sandbox, count: int, number: str = ANSWERS) -> list[str]:
    """Orders under way; those to the number that answers end within a minute."""
    connection = sandbox.connect()
    call = MakeCall(phone_number=number, prompt="Say hello.")
    ids = [str(connection.send(call)["call"]["id"]) for _ in range(count)]
    sandbox.requests.clear()
    sandbox.counts.clear()
    return ids


def ended_by(mode: str, connection: Connection, ids: list[str], **options: Any) -> list[Ended]:
    """What a watcher yields for ids, with or without an event loop."""
    if mode == "sync":
        return list(SyncWatcher(connection, **options).as_completed(ids))

    async def collect() -> list[Ended]:
        async with Watcher(connection, **options) as watcher:
            return [ended async for ended in watcher.as_completed(ids)]

    return asyncio.run(collect())


def meddled(sandbox: Sandbox, meddle: Meddle) -> Connection:
    """A connection whose searches go through `meddle`."""

    def answer(request: httpx.Request) -> httpx.Response:
        if not request.url.path.endswith("/call/search"):
            return sandbox(request)

        def search(body: dict[str, Any]) -> httpx.Response:
            return sandbox(httpx.Request("POST", request.url, json=body, headers={"Authorization": "Bearer sk_any"}))

        return meddle(json.loads(request.content), search)

    return sandbox.connect(transport=httpx.MockTransport(answer))


both_modes = pytest.mark.parametrize("mode", ["sync", "async"])


@pytest.mark.slow
@both_modes
def test_many_waits_cost_one_search_per_hundred_orders_and_interval(sandbox: Sandbox, mode: str) -> None:
    ids = placed(sandbox, 250)
    begun_s = sandbox.clock.now_s()
    ended = ended_by(mode, sandbox.connect(), ids, interval_s=10)
    rounds = (sandbox.clock.now_s() - begun_s) / 8 + 1
    assert {each.call_id for each in ended} == set(ids)
    assert all(each.checked()["status"] == "completed" for each in ended)
    # Beside them: a self-check of one order, and one count per chunk.
    assert sandbox.counts["revox_get_call"] <= 2
    assert sandbox.counts["revox_get_call_history"] <= 3 * rounds + 3 + 4


def test_what_goes_on_is_not_read(sandbox: Sandbox) -> None:
    ids = placed(sandbox, 40, WAITS_IN_THE_QUEUE)
    bytes_read = 0

    def meddle(body: dict[str, Any], search: Callable[[dict[str, Any]], httpx.Response]) -> httpx.Response:
        nonlocal bytes_read
        response = search(body)
        bytes_read += len(response.content)
        return response

    ended = ended_by("sync", meddled(sandbox, meddle), ids, interval_s=10, max_wait_s=600)
    assert [each.error.code for each in ended if each.error] == ["still_running"] * 40
    # One order is 2 to 20 kB; empty answers are all that sixty rounds may cost.
    assert bytes_read < 20_000


@both_modes
def test_watching_flows_share_the_sweep_without_asking_for_it(sandbox: Sandbox, mode: str) -> None:
    ids, connection = placed(sandbox, 30), sandbox.connect()
    policy = WaitPolicy(heartbeat_s=1000)
    seen: list[Seen] = []
    if mode == "sync":
        begin = threading.Barrier(len(ids))

        def wait(call_id: str) -> None:
            begin.wait()
            seen.append(run(watch(Seen(call_id=call_id, exists=True), policy), connection))

        threads = [threading.Thread(target=wait, args=[call_id], daemon=True) for call_id in ids]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    else:

        async def wait_for_all() -> None:
            waits = (arun(watch(Seen(call_id=call_id, exists=True), policy), connection) for call_id in ids)
            seen.extend(await asyncio.gather(*waits))

        asyncio.run(wait_for_all())
    assert sorted(each.call_id for each in seen) == sorted(ids)
    assert {(each.status, each.stopped) for each in seen} == {("completed", "ended")}
    assert all(each.answer for each in seen)
    # Each by itself takes a dozen reads. The first ones may look before there is company.
    assert sandbox.counts["revox_get_call"] < 2 * len(ids)
    assert hub_of(connection).present == 0


def test_a_few_flows_read_their_own_orders_and_show_what_happens(sandbox: Sandbox) -> None:
    ids, connection = placed(sandbox, FEW), sandbox.connect()
    events: list[dict[str, Any]] = []

    async def wait_for_all() -> None:
        await asyncio.gather(*(arun(watch(Seen(call_id=i), WaitPolicy()), connection, emit=events.append) for i in ids))

    asyncio.run(wait_for_all())
    assert sandbox.counts["revox_get_call_history"] == 0
    assert {event["status"] for event in events if event["type"] == "revox.status"} >= {"calling", "completed"}


def test_whoever_wants_live_progress_in_a_crowd_is_read_alone(sandbox: Sandbox) -> None:
    ids, connection = placed(sandbox, 20), sandbox.connect()
    events: list[dict[str, Any]] = []

    async def wait_for_all() -> None:
        quiet = WaitPolicy(live=False, heartbeat_s=1000)
        others = [arun(watch(Seen(call_id=i, exists=True), quiet), connection, emit=events.append) for i in ids[1:]]
        mine = arun(watch(Seen(call_id=ids[0]), WaitPolicy(live=True)), connection, emit=events.append)
        await asyncio.gather(mine, *others)

    asyncio.run(wait_for_all())
    shown = {event["call_id"] for event in events if event.get("status") == "calling"}
    assert shown == {ids[0]}


def test_cancelling_a_wait_leaves_the_others_alone_even_if_it_swept_for_all(sandbox: Sandbox) -> None:
    ids = placed(sandbox, 12)

    async def wait_for_all() -> list[Any]:
        async with Watcher(sandbox.connect()) as watcher:
            tasks = [asyncio.create_task(watcher.wait(call_id)) for call_id in ids]
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            # The first to come leads.
            tasks[0].cancel()
            tasks[5].cancel()
            return await asyncio.gather(*tasks, return_exceptions=True)

    ended = asyncio.run(asyncio.wait_for(wait_for_all(), 60))
    cancelled = [isinstance(each, asyncio.CancelledError) for each in ended]
    assert cancelled == [at in (0, 5) for at in range(12)]
    assert all(each["status"] == "completed" for each in ended if isinstance(each, dict))


@both_modes
@pytest.mark.parametrize("wrong", ["two words", "", None, 7])
def test_what_is_no_id_fails_alone_and_asks_nothing(sandbox: Sandbox, mode: str, wrong: Any) -> None:
    [mine] = placed(sandbox, 1)
    ended = {one.call_id: one for one in ended_by(mode, sandbox.connect(), [mine, wrong])}
    assert ended[mine].checked()["status"] == "completed"
    with pytest.raises(InvalidInput, match="call_id"):
        ended[wrong].checked()


@both_modes
def test_one_id_in_place_of_a_list_is_named_as_such(sandbox: Sandbox, mode: str) -> None:
    [mine] = placed(sandbox, 1)
    with pytest.raises(InvalidInput, match="a list of ids is wanted"):
        ended_by(mode, sandbox.connect(), mine)  # type: ignore[arg-type]


@both_modes
@pytest.mark.parametrize("wrong", [NOBODY, "nope"])
def test_an_id_that_does_not_exist_fails_that_wait_only(sandbox: Sandbox, mode: str, wrong: str) -> None:
    ids = placed(sandbox, 60)
    ended = {each.call_id: each for each in ended_by(mode, sandbox.connect(), [*ids, wrong])}
    assert ended.keys() == {*ids, wrong}
    with pytest.raises(NotFound):
        ended.pop(wrong).checked()
    assert all(each.checked()["status"] == "completed" for each in ended.values())


@pytest.mark.a_few(every=3)
@pytest.mark.parametrize("ignored", ["statuses", "call_ids", "both", "everything is shown", "nothing is shown"])
def test_filters_that_do_not_mean_what_we_think_lead_to_single_reads(sandbox: Sandbox, ignored: str) -> None:
    ids = placed(sandbox, 20)

    def meddle(body: dict[str, Any], search: Callable[[dict[str, Any]], httpx.Response]) -> httpx.Response:
        if ignored in ("statuses", "both", "everything is shown"):
            body |= {"statuses": []}
        if ignored in ("call_ids", "both", "everything is shown"):
            body.pop("call_ids", None)
        if ignored == "nothing is shown":
            return httpx.Response(200, json={"calls": [], "total_count": 0})
        return search(body)

    connection = meddled(sandbox, meddle)
    ended = ended_by("async", connection, ids)
    assert sorted(each.call_id for each in ended) == sorted(ids)
    assert all(each.checked()["status"] == "completed" for each in ended)
    assert hub_of(connection).trusted is False
    assert sandbox.counts["revox_get_call"] >= len(ids)


@pytest.mark.a_few(every=5)
@pytest.mark.parametrize("page_base", [0, 1])
@pytest.mark.parametrize("total_counts", ["orders", "attempts"])
@pytest.mark.parametrize("largest_page", [None, 7])
def test_searches_of_every_kind_are_read_to_their_end(page_base: Any, total_counts: Any, largest_page: Any) -> None:
    switches = Switches(
        page_base=page_base, total_counts=total_counts, largest_page=largest_page, organization_limit=1000
    )
    sandbox = Sandbox(switches=switches)
    ids = placed(sandbox, 40)
    ended = ended_by("sync", sandbox.connect(), ids)
    assert {each.call_id for each in ended if each.checked()["status"] in ENDED} == set(ids)


def test_an_order_that_no_search_shows_is_read_alone(sandbox: Sandbox) -> None:
    ids = placed(sandbox, 20)
    hidden = sorted(ids)[7]

    def meddle(body: dict[str, Any], search: Callable[[dict[str, Any]], httpx.Response]) -> httpx.Response:
        body["call_ids"] = [call_id for call_id in body.get("call_ids", []) if call_id != hidden]
        return search(body) if body["call_ids"] else httpx.Response(200, json={"calls": [], "total_count": 0})

    ended = {each.call_id: each for each in ended_by("sync", meddled(sandbox, meddle), ids)}
    assert ended[hidden].checked()["status"] == "completed"
    assert len(ended) == 20
    assert sandbox.counts["revox_get_call"] <= 12


def test_a_flow_reads_its_order_now_and_then_whatever_the_sweep_shows(sandbox: Sandbox) -> None:
    ids = placed(sandbox, 6)
    nothing = httpx.Response(200, json={"calls": [], "total_count": 0})
    connection = meddled(sandbox, lambda body, search: nothing)
    hub_of(connection).trusted = True
    policy = WaitPolicy(live=False, recheck_s=120)
    seen = run(watch(Seen(call_id=ids[0], exists=True), policy), connection)
    assert (seen.stopped, seen.status) == ("ended", "completed")
    assert 120 <= seen.waited_s < 135


def test_a_sweep_waits_as_long_as_revox_asks(sandbox: Sandbox) -> None:
    ids = placed(sandbox, 20)
    connection = sandbox.connect(read_retries=0)
    run(watch(Seen(call_id=ids[0]), WaitPolicy()), connection)
    hub_of(connection).trusted = True
    more = placed(sandbox, 20)
    sandbox.faults.add(Fault("rate_limited", on=GetCallHistory, retry_after_s=500))
    begun_s = sandbox.clock.now_s()
    ended = ended_by("sync", connection, more)
    assert all(each.checked()["status"] == "completed" for each in ended)
    assert sandbox.clock.now_s() - begun_s >= 500


@pytest.mark.parametrize("kind", ["lose_before", "server_error", "html_before", "truncated", "empty"])
def test_a_failed_search_ends_no_wait(sandbox: Sandbox, kind: Any) -> None:
    ids = placed(sandbox, 20)
    connection = sandbox.connect(read_retries=0)
    sandbox.faults.add(Fault(kind, on=GetCallHistory, times=4, skip=5))
    sandbox.faults.add(Fault(kind, on=GetCall, times=1))
    ended = ended_by("async", connection, ids)
    assert sorted(each.call_id for each in ended) == sorted(ids)
    assert all(each.checked()["status"] == "completed" for each in ended)


@both_modes
def test_a_wrong_key_fails_every_wait_at_once(mode: str) -> None:
    sandbox = Sandbox(key="sk_right")
    ended = ended_by(mode, sandbox.connect("sk_wrong"), [NOBODY, "nope"])
    assert len(ended) == 2
    assert all(isinstance(each.error, AuthError) for each in ended)


@pytest.mark.slow
def test_a_sync_wait_inside_an_event_loop_does_not_wait_for_the_loop_it_blocks(sandbox: Sandbox) -> None:
    ids = placed(sandbox, 6)
    connection = sandbox.connect()

    async def both() -> tuple[Any, Any]:
        leads = asyncio.create_task(Watcher(connection, interval_s=1).wait(ids[0]))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        mine = SyncWatcher(connection, interval_s=1).wait(ids[1])
        return mine, await leads

    mine, other = asyncio.run(asyncio.wait_for(both(), 60))
    assert (mine["id"], other["id"]) == (ids[1], ids[0])
    assert mine["status"] == other["status"] == "completed"


@both_modes
def test_a_wait_that_lasts_too_long_says_that_the_call_goes_on(sandbox: Sandbox, mode: str) -> None:
    call_id = placed(sandbox, 1, WAITS_IN_THE_QUEUE)[0]
    connection = sandbox.connect()
    wait = {
        "sync": lambda: SyncWatcher(connection, max_wait_s=100).wait(call_id),
        "async": lambda: asyncio.run(Watcher(connection, max_wait_s=100).wait(call_id)),
    }
    with pytest.raises(RevoxToolError) as caught:
        wait[mode]()
    assert caught.value.code == "still_running"
    assert connection.send(GetCall(call_id=call_id))["call"]["status"] == "queued_for_calling"


@pytest.mark.slow
def test_a_wish_to_stop_reaches_a_flow_that_another_one_sweeps_for(sandbox: Sandbox) -> None:
    ids = placed(sandbox, 3, WAITS_IN_THE_QUEUE)
    connection = sandbox.connect()
    policy = WaitPolicy(live=False)
    stops = dict.fromkeys(ids, False)

    async def wait_for_all() -> list[Seen]:
        def wait(i: str) -> Any:
            return arun(watch(Seen(call_id=i, exists=True), policy), connection, stop=lambda: stops[i])

        tasks = [asyncio.create_task(wait(call_id)) for call_id in ids]
        for _ in range(20):
            await asyncio.sleep(0)
        stops[ids[1]] = stops[ids[2]] = True
        stopped = await asyncio.gather(tasks[1], tasks[2])
        connection.send(CancelCall(call_id=ids[0]))
        return [*stopped, await tasks[0]]

    seen = asyncio.run(asyncio.wait_for(wait_for_all(), 60))
    assert [each.stopped for each in seen] == ["drain", "drain", "ended"]


def test_two_waits_for_one_order_both_hear_of_its_end(sandbox: Sandbox) -> None:
    call_id = placed(sandbox, 1)[0]

    async def both() -> list[Any]:
        async with Watcher(sandbox.connect()) as watcher:
            return await asyncio.gather(watcher.wait(call_id), watcher.wait(call_id))

    assert [each["status"] for each in asyncio.run(both())] == ["completed"] * 2
    assert sandbox.counts["revox_get_call"] == 1


def test_nothing_is_kept_of_waits_that_are_over(sandbox: Sandbox) -> None:
    connection = sandbox.connect()
    ended_by("async", connection, [*placed(sandbox, 10), NOBODY])
    hub = hub_of(connection)
    assert not any((hub._parties, hub._waiters, hub._unproven, hub._read_at_s, hub._leader))


@pytest.mark.parametrize("options", [{"interval_s": 0}, {"max_wait_s": -1}])
def test_a_watcher_refuses_times_that_are_none(sandbox: Sandbox, options: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="seconds above 0"):
        Watcher(sandbox.connect(), **options)


@pytest.mark.slow
@both_modes
def test_the_wait_that_sweeps_hears_at_once_of_an_end_that_another_noticed(mode: str) -> None:
    sandbox = Sandbox(switches=Switches(organization_limit=10_000))
    ids = placed(sandbox, 5, WAITS_IN_THE_QUEUE)
    connection = sandbox.connect(clock=SystemClock())
    hub_of(connection).trusted = True
    hub, call_id = hub_of(connection), ids[0]
    party = Party(ids, until_s=connection.clock.now_s() + 3600, interval_s=1000, exist=True)
    hub.join(party)
    flow = hub.until_news(party, connection)
    step = next(flow)
    for _ in range(20):
        if isinstance(step, Turn):
            break
        answer = Tick(connection.clock.now_s()) if isinstance(step, Pause) else connection.send(step)  # type: ignore[arg-type]
        step = flow.send(answer)
    assert isinstance(step, Turn)
    assert not step.come.done()
    hub.tell(Ended(call_id, {"id": call_id, "status": "completed"}))
    assert step.come.done()
    run(_rest_of(flow), connection) if mode == "sync" else asyncio.run(arun(_rest_of(flow), connection))
    assert [ended.call_id for ended in party.news] == [call_id]


def _rest_of(flow: Any) -> Any:
    """Go on with a flow that was begun by hand."""
    try:
        step = flow.send(None)
        while True:
            step = flow.send((yield step))
    except StopIteration:
        return
