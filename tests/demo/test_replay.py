"""A trace played again: the player's clock, and the pictures that come of it."""

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from teachserve.demo.picture import Picture
from teachserve.demo.replay import NOT_LIVE, Player, Replay

from .test_playback import play, watched

PATIENCE_S = 10.0


@pytest.fixture
def clock() -> SimpleNamespace:
    return SimpleNamespace(now=100.0)


@pytest.fixture
def player(clock) -> Player:
    return Player(60.0, clock=lambda: clock.now)


def test_it_moves_with_its_clock_times_its_speed_and_stops_at_the_end(player: Player, clock) -> None:
    clock.now += 2
    assert (player.at_s, player.playing) == (2.0, True)
    player.speed = 0.1
    clock.now += 10
    assert player.at_s == pytest.approx(3.0)
    player.speed = 10
    clock.now += 100
    assert (player.at_s, player.playing) == (60.0, False)


def test_it_can_be_stopped_and_moved_both_ways_and_keeps_within_the_trace(player: Player, clock) -> None:
    clock.now += 5
    player.toggle()
    clock.now += 5
    assert (player.at_s, player.playing) == (5.0, False)
    player.seek(12.4)
    assert (player.at_s, player.playing) == (12.4, False)
    player.toggle()
    clock.now += 1
    player.seek(player.at_s - 3)
    assert (player.at_s, player.playing) == (pytest.approx(10.4), True)
    for asked, found in ((-5.0, 0.0), (1000.0, 60.0)):
        player.seek(asked)
        assert player.at_s == found


def test_at_the_end_it_begins_anew(player: Player, clock) -> None:
    player.seek(60)
    player.toggle()
    clock.now += 1
    assert (player.at_s, player.playing) == (1.0, True)


class Viewer(threading.Thread):
    """Takes the pictures as a dashboard does."""

    def __init__(self, replay: Replay) -> None:
        super().__init__(daemon=True)
        self._replay = replay
        self._came = threading.Condition()
        self.pictures: list[Picture] = []
        self.start()

    def run(self) -> None:
        for picture in self._replay.pictures():
            with self._came:
                self.pictures.append(picture)
                self._came.notify()

    def until(self, wanted) -> Picture:
        """Wait for such a picture."""
        with self._came:
            assert self._came.wait_for(lambda: self.pictures and wanted(self.pictures[-1]), PATIENCE_S)
            return self.pictures[-1]


@pytest.fixture
def replay(tmp_path: Path, clock) -> Iterator[Replay]:
    playback = play(tmp_path / "t", watched([[(6, 0)], [(0, 0)] * 4, [(0, 1)] * 4], ended=True))
    with contextlib.closing(playback):
        yield Replay(playback, clock=lambda: clock.now)


def test_it_plays_to_the_end_and_waits_there_until_it_is_closed(replay: Replay, clock) -> None:
    viewer = Viewer(replay)
    viewer.until(lambda picture: picture.snapshot.phase == "serving")
    clock.now += 1000
    viewer.until(lambda picture: picture.snapshot.phase == "stopped")
    replay.player.seek(0)
    viewer.until(lambda picture: picture.snapshot.phase == "serving")
    replay.close()
    viewer.join(PATIENCE_S)
    assert not viewer.is_alive()


def test_steps_show_one_event_after_the_other_and_stand_still(replay: Replay, clock) -> None:
    replay.player.toggle()
    viewer = Viewer(replay)
    first = viewer.until(lambda picture: True)
    replay.player.step(1)
    second = viewer.until(lambda picture: picture is not first)
    assert second.snapshot.threads[0].moves == first.snapshot.threads[0].moves + 1
    assert not replay.player.playing
    moment = replay.player.at_s
    replay.player.step(3)
    viewer.until(lambda picture: picture.snapshot.threads[0].moves == first.snapshot.threads[0].moves + 4)
    replay.player.step(-3)
    viewer.until(lambda picture: picture == second)
    assert replay.player.at_s == moment
    replay.close()
    viewer.join(PATIENCE_S)


def test_a_moment_far_on_is_read_in_pieces_and_given_up_for_another(tmp_path, clock, monkeypatch) -> None:
    monkeypatch.setattr("teachserve.demo.replay.READ_S", 0.0)  # nothing at a time: it never arrives
    playback = play(tmp_path / "t", watched([[(0, 1)]] * 20))
    replay = Replay(playback, clock=lambda: clock.now)
    replay.player.toggle()
    viewer = Viewer(replay)
    first = viewer.until(lambda picture: True)
    replay.player.seek(replay.player.length_s)
    reading = threading.Event()
    approach = playback.approach

    def told(at_us: int, seconds: float) -> int | None:
        reading.set()
        return approach(at_us, seconds)

    monkeypatch.setattr(playback, "approach", told)
    assert reading.wait(PATIENCE_S)
    assert viewer.pictures == [first]
    replay.player.seek(0.0)
    replay.close()
    viewer.join(PATIENCE_S)
    assert not viewer.is_alive()


def test_a_file_that_changes_while_it_is_shown_ends_the_pictures_and_is_said(replay: Replay, tmp_path: Path) -> None:
    replay._playback.close()  # so that it is opened again
    (tmp_path / "t").write_bytes(b"something else")
    replay.player.seek(1000)
    viewer = Viewer(replay)
    viewer.join(PATIENCE_S)
    assert not viewer.is_alive()
    assert "has changed while it was shown" in replay.damage


def test_nobody_can_be_asked_for_anything(replay: Replay) -> None:
    assert replay.send("stop") == NOT_LIVE
    replay.stop()
    replay.abandon()
    assert replay.damage == ""
