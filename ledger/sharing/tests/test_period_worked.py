"""Worked examples from opening to posted charges; each ends with its trial balance."""

import pytest

from ledger.sharing.tests.worked import parse, play

EXAMPLES = {
    "V02: seven members, one case, the surplus carried": """
        members 0:7
        fee 8/100
        period
        case 100,000.00
        = fee 8,000.00
        = need 108,000.00
        = share 0 15,428.58
        = assessed 108,000.06
        = carry_out 0.06
        trial
        110 Shares receivable  108,000.06           -
        201 Aid payable                 -  100,000.00
        230 Fee payable                 -    8,000.00
        240 Carried surplus             -        0.06
        401 Contributions               -  108,000.00
        501 Aid granted        100,000.00           -
        510 Management fee       8,000.00           -
    """,
    "two periods, the carry lowers the second need": """
        members 0:7
        period
        case 100,000.00
        = carry_out 0.06
        period
        case 30,000.00
        case 500.00
        = cases 2
        = aid 30,500.00
        = carry_in 0.06
        = need 32,939.94
        = share 0 4,705.71
        = assessed 32,939.97
        = carry_out 0.03
        trial
        110 Shares receivable  140,940.03           -
        201 Aid payable                 -  130,500.00
        230 Fee payable                 -   10,440.00
        240 Carried surplus             -        0.03
        401 Contributions               -  140,940.00
        501 Aid granted        130,500.00           -
        510 Management fee      10,440.00           -
    """,
    "no case and nothing carried: posted, and nothing to book": """
        members 0:7
        period
        = cases 0
        = need 0.00
        = share 0 0.00
        = carry_out 0.00
        = headcount 7
        trial
    """,
    "no case: the carry stays, all shares are 0, posted all the same": """
        members 0:7
        period
        case 100,000.00
        period
        = cases 0
        = carry_in 0.06
        = need -0.06
        = share 0 0.00
        = carry_out 0.06
        period
        case 0.05
        = fee 0.01
        = need 0.00
        = share 0 0.00
        = carry_out 0.00
        trial
        110 Shares receivable  108,000.06           -
        201 Aid payable                 -  100,000.05
        230 Fee payable                 -    8,000.01
        401 Contributions               -  108,000.06
        501 Aid granted        100,000.05           -
        510 Management fee       8,000.01           -
    """,
    "income above the need: it is named, the rest is carried": """
        members 0:7
        period
        interest 500.00
        case 100.00
        = other_income 500.00
        = carry_in 500.00
        = need -392.00
        = share 0 0.00
        = assessed 0.00
        = carry_out 392.00
        trial
        101 Custody bank      500.00       -
        201 Aid payable            -  100.00
        230 Fee payable            -    8.00
        240 Carried surplus        -  392.00
        401 Contributions     392.00       -
        410 Other income           -  500.00
        501 Aid granted       100.00       -
        510 Management fee      8.00       -
    """,
    "classes weigh 1 and 3": """
        members 0:4 1:3
        weights 0:1 1:3
        period
        case 100.00
        = need 108.00
        = share 0 8.31
        = share 1 24.93
        = assessed 108.03
        = carry_out 0.03
        trial
        110 Shares receivable  108.03       -
        201 Aid payable             -  100.00
        230 Fee payable             -    8.00
        240 Carried surplus         -    0.03
        401 Contributions           -  108.00
        501 Aid granted        100.00       -
        510 Management fee       8.00       -
    """,
    "a cap per case: five pay 2.00 at most for each, a sponsor the rest": """
        members 0:5
        cap 2.00
        period
        case 10.00
        case 5.00
        = fee 1.20
        = sponsor 0.80
        = need 15.40
        = share 0 3.08
        = assessed 15.40
        = carry_out 0.00
        trial
        110 Shares receivable    15.40      -
        130 Sponsor receivable    0.80      -
        201 Aid payable              -  15.00
        230 Fee payable              -   1.20
        401 Contributions            -  15.40
        410 Sponsor income           -   0.80
        501 Aid granted          15.00      -
        510 Management fee        1.20      -
    """,
    "a cap per case follows the weights": """
        members 0:2 1:1
        weights 0:2 1:4
        cap 1.00
        period
        case 10.00
        = fee 0.80
        = sponsor 6.80
        = need 4.00
        = share 0 1.00
        = share 1 2.00
        trial
        110 Shares receivable     4.00      -
        130 Sponsor receivable    6.80      -
        201 Aid payable              -  10.00
        230 Fee payable              -   0.80
        401 Contributions            -   4.00
        410 Sponsor income           -   6.80
        501 Aid granted          10.00      -
        510 Management fee        0.80      -
    """,
    "a write-off and a bank charge are shared by cause, without a fee": """
        members 0:7
        period
        case 100,000.00
        period
        write_off 15,428.58
        bank_charge 1.50
        = other_costs 15,430.08
        = fee 0.00
        = need 15,430.02
        = share 0 2,204.29
        = carry_out 0.01
        trial
        101 Custody bank                -   15,430.08
        110 Shares receivable  123,430.09           -
        201 Aid payable                 -  100,000.00
        230 Fee payable                 -    8,000.00
        240 Carried surplus             -        0.01
        401 Contributions               -  123,430.08
        501 Aid granted        100,000.00           -
        510 Management fee       8,000.00           -
        520 Write-offs          15,428.58           -
        530 Bank charges             1.50           -
    """,
    "a write-off booked after computing waits for the next period": """
        members 0:7
        period
        case 100,000.00
        period
        case 70.00
        write_off 0.07
        late_write_off 700.00
        = other_costs 0.07
        = need 75.61
        = share 0 10.81
        = carry_out 0.06
        period
        = other_costs 700.00
        = need 699.94
        = share 0 100.00
        = carry_out 0.06
        trial
        101 Custody bank                -      700.07
        110 Shares receivable  108,775.73           -
        201 Aid payable                 -  100,070.00
        230 Fee payable                 -    8,005.60
        240 Carried surplus             -        0.06
        401 Contributions               -  108,775.67
        501 Aid granted        100,070.00           -
        510 Management fee       8,005.60           -
        520 Write-offs             700.07           -
    """,
    "a bank charge that is reversed in time is not shared": """
        members 0:7
        period
        case 100,000.00
        period
        bank_charge 15,428.58
        bank_charge_reversed 15,428.58
        = other_costs 0.00
        = share 0 0.00
        = carry_out 0.06
        trial
        110 Shares receivable  108,000.06           -
        201 Aid payable                 -  100,000.00
        230 Fee payable                 -    8,000.00
        240 Carried surplus             -        0.06
        401 Contributions               -  108,000.00
        501 Aid granted        100,000.00           -
        510 Management fee       8,000.00           -
    """,
    "one member bears it all": """
        members 0:1
        fee 0/1
        period
        case 0.01
        = share 0 0.01
        = carry_out 0.00
        trial
        110 Shares receivable  0.01     -
        201 Aid payable           -  0.01
        401 Contributions         -  0.01
        501 Aid granted        0.01     -
    """,
}


@pytest.mark.parametrize("large", [False, True], ids=["one table", "a table per period"])
@pytest.mark.parametrize("example", EXAMPLES.values(), ids=EXAMPLES)
def test_worked_example(db: None, example: str, large: bool) -> None:
    play(example, large=large)


def test_worked_example_of_a_published_share(db: None) -> None:
    """The proportions of Xianghubao's second period of October 2020, share 4.86; a thousandth of its members."""
    play(
        """
        members 0:100123
        fee 8/100
        period
        case 300,000.00
        case 100,000.00
        case 50,000.00
        = need 486,000.00
        = share 0 4.86
        = assessed 486,597.78
        = carry_out 597.78
        trial
        110 Shares receivable  486,597.78           -
        201 Aid payable                 -  450,000.00
        230 Fee payable                 -   36,000.00
        240 Carried surplus             -      597.78
        401 Contributions               -  486,000.00
        501 Aid granted        450,000.00           -
        510 Management fee      36,000.00           -
        """,
        large=True,
    )


@pytest.mark.parametrize("example", EXAMPLES.values(), ids=EXAMPLES)
def test_worked_example_states_a_balanced_trial(example: str) -> None:
    assert sum(parse(example).trial.values()) == 0
