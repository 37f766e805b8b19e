#![allow(clippy::unwrap_used, reason = "tests")]
//! What two documents come to, field by field.
use super::*;
use crate::domain::amount::{Amount, Ratio};
use crate::domain::decision::Dimension;
use crate::domain::time::SECOND;
use crate::risk::modes::Mode;

fn amount<U>(text: &str) -> Amount<U> {
    text.parse().unwrap()
}

fn none() -> Limits {
    Limits::unlimited("USD".parse().unwrap())
}

fn names(list: &[&str]) -> BTreeSet<InstrumentId> {
    list.iter().map(|name| name.parse().unwrap()).collect()
}

/// Both ways round they come to the same.
fn joined(one: &Limits, other: &Limits) -> Limits {
    let joined = one.tighter(other).unwrap();
    let turned = other.tighter(one).unwrap();
    assert_eq!(joined.gross_notional_max, turned.gross_notional_max);
    assert_eq!(joined.modes, turned.modes);
    assert_eq!(joined.instruments, turned.instruments);
    joined
}

#[test]
fn what_only_one_owner_says_holds_and_of_two_bounds_the_lower() {
    let desk = Limits {
        gross_notional_max: Some(amount("1000")),
        long_max: Some(amount("5")),
        unsent_ttl: 60 * SECOND,
        market_slippage: amount("0.01"),
        ..none()
    };
    let risk = Limits {
        gross_notional_max: Some(amount("800")),
        net_notional_max: Some(amount("500")),
        position_rule: PositionRule::NoPositionCredit,
        ..none()
    };
    let both = joined(&desk, &risk);
    assert_eq!(both.gross_notional_max, Some(amount("800")));
    assert_eq!(both.net_notional_max, Some(amount("500")));
    assert_eq!(both.long_max, Some(amount("5")));
    assert_eq!(both.position_rule, PositionRule::NoPositionCredit);
    assert_eq!(both.unsent_ttl, 30 * SECOND);
    assert_eq!(both.market_slippage, amount("0.05"));
    assert_eq!(desk.tighter(&desk).unwrap(), desk);
}

#[test]
fn an_enforced_limit_stands_against_one_in_shadow_and_that_against_none() {
    let desk = Limits {
        gross_notional_max: Some(amount("1000")),
        net_notional_max: Some(amount("700")),
        traded_notional_max: Some(amount("300")),
        modes: Modes::all(Mode::Shadow).with(Reason::TradedNotional, Mode::Off),
        ..none()
    };
    let risk = Limits {
        gross_notional_max: Some(amount("2000")),
        traded_notional_max: Some(amount("900")),
        modes: Modes::ENFORCED.with(Reason::TradedNotional, Mode::Shadow),
        ..none()
    };
    let both = joined(&desk, &risk);
    assert_eq!(both.gross_notional_max, Some(amount("2000")));
    assert_eq!(both.modes.of(Reason::GrossNotional), Mode::Enforce);
    assert_eq!(both.net_notional_max, Some(amount("700")));
    assert_eq!(both.modes.of(Reason::NetNotional), Mode::Shadow);
    assert_eq!(both.traded_notional_max, Some(amount("900")));
    assert_eq!(both.modes.of(Reason::TradedNotional), Mode::Shadow);
}

#[test]
fn limits_of_an_instrument_are_the_lower_of_what_each_owner_holds_there() {
    let own = |long: &str| InstrumentLimits {
        long_max: Some(amount(long)),
        ..InstrumentLimits::default()
    };
    let desk = Limits {
        long_max: Some(amount("10")),
        per_instrument: [("A".parse().unwrap(), own("20"))].into(),
        ..none()
    };
    let risk = Limits {
        long_max: Some(amount("15")),
        per_instrument: [("B".parse().unwrap(), own("3"))].into(),
        ..none()
    };
    let both = joined(&desk, &risk);
    let long = |name: &str| {
        let own = both.per_instrument.get(name);
        own.and_then(|own| own.long_max).or(both.long_max).unwrap()
    };
    assert_eq!(long("A"), amount("15"));
    assert_eq!(long("B"), amount("3"));
    assert_eq!(long("C"), amount("10"));
}

