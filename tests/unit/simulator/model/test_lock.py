import threading

from cse_testing.waiting import LIMIT_S
from vcd_simulator.model.lock import StateLock


def counted(made: list[int]) -> int:
    made.append(len(made))
    return made[-1]


def test_readers_share_what_was_derived() -> None:
    lock, made = StateLock(), list[int]()
    for _ in range(2):
        with lock.reading():
            assert lock.derived("key", lambda: counted(made)) == 0
    assert made == [0]


def test_nothing_derived_outlives_a_holder_who_may_change_things() -> None:
    lock, made = StateLock(), list[int]()
    with lock.reading():
        lock.derived("key", lambda: counted(made))
    with lock:
        pass
    with lock.reading():
        assert lock.derived("key", lambda: counted(made)) == 1


def test_who_may_change_things_derives_anew_each_time() -> None:
    lock, made = StateLock(), list[int]()
    with lock:
        assert [lock.derived("key", lambda: counted(made)) for _ in range(2)] == [0, 1]


def test_a_reader_inside_of_a_writer_keeps_nothing() -> None:
    lock, made = StateLock(), list[int]()
    with lock, lock.reading():
        assert [lock.derived("key", lambda: counted(made)) for _ in range(2)] == [0, 1]


def test_a_reader_who_turns_to_writing_keeps_nothing_from_then_on() -> None:
    lock, made = StateLock(), list[int]()
    with lock.reading():
        lock.derived("key", lambda: counted(made))
        with lock:
            assert lock.derived("key", lambda: counted(made)) == 1
        assert lock.derived("key", lambda: counted(made)) == 2


def test_waiting_for_a_condition_lets_others_in_and_comes_back_with_the_lock() -> None:
    lock = StateLock()
    condition = lock.condition()
    came = threading.Event()

    def come() -> None:
        with condition:
            came.set()
            condition.notify_all()

    with condition:
        other = threading.Thread(target=come)
        other.start()
        assert condition.wait_for(came.is_set, timeout=LIMIT_S)
    other.join()
