"""Thread-seconds are what the tables say: each is a sample, the window is two seconds."""

from hypothesis import given
from hypothesis import strategies as st

from teachserve.events import STATES, State
from teachserve.observe.stays import WINDOW_US, Stay, Stays

from .world import header, table

S = State
PLACES = st.tuples(st.integers(0, 1), st.sampled_from(STATES), st.sampled_from((-1, 0)))


def told(at: int, *places: tuple[int, State, int]) -> dict:
    """A table in which a thread each is there."""
    rows = [[n, role, 0, state.code, 0, 0, 0, 0, 0, 0, queue] for n, (role, state, queue) in enumerate(places, 1)]
    return table(at, rows)


@given(st.lists(st.lists(PLACES, max_size=6), min_size=1, max_size=40), st.integers(50_000, 900_000))
def test_each_figure_is_the_mean_over_the_tables_of_the_window(tables: list, step: int) -> None:
    stays = Stays()
    stays.apply(header())
    for number, places in enumerate(tables):
        stays.apply(told(number * step, *places))
    inside = [places for number, places in enumerate(tables) if (len(tables) - 1 - number) * step < WINDOW_US]
    seen = [Stay(("acceptor", "worker")[role], state, "wanted" if queue >= 0 else "")
            for places in inside for role, state, queue in places]  # fmt: skip
    assert stays.per_second() == {one: seen.count(one) / len(inside) for one in seen}


def test_another_server_begins_anew_and_a_role_that_comes_later_has_its_name() -> None:
    stays = Stays()
    assert stays.per_second() == {}
    stays.apply(header())
    stays.apply(told(0, (0, S.ACCEPTING, -1), (2, S.WAITING, -1)))
    assert stays.per_second() == {Stay("acceptor", S.ACCEPTING, ""): 1.0}
    stays.apply({"frame": "roles", "roles": ["acceptor", "worker", "closer"]})
    assert stays.per_second()[Stay("closer", S.WAITING, "")] == 1.0
    stays.apply(header(roles=["loop"], queues=[]))
    assert stays.per_second() == {}
    stays.apply(told(0, (0, S.SELECTING, -1)))
    assert stays.per_second() == {Stay("loop", S.SELECTING, ""): 1.0}
