import socket

from libs.common.database.connection_limits import KEEP_ALIVE, DatabaseLimits, keep_alive


def test_the_server_gives_a_statement_up_before_its_client_does():
    limits = DatabaseLimits()
    assert limits.lock_s < limits.statement_s < limits.answer_s


def test_parameters_are_in_milliseconds():
    assert DatabaseLimits(lock_s=1.5, statement_s=2, idle_s=0).server_settings == {
        "lock_timeout": "1500",
        "statement_timeout": "2000",
        "idle_in_transaction_session_timeout": "0",
    }


def test_unhurried_work_ends_only_when_its_process_freezes():
    unhurried = DatabaseLimits(idle_s=7).unhurried
    assert unhurried == DatabaseLimits(lock_s=0, statement_s=0, answer_s=0, idle_s=7)


def test_a_connection_whose_peer_is_gone_is_given_up():
    with socket.socket() as connected:
        keep_alive(connected)
        assert connected.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        known = [name for name in KEEP_ALIVE if hasattr(socket, name)]
        assert len(known) >= 3
        for name in known:
            option = getattr(socket, name)
            assert connected.getsockopt(socket.IPPROTO_TCP, option) == KEEP_ALIVE[name]


def test_a_socket_without_tcp_is_left_as_it_is():
    with socket.socket(socket.AF_UNIX) as connected:
        keep_alive(connected)
        assert not connected.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
