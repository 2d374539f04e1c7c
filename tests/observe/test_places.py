"""The places: every state has its room, and no move between rooms is lost or told twice."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from teachserve.events import STATES, TRANSITIONS, State
from teachserve.observe import places
from teachserve.observe.places import ACCEPT_QUEUE, BESIDE, QUEUES, WAY, Places, waiting
from teachserve.observe.snapshot import COUNTERS, QueueView, Snapshot

MOVES = sorted((before, after) for before in STATES for after in TRANSITIONS[before])


def snapshot(flows: dict[tuple[State, State], int], **changes: object) -> Snapshot:
    """A server whose threads have made these moves."""
    rates = {move: count / 10 for move, count in flows.items()}
    return Snapshot(flows=flows, flow_rates=rates, **changes)


def test_every_state_has_exactly_one_room() -> None:
    rooms = Counter(state for room in (*WAY, *BESIDE, QUEUES) for state in room.states)
    assert rooms == Counter(STATES)


@given(st.dictionaries(st.sampled_from(MOVES), st.integers(1, 10**6)))
def test_the_flows_are_the_moves_between_rooms_each_of_them_once(flows: dict[tuple[State, State], int]) -> None:
    found = Places.of(snapshot(flows))
    home = {state: room.name for room in found.rooms for state in room.states}
    between = {move: count for move, count in flows.items() if home[move[0]] != home[move[1]]}
    told = {pair: flow for pair, flow in found.flows.items() if pair[0] != ACCEPT_QUEUE.name}
    assert sum(flow.total for flow in told.values()) == sum(between.values())
    assert set(told) == {(home[before], home[after]) for before, after in between}
    for room in found.rooms:
        arrived = sum(flow.total for (_, target), flow in told.items() if target == room.name)
        assert arrived == sum(count for (_, after), count in between.items() if home[after] == room.name)


@given(st.dictionaries(st.sampled_from(MOVES), st.integers(1, 9)), st.sets(st.sampled_from(STATES)))
def test_no_thread_is_without_a_room(flows: dict[tuple[State, State], int], there: set[State]) -> None:
    states = dict.fromkeys(STATES, 0) | dict.fromkeys(there, 1)
    found = Places.of(snapshot(flows, states=states))
    homes = [state for room in found.rooms for state in room.states]
    assert there <= set(homes)
    assert len(homes) == len(set(homes))


def test_a_queue_of_connections_is_on_their_way_and_one_of_orders_is_beside_it() -> None:
    pool = Places.of(snapshot({(State.WAITING, State.READING): 5, (State.READING, State.HANDLING): 5}))
    names = [room.name for room in pool.way]
    assert names.index("queues") == names.index("reading") - 1
    offload = Places.of(snapshot({(State.WAITING, State.HANDLING): 5, (State.READING, State.HANDING_OVER): 5}))
    names = [room.name for room in offload.way]
    assert names.index("reading") < names.index("queues") < names.index("handling")
    recycling = Places.of(snapshot({(State.WAITING, State.CREATING): 5}))
    assert "queues" not in [room.name for room in recycling.way]
    assert [room.name for room in recycling.beside] == ["queues", "creating"]


def test_each_connection_waits_in_one_place() -> None:
    states = dict.fromkeys(STATES, 0) | {State.READING: 2, State.HANDLING: 3, State.IDLE: 4, State.ACCEPTING: 9}
    found = waiting(snapshot({}, states=states, queues={"connections": QueueView(6, 99, 0, 6)}), 7)
    assert {one.name: one.count for one in found if one.count} == {
        "accept queue": 7, "connections": 6, "reading": 2, "handling": 3, "idle": 4,
    }  # fmt: skip
    assert "accept queue" not in {one.name for one in waiting(snapshot({}, states=states), None)}


def test_what_a_loop_watches_is_counted_once() -> None:
    states = dict.fromkeys(STATES, 0) | {State.HANDLING: 1}
    counters = dict.fromkeys(COUNTERS, 0) | {"watched": 100, "watched_in_progress": 30}
    found = {one.name: one.count for one in waiting(snapshot({}, states=states, counters=counters), 0)}
    assert found["handling"] == 1
    assert (found["loop: begun"], found["loop: unread"]) == (29, 70)
    assert sum(found.values()) == 100


def test_what_is_accepted_is_the_flow_out_of_the_kernels_queue() -> None:
    counters = dict.fromkeys(COUNTERS, 0) | {"connections": 77}
    found = Places.of(snapshot({}, counters=counters, connections_per_s=7.5))
    assert found.flows[places.ACCEPT_QUEUE.name, places.ACCEPTING.name] == (77, 7.5)