#[test]
fn lists_are_cut_and_joined_and_rules_are_the_stricter() {
    let desk = Limits {
        instruments: InstrumentLists {
            allow: Some(names(&["A", "B"])),
            deny: names(&["C"]),
            restricted: BTreeSet::new(),
        },
        self_match: SelfMatchRule::AskCancelResting,
        short_sale: ShortSaleRule::RequireLocate,
        ..none()
    };
    let risk = Limits {
        instruments: InstrumentLists {
            allow: Some(names(&["B", "D"])),
            deny: names(&["A"]),
            restricted: names(&["R"]),
        },
        self_match: SelfMatchRule::RejectNew,
        short_sale: ShortSaleRule::Forbid,
        post_only: PostOnlyRule::Require,
        ..none()
    };
    let both = joined(&desk, &risk);
    assert_eq!(both.instruments.allow, Some(names(&["B"])));
    assert_eq!(both.instruments.deny, names(&["A", "C"]));
    assert_eq!(both.instruments.restricted, names(&["R"]));
    assert_eq!(both.self_match, SelfMatchRule::RejectNew);
    assert_eq!(both.short_sale, ShortSaleRule::Forbid);
    assert_eq!(both.post_only, PostOnlyRule::Require);
    // A ban in shadow does not take the place of a rule that is enforced.
    let mild = Limits {
        modes: Modes::ENFORCED.with(Reason::ShortSaleForbidden, Mode::Shadow),
        ..risk
    };
    assert_eq!(
        joined(&desk, &mild).short_sale,
        ShortSaleRule::RequireLocate
    );
}

#[test]
fn a_share_is_of_the_capital_of_the_document_that_says_it() {
    let set = |bound| ConcentrationLimit {
        dimension: Dimension::Underlying,
        value: None,
        bound,
    };
    let share = |capital: &str, share: &str| Limits {
        capital: Some(amount(capital)),
        concentration: vec![set(ConcentrationBound::CapitalShare(amount(share)))],
        ..none()
    };
    let same = joined(&share("1000", "0.5"), &share("1000", "0.25"));
    let quarter = ConcentrationBound::CapitalShare(amount::<_>("0.25"));
    assert_eq!(same.concentration, [set(quarter)]);
    let apart = joined(&share("1000", "0.5"), &share("4000", "0.25"));
    let money = ConcentrationBound::Money(amount("500"));
    assert_eq!(apart.concentration, [set(money)]);
    assert_eq!(apart.capital, Some(amount("1000")));
}

#[test]
fn two_collars_that_are_not_one_hold_both() {
    let collar = |aggressive: Option<&str>, absolute: Option<&str>| Limits {
        collar: Some(Collar {
            aggressive: aggressive.map(amount::<_>),
            absolute: absolute.map(amount),
            ..Collar::default()
        }),
        ..none()
    };
    let shares = joined(&collar(Some("0.05"), None), &collar(Some("0.02"), None));
    assert_eq!(shares.collar.unwrap().aggressive, Some(amount::<_>("0.02")));
    assert_eq!(shares.also, None);
    let mixed = joined(&collar(Some("0.05"), None), &collar(None, Some("3")));
    assert_eq!(mixed.collar.unwrap().absolute, None);
    assert_eq!(
        mixed.also.unwrap().collar.unwrap().absolute,
        Some(amount("3"))
    );
}

#[test]
fn rates_keep_the_lower_of_both_shares_and_windows_must_be_equal() {
    let rate = |max, exit_reserve, window| Limits {
        order_rate: Some(RateLimit {
            max,
            window,
            exit_reserve,
        }),
        ..none()
    };
    let both = joined(&rate(10, 2, SECOND), &rate(9, 0, SECOND));
    let limit = both.order_rate.unwrap();
    assert_eq!((limit.max, limit.exit_reserve), (9, 1));
    let clash = rate(10, 2, SECOND).tighter(&rate(9, 0, 2 * SECOND));
    assert_eq!(clash.unwrap_err().field, "order_rate.window");
    let require = Limits {
        post_only: PostOnlyRule::Require,
        ..none()
    };
    let forbid = Limits {
        post_only: PostOnlyRule::Forbid,
        ..none()
    };
    assert_eq!(require.tighter(&forbid).unwrap_err().field, "post_only");
    let euro = Limits::unlimited("EUR".parse().unwrap());
    assert_eq!(require.tighter(&euro).unwrap_err().field, "currency");
    assert!(Ratio::ZERO < both.market_slippage);
}

#[test]
fn a_group_offsets_its_net_only_where_all_who_limit_it_do() {
    let net = |net: Option<&str>, net_offsets| GroupLimits {
        net_notional_max: net.map(amount),
        net_offsets,
        disclose: true,
        ..GroupLimits::unlimited("USD".parse().unwrap())
    };
    let both = net(Some("5"), true)
        .tighter(&net(Some("4"), false))
        .unwrap();
    assert_eq!(both.net_notional_max, Some(amount("4")));
    assert!(!both.net_offsets && both.disclose);
    let one = net(Some("5"), true).tighter(&net(None, false)).unwrap();
    assert!(one.net_offsets);
}
