//! What ties the legs of baskets and the sides of quotes to each other.

use super::super::basket;
use super::super::field::Path;
use super::samples::{limit_order, one_leg};
use super::{dec, paths, s};
use crate::pb;

const ROOT: Path<'static> = Path::ROOT;

/// Paths that a basket of so many legs is refused by, once it is changed.
fn basket_refused(legs: usize, change: impl FnOnce(&mut pb::Basket)) -> Vec<String> {
    let leg = |number: usize| pb::Order {
        cl_ord_id: format!("l{number}"),
        ..one_leg(limit_order()).legs.swap_remove(0)
    };
    let mut basket = pb::Basket {
        legs: (0..legs).map(leg).collect(),
        ..one_leg(limit_order())
    };
    change(&mut basket);
    let request = pb::DecideBasketRequest {
        basket: Some(basket),
        want_figures: false,
    };
    paths(basket::basket(request, ROOT, None).map(|_| ()))
}

fn oco(first_leg: u32, second_leg: u32) -> pb::OrderLink {
    pb::OrderLink {
        kind: pb::LinkKind::OneCancelsOther.into(),
        first_leg,
        second_leg,
        venue_enforced: true,
    }
}

fn package(ratios: &[&str]) -> Option<pb::Package> {
    Some(pb::Package {
        ratios: ratios.iter().map(|it| dec(it).unwrap()).collect(),
        venue_atomic: true,
    })
}

#[test]
fn a_basket_that_makes_no_sense_is_refused_by_its_leg() {
    let none: [&str; 0] = [];
    assert_eq!(basket_refused(3, |_| {}), none);
    assert_eq!(basket_refused(0, |_| {}), ["basket.legs"]);
    assert_eq!(basket_refused(10_000, |_| {}), none);
    assert_eq!(basket_refused(10_001, |_| {}), ["basket.legs"]);
    let same = basket_refused(3, |it| it.legs[2].cl_ord_id = it.legs[0].cl_ord_id.clone());
    assert_eq!(same, ["basket.legs[2].cl_ord_id"]);
    let own = basket_refused(3, |it| it.legs[1].cl_ord_id = it.basket_id.clone());
    assert_eq!(own, ["basket.legs[1].cl_ord_id"]);
    let bucket = basket_refused(3, |it| it.legs[1].bucket_id = s("other"));
    assert_eq!(bucket, ["basket.legs[1].bucket_id"]);
    let client = basket_refused(3, |it| it.legs[1].client_id = s("other"));
    assert_eq!(client, ["basket.legs[1].client_id"]);
    let reroute = basket_refused(3, |it| it.legs[1].allow_reroute = true);
    assert_eq!(reroute, ["basket.legs[1].allow_reroute"]);
    // Everything that is wrong with the legs by themselves is told at once.
    let malformed = basket_refused(4, |it| {
        it.legs[1].price = dec("x");
        it.legs[3].price = None;
    });
    assert_eq!(
        malformed,
        ["basket.legs[1].price.value", "basket.legs[3].price"]
    );
}

#[test]
fn links_that_make_no_sense_are_refused_by_their_path() {
    let none: [&str; 0] = [];
    assert_eq!(
        basket_refused(4, |it| it.links = vec![oco(0, 1), oco(3, 2)]),
        none
    );
    for wrong in [oco(0, 0), oco(0, 4), oco(u32::MAX, 0), oco(2, 1)] {
        let refused = basket_refused(4, |it| it.links = vec![oco(0, 1), wrong]);
        assert_eq!(refused, ["basket.links[1]"]);
    }
    let kind = basket_refused(2, |it| {
        it.links = vec![pb::OrderLink {
            kind: 0,
            ..oco(0, 1)
        }];
    });
    assert_eq!(kind, ["basket.links[0].kind"]);
    for number in 0..3 {
        let refused = basket_refused(2, |it| {
            it.links = vec![oco(0, 1)];
            let leg = &mut it.legs[1];
            let fields = [
                &mut leg.instrument_id,
                &mut leg.venue_id,
                &mut leg.account_id,
            ];
            *fields.into_iter().nth(number).unwrap() = s("other");
        });
        assert_eq!(refused, ["basket.links[0]"]);
    }
}

#[test]
fn a_package_that_makes_no_sense_is_refused_by_its_path() {
    let none: [&str; 0] = [];
    assert_eq!(
        basket_refused(2, |it| it.package = package(&["1", "2.5"])),
        none
    );
    assert_eq!(
        basket_refused(64, |it| it.package = package(&["1"; 64])),
        none
    );
    for (legs, ratios) in [(1, 1), (2, 1), (2, 3), (65, 65), (2, 0)] {
        let refused = basket_refused(legs, |it| it.package = package(&vec!["1"; ratios]));
        assert_eq!(refused, ["basket.package.ratios"], "{legs} {ratios}");
    }
    for ratio in ["0", "-1", "x"] {
        let refused = basket_refused(2, |it| it.package = package(&["1", ratio]));
        assert_eq!(refused, ["basket.package.ratios[1].value"]);
    }
    let cash = basket_refused(2, |it| {
        it.package = package(&["1", "1"]);
        it.legs[1].display_quantity = None;
        it.legs[1].quantity_kind = Some(pb::order::QuantityKind::ClosePosition(true));
    });
    assert_eq!(cash, ["basket.legs[1].quantity_kind"]);
    let both = basket_refused(2, |it| {
        it.package = package(&["1", "1"]);
        it.links = vec![oco(0, 1)];
    });
    assert_eq!(both, ["basket.links"]);
}

#[test]
fn figures_are_told_of_as_many_legs_as_fit() {
    let ask = |legs: usize| {
        let mut basket = one_leg(limit_order());
        let leg = basket.legs.swap_remove(0);
        basket.legs = (0..legs)
            .map(|number| pb::Order {
                cl_ord_id: format!("l{number}"),
                ..leg.clone()
            })
            .collect();
        let request = pb::DecideBasketRequest {
            basket: Some(basket),
            want_figures: true,
        };
        paths(basket::basket(request, ROOT, None).map(|_| ()))
    };
    let none: [&str; 0] = [];
    assert_eq!(ask(256), none);
    assert_eq!(ask(257), ["want_figures"]);
}

#[test]
fn a_quote_that_makes_no_sense_is_refused_by_its_path() {
    let side = |id: &str, price: &str| {
        Some(pb::QuoteSide {
            cl_ord_id: s(id),
            price: dec(price),
            quantity: dec("1"),
        })
    };
    let ask = |bid, offer| {
        let request = pb::DecideQuoteRequest {
            quote: Some(pb::Quote {
                client_id: s("oms-1"),
                quote_id: s("q"),
                bucket_id: s("b"),
                instrument_id: s("i"),
                venue_id: s("v"),
                time_in_force: pb::TimeInForce::Day.into(),
                bid,
                offer,
                ..pb::Quote::default()
            }),
            want_figures: false,
        };
        paths(basket::quote(request, ROOT, None).map(|_| ()))
    };
    let none: [&str; 0] = [];
    assert_eq!(ask(side("1", "9"), side("2", "10")), none);
    assert_eq!(
        ask(side("1", "9"), side("1", "10")),
        ["quote.offer.cl_ord_id"]
    );
    assert_eq!(ask(side("1", "10"), side("2", "10")), ["quote.offer.price"]);
    assert_eq!(ask(side("q", "9"), None), ["quote.bid.cl_ord_id"]);
    assert_eq!(ask(None, None), ["quote.bid"]);
}
