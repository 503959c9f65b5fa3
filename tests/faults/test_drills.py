"""Drills in a short form; `make drills` runs them long."""

import pytest

from tests.drills import (
    buyers,
    commits,
    cuts,
    database_restarted,
    edges,
    fleet,
    flood,
    imports,
    mailing,
    migrators,
    refreshes,
    revocation,
    shown_out,
    writers,
)
from tests.drills.processes import Outcome
from tests.drills.servers import TWO_SERVERS_AND_REDIS, TWO_SERVERS_ON_A_FILE, TWO_WORKERS
from tests.stores import POSTGRESQL, SQLITE

SEED = 20261121
on_both = pytest.mark.parametrize("store", [SQLITE, POSTGRESQL])


def _holds(outcome: Outcome) -> None:
    assert outcome.tried > 0
    assert outcome.broken == []


@on_both
def test_killed_at_any_edge_the_rows_are_those_of_a_clean_run(store: str) -> None:
    """S29."""
    _holds(edges.drill(store, 12, SEED))


def test_two_workers_do_each_job_once_whatever_befalls_them() -> None:
    """S29."""
    _holds(fleet.drill(1_500, SEED))


@on_both
def test_no_mail_is_lost_when_workers_are_killed(store: str) -> None:
    """S30."""
    _holds(mailing.drill(store, 4, SEED))


@on_both
def test_an_import_whose_worker_is_killed_leaves_what_a_clean_one_leaves(store: str) -> None:
    """S29."""
    _holds(imports.drill(store, 2, SEED, rows=4_000))


def test_nothing_that_is_minted_while_a_session_ends_survives_and_a_lost_answer_harms_nobody() -> None:
    """S13."""
    for outcome in refreshes.drill(TWO_SERVERS_ON_A_FILE, 16, SEED):
        _holds(outcome)


def test_orders_outlive_a_restart_of_the_database() -> None:
    """S32."""
    for outcome in database_restarted.drill(1, SEED, between=2.0):
        _holds(outcome)


def test_a_connection_that_is_cut_around_a_commit_is_told_and_a_repeated_request_has_one_effect() -> None:
    """S33."""
    _holds(commits.drill(24, SEED))


@on_both
def test_three_migrators_at_once_migrate_once_even_if_one_is_killed(store: str) -> None:
    """S35."""
    _holds(migrators.drill(store, 2, SEED))


def test_a_file_with_many_writers_stays_sound_when_they_are_killed() -> None:
    """S35."""
    _holds(writers.drill(8, SEED))


@pytest.mark.parametrize("arrangement", [TWO_SERVERS_AND_REDIS, TWO_SERVERS_ON_A_FILE, TWO_WORKERS])
def test_what_is_ended_through_one_server_is_refused_by_the_other_at_once(arrangement: str) -> None:
    """S16."""
    for outcome in revocation.drill(arrangement, 24, SEED):
        _holds(outcome)


def test_a_flood_of_sign_ins_is_refused_in_part_and_the_server_is_well_afterwards() -> None:
    """S10; how late the event loop may be is asked by `make drills` alone."""
    _holds(flood.drill(40, 2.0, SEED, lag_allowed=None, most=10))


@on_both
def test_what_there_are_ten_of_is_sold_ten_times_and_given_back_once_whoever_is_killed(store: str) -> None:
    """S20."""
    _holds(buyers.drill(store, 2, SEED))


def test_who_comes_back_to_the_live_channel_misses_nothing_and_gets_nothing_twice() -> None:
    """S36 and what the live channel promises to who resumes."""
    _holds(cuts.drill(60, SEED))


@pytest.mark.parametrize("arrangement", [TWO_SERVERS_AND_REDIS, TWO_SERVERS_ON_A_FILE, TWO_WORKERS])
def test_whoever_may_not_stay_is_shown_out_everywhere(arrangement: str) -> None:
    """S36; how soon is asked by `make drills` alone."""
    _holds(shown_out.drill(arrangement, 12, SEED, within=shown_out.PATIENCE))
