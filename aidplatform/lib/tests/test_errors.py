"""From a refusal of the database to one that a person can read."""

import pytest
from django.db import IntegrityError, connection, transaction

from aidplatform.lib.errors import (
    GUARANTEES,
    ConflictError,
    DomainError,
    ForbiddenError,
    GuaranteeError,
    NotFoundError,
    UnavailableError,
    as_domain_error,
    guarantee_name,
)


def _refusal(sql: str) -> IntegrityError:
    with pytest.raises(IntegrityError) as caught, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)
    return caught.value


def _raise(name: str, message: str = "5 is not 6") -> str:
    return (
        f"DO $$ BEGIN RAISE EXCEPTION USING ERRCODE='23514', CONSTRAINT='{name}', MESSAGE='{message}'; END $$"
    )


@pytest.mark.parametrize("name", GUARANTEES)
def test_guarantee_becomes_a_conflict_of_the_same_name(db: None, name: str) -> None:
    error = as_domain_error(_refusal(_raise(name)))
    assert isinstance(error, GuaranteeError)
    assert (error.code, error.status) == (name, 409)
    assert str(error) == str(GUARANTEES[name])
    assert error.extra == {"detail": "5 is not 6"}


def test_refusal_by_an_unlisted_constraint_stays_a_fault(db: None) -> None:
    error = _refusal(_raise("something_else"))
    assert guarantee_name(error) == "something_else"
    assert as_domain_error(error) is None


def test_refusal_that_came_from_no_database_has_no_name() -> None:
    assert guarantee_name(IntegrityError("made up")) == ""
    assert as_domain_error(IntegrityError("made up")) is None


def test_guarantees_speak_in_whole_sentences() -> None:
    for sentence in GUARANTEES.values():
        assert str(sentence).endswith(".")
        assert str(sentence)[0].isupper()


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (DomainError("x"), 422, "refused"),
        (NotFoundError("x"), 404, "not_found"),
        (ForbiddenError("x"), 403, "forbidden"),
        (ConflictError("x"), 409, "conflict"),
        (UnavailableError("x"), 503, "unavailable"),
        (GuaranteeError("demo_stays_demo", "x"), 409, "demo_stays_demo"),
        (DomainError("x", code="special"), 422, "special"),
    ],
)
def test_domain_error_has_a_status_and_a_word(error: DomainError, status: int, code: str) -> None:
    assert (error.status, error.code, str(error)) == (status, code, "x")


def test_domain_error_carries_the_figures_that_broke_the_rule() -> None:
    assert DomainError("x", need_fen=5).extra == {"need_fen": 5}
    assert str(DomainError(code="bare")) == "bare"
