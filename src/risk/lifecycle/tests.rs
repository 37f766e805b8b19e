//! Races between orders and reports, and what each leaves held.
#![allow(clippy::unwrap_used, clippy::type_complexity, reason = "tests")]
use super::*;

fn q(number: i64) -> Quantity {
    Quantity::whole(number)
}

fn version(id: &str, quantity: i64, unit: i64) -> Version {
    Version {
        cl_ord_id: id.parse().unwrap(),
        quantity: q(quantity),
        terms: Terms::Limit {
            price: Price::whole(unit),
        },
        unit: Money::whole(unit),
    }
}

/// Order X: 100 at 10, sent and working.
fn order() -> Life {
    let mut life = Life::new(version("X", 100, 10), TimeInForce::Day, None, false, false);
    life.acknowledged();
    life
}

enum Step {
    Fill(i64),
    Bust(i64),
    CancelAsked,
    CancelRejected,
    Canceled(Option<i64>),
    Expired(Option<i64>),
    Rejected,
    Replace(&'static str, i64, i64),
    Replaced(&'static str),
    ReplaceRejected(&'static str),
    Restated(i64),
    DoneForDay,
}
use Step::*;

fn run(steps: &[Step]) -> Life {
    let mut life = order();
    for step in steps {
        match *step {
            Fill(quantity) => drop(life.fill(q(quantity)).unwrap()),
            Bust(quantity) => life.unfill(q(quantity)).unwrap(),
            CancelAsked => drop(life.cancel_requested()),
            CancelRejected => life.cancel_rejected(CancelRejectOf::Cancel, &"C".parse().unwrap()),
            Canceled(cum) => drop(life.ended(OrderState::Canceled, cum.map(q))),
            Expired(cum) => drop(life.ended(OrderState::Expired, cum.map(q))),
            Rejected => drop(life.venue_rejected(None)),
            Replace(id, quantity, unit) => life.replacing(version(id, quantity, unit), false),
            Replaced(id) => drop(life.replaced(&id.parse().unwrap())),
            ReplaceRejected(id) => {
                life.cancel_rejected(CancelRejectOf::Replace, &id.parse().unwrap())
            }
            Restated(quantity) => life.restated(Some(q(quantity)), None),
            DoneForDay => drop(life.ended(OrderState::DoneForDay, Some(Quantity::ZERO))),
        }
    }
    life
}

#[test]
fn races_end_where_the_table_says() {
    use OrderState as S;
    type Row<'a> = (&'a str, &'a [Step], i64, i64, i64, OrderState);
    let cases: &[Row<'_>] = &[
        // name, steps, filled, leaves, held value, state
        (
            "RACE1 fill, cancel",
            &[Fill(60), Canceled(Some(60))],
            60,
            0,
            0,
            S::Canceled,
        ),
        (
            "RACE2 cancel before its fill",
            &[Canceled(Some(60))],
            0,
            60,
            600,
            S::Uncertain,
        ),
        (
            "RACE2 and then the fill",
            &[Canceled(Some(60)), Fill(60)],
            60,
            0,
            0,
            S::Canceled,
        ),
        (
            "RACE3 cancel without cum",
            &[Canceled(None)],
            0,
            100,
            1000,
            S::Uncertain,
        ),
        (
            "RACE3 and then told",
            &[Canceled(None), Canceled(Some(0))],
            0,
            0,
            0,
            S::Canceled,
        ),
        (
            "RACE4 fill beats cancel",
            &[CancelAsked, Fill(100), CancelRejected],
            100,
            0,
            0,
            S::Filled,
        ),
        (
            "RACE6 fill then late cancel",
            &[Fill(100), Canceled(Some(100))],
            100,
            0,
            0,
            S::Filled,
        ),
        (
            "RACE7 cancel then late fill",
            &[Canceled(Some(0)), Fill(40)],
            40,
            0,
            0,
            S::Canceled,
        ),
        (
            "RACE8 fill passes the amend down",
            &[Replace("Y", 70, 10), Fill(80), Replaced("Y")],
            80,
            0,
            0,
            S::Filled,
        ),
        (
            "RACE9 amend down",
            &[Fill(30), Replace("Y", 70, 10), Replaced("Y")],
            30,
            40,
            400,
            S::PartiallyFilled,
        ),
        (
            "RACE10 amend up pending",
            &[Replace("Y", 150, 10)],
            0,
            150,
            1500,
            S::PendingReplace,
        ),
        (
            "RACE10 amend up refused",
            &[Replace("Y", 150, 10), ReplaceRejected("Y")],
            0,
            100,
            1000,
            S::Working,
        ),
        (
            "RACE11 two amends",
            &[Replace("Y", 150, 10), Replace("Z", 200, 10)],
            0,
            200,
            2000,
            S::PendingReplace,
        ),
        (
            "RACE12 old price fill",
            &[Replace("Y", 100, 12), Fill(100)],
            100,
            0,
            0,
            S::PendingReplace,
        ),
        (
            "RACE13 price down pending",
            &[Replace("Y", 100, 8)],
            0,
            100,
            1000,
            S::PendingReplace,
        ),
        (
            "RACE13 price down done",
            &[Replace("Y", 100, 8), Replaced("Y")],
            0,
            100,
            800,
            S::Working,
        ),
        (
            "RACE14 second refused",
            &[
                Replace("Y", 90, 10),
                Replace("Z", 80, 10),
                ReplaceRejected("Z"),
                Replaced("Y"),
            ],
            0,
            90,
            900,
            S::Working,
        ),
        (
            "RACE15 chain skips a report",
            &[Replace("Y", 90, 10), Replace("Z", 80, 10), Replaced("Z")],
            0,
            80,
            800,
            S::Working,
        ),
        (
            "RACE18 reject after part fill",
            &[Fill(30), Rejected],
            30,
            0,
            0,
            S::Canceled,
        ),
        (
            "RACE19 reject twice",
            &[Rejected, Rejected],
            0,
            0,
            0,
            S::VenueRejected,
        ),
        (
            "RACE19 reject after fill",
            &[Fill(100), Rejected],
            100,
            0,
            0,
            S::Filled,
        ),
        (
            "RACE21 expired, cum unknown",
            &[Expired(None)],
            0,
            100,
            1000,
            S::Uncertain,
        ),
        (
            "RACE27 bust while live",
            &[Fill(60), Bust(60)],
            0,
            100,
            1000,
            S::Working,
        ),
        (
            "RACE28 bust after the end",
            &[Fill(60), Canceled(Some(60)), Bust(60)],
            0,
            0,
            0,
            S::Canceled,
        ),
        (
            "H15 bust of a filled order",
            &[Fill(100), Bust(40)],
            60,
            40,
            400,
            S::PartiallyFilled,
        ),
        ("RACE31 overfill", &[Fill(120)], 120, 0, 0, S::Filled),
        ("H17 restated down", &[Restated(50)], 0, 50, 500, S::Working),
        (
            "done for day ends a day order",
            &[DoneForDay],
            0,
            0,
            0,
            S::DoneForDay,
        ),
        (
            "FIX D10",
            &[Fill(15), Replace("Y", 80, 10), Fill(1), Replaced("Y")],
            16,
            64,
            640,
            S::PartiallyFilled,
        ),
        (
            "FIX D11",
            &[Replace("Y", 70, 10), Fill(70), Replaced("Y")],
            70,
            0,
            0,
            S::Filled,
        ),
    ];
    for (name, steps, filled, leaves, value, state) in cases {
        let life = run(steps);
        let hold = life.hold().unwrap();
        assert_eq!(
            (life.filled(), life.leaves(), hold.value, life.state(false)),
            (q(*filled), q(*leaves), Money::whole(*value), *state),
            "{name}"
        );
    }
}

#[test]
fn reports_say_what_is_odd_about_them() {
    let mut life = order();
    assert!(life.ended(OrderState::Canceled, Some(q(60))).owed);
    assert!(
        !life.fill(q(60)).unwrap().late_fill,
        "an owed fill is not late"
    );
    assert!(life.fill(q(1)).unwrap().late_fill);
    let mut life = order();
    assert!(life.ended(OrderState::Expired, None).unresolved);
    let mut life = order();
    assert!(life.fill(q(101)).unwrap().overfill);
}

#[test]
fn a_good_till_cancel_order_outlives_the_day() {
    let mut life = Life::new(
        version("X", 100, 10),
        TimeInForce::GoodTillCancel,
        None,
        false,
        false,
    );
    life.acknowledged();
    let _ = life.ended(OrderState::DoneForDay, Some(Quantity::ZERO));
    assert_eq!(
        (life.leaves(), life.state(false)),
        (q(100), OrderState::Working)
    );
}

#[test]
fn only_an_order_that_was_never_sent_is_released() {
    let mut unsent = Life::new(version("X", 100, 10), TimeInForce::Day, None, false, false);
    assert_eq!(
        [unsent.release(), unsent.release()],
        [Release::Done, Release::Again]
    );
    assert_eq!(
        (unsent.leaves(), unsent.state(false)),
        (Quantity::ZERO, OrderState::Released)
    );
    let mut sent = Life::new(version("X", 100, 10), TimeInForce::Day, None, false, false);
    assert!(sent.sent(&"X".parse().unwrap()));
    assert_eq!(sent.release(), Release::Sent);
    assert_eq!(sent.leaves(), q(100));
}

#[test]
fn silence_makes_an_unsent_or_immediate_order_uncertain_and_frees_nothing() {
    let unsent = Life::new(version("X", 100, 10), TimeInForce::Day, None, false, false);
    assert_eq!(
        (unsent.state(true), unsent.leaves()),
        (OrderState::Uncertain, q(100))
    );
    let mut immediate = Life::new(
        version("X", 100, 10),
        TimeInForce::ImmediateOrCancel,
        None,
        false,
        false,
    );
    immediate.acknowledged();
    assert_eq!(
        (immediate.state(true), immediate.leaves()),
        (OrderState::Uncertain, q(100))
    );
    assert_eq!(order().state(true), OrderState::Working);
}

#[test]
fn an_order_in_cash_holds_its_cash_until_it_is_spent_or_over() {
    let mut life = Life::new(
        version("X", 11, 100),
        TimeInForce::Day,
        Some(Money::whole(1000)),
        false,
        false,
    );
    life.acknowledged();
    let _ = life.fill(q(4));
    life.spend(Money::whole(400));
    assert_eq!(life.hold().unwrap().value, Money::whole(600));
    life.cash_filled();
    assert_eq!(
        (life.hold().unwrap(), life.state(false)),
        (Hold::default(), OrderState::Filled)
    );
}

#[test]
fn a_release_answers_what_became_of_the_replace() {
    let id = |text: &str| text.parse::<ClOrdId>().unwrap();
    let mut life = order();
    life.replacing(version("Y", 150, 10), false);
    life.replacing(version("Z", 200, 10), false);
    life.replacing(version("W", 120, 10), false);
    assert!(life.sent(&id("Y")) && !life.sent(&id("Y")));
    assert_eq!(life.release_replace(&id("Y")), Release::Sent);
    assert_eq!(life.release_replace(&id("Z")), Release::Done);
    assert_eq!(life.release_replace(&id("Z")), Release::Again);
    assert_eq!(life.leaves(), q(150));
    life.cancel_rejected(CancelRejectOf::Replace, &id("W"));
    assert_eq!(life.release_replace(&id("W")), Release::Ended);
    assert_eq!(life.replaced(&id("Y")), Confirmed::Expected);
    assert_eq!(life.release_replace(&id("Y")), Release::Sent);
    assert_eq!(life.release_replace(&id("X")), Release::Ended);
}

#[test]
fn what_the_venue_says_took_effect_did_unless_a_later_one_has() {
    let id = |text: &str| text.parse::<ClOrdId>().unwrap();
    let mut life = order();
    life.replacing(version("Y", 150, 10), false);
    life.replacing(version("Z", 120, 10), false);
    life.cancel_rejected(CancelRejectOf::Replace, &id("Y"));
    life.cancel_rejected(CancelRejectOf::Replace, &id("Z"));
    assert_eq!(life.leaves(), q(100));
    assert_eq!(life.replaced(&id("Y")), Confirmed::Contradicted);
    assert_eq!(
        (life.leaves(), life.replaced(&id("Y"))),
        (q(150), Confirmed::Expected)
    );
    assert_eq!(life.replaced(&id("Z")), Confirmed::Contradicted);
    assert_eq!(
        (life.leaves(), life.replaced(&id("Y"))),
        (q(120), Confirmed::Unknown)
    );
}

#[test]
fn an_order_remembers_only_its_last_refused_replaces() {
    let mut life = order();
    for number in 0..20 {
        let name = format!("r{number}");
        life.replacing(version(&name, 100, 10), false);
        life.cancel_rejected(CancelRejectOf::Replace, &name.parse().unwrap());
    }
    assert_eq!(life.requests.len(), REMEMBERED);
    assert_eq!(life.replaced(&"r11".parse().unwrap()), Confirmed::Unknown);
    assert_eq!(
        life.replaced(&"r12".parse().unwrap()),
        Confirmed::Contradicted
    );
}
