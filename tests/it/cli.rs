//! The command line from outside: the real binary, as a person or a script uses it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::binary::{BINARY, Gateway, Said};

const BUY: [&str; 7] = ["order", "spot", "buy", "0.1", "BTC-USD", "@", "65000"];

#[test]
fn a_person_marks_orders_halts_and_rearms() {
    let gateway = Gateway::start();

    gateway
        .run(&BUY)
        .says(2, &["REJECTED  spot", "PRICE_UNAVAILABLE"]);
    gateway
        .run(&["mark", "BTC-USD", "65000"])
        .says(0, &["ACCEPTED  BTC-USD 65000"]);
    gateway
        .run(&BUY)
        .says(0, &["APPROVED  spot via ALPHA/spot-a  (decision "]);
    let large = ["order", "spot", "buy", "11", "BTC-USD", "@65000"];
    gateway.run(&large).says(
        2,
        &[
            "REJECTED  spot",
            "ORDER_QUANTITY  limit 10 contracts  before 0  after 11",
        ],
    );

    gateway.run(&["buckets"]).says(
        0,
        &[
            "spot",
            "perp",
            "options",
            "ACTIVE",
            "5,000,000",
            "░",
            "6,500 USD",
        ],
    );
    gateway
        .run(&["usage", "spot"])
        .says(0, &["gross_notional_max", "open_orders", "4,993,500"]);
    gateway
        .run(&["orders", "spot"])
        .says(0, &["RESERVED", "BUY", "BTC-USD", "command-line"]);

    gateway
        .run(&["halt", "bucket:spot", "--reason", "drill"])
        .says(0, &["HALTED  bucket:spot  (1 bucket, 0", "live orders 1"]);
    gateway
        .run(&BUY)
        .says(2, &["REJECTED  spot", "STATE_HALTED"]);
    gateway.run(&["buckets"]).says(0, &["HALTED", "QUARANTINE"]);
    gateway
        .run(&["rearm", "bucket:spot", "--reason", "drill over"])
        .says(0, &["ACTIVE  bucket:spot"]);
    gateway.run(&BUY).says(0, &["APPROVED"]);
}

#[test]
fn a_person_accepts_a_route_and_sees_what_a_halt_left() {
    let gateway = Gateway::start();
    gateway.run(&["mark", "BTC-USD", "100000"]).says(0, &[]);
    let buy = |id: &'static str, more: &[&'static str]| {
        let order = [
            "order", "spot", "buy", "9", "BTC-USD", "@", "100000", "--id", id,
        ];
        [&order[..], more].concat()
    };
    gateway.run(&buy("a-1", &[])).says(0, &["APPROVED"]);
    gateway.run(&buy("a-2", &[])).says(0, &["APPROVED"]);
    let asked = gateway.run(&buy("a-3", &["--ask-route"]));
    asked.says(0, &["REROUTED", "BETA/spot-b", "bulkhead accept"]);
    let decision = asked.out.split("decision ").nth(1).unwrap();
    let decision = decision.split(',').next().unwrap().to_owned();
    let accept = ["accept", decision.as_str()];
    let sent_to = "send 9 to spot via BETA/spot-b";
    gateway.run(&accept).says(0, &["RESERVED  a-3", sent_to]);
    gateway.run(&accept).says(0, &["RESERVED  a-3", "(before)"]);
    gateway
        .run(&["accept", "1-1"])
        .says(1, &["no decision of this id"]);
    gateway
        .run(&["halt", "bucket:spot", "--reason", "drill"])
        .says(0, &["live orders 3", "bulkhead kills"]);
    let kills = gateway.run(&["kills", "--json"]);
    kills.says(0, &[]);
    let kills: Value = serde_json::from_str(&kills.out).unwrap();
    assert_eq!(
        (&kills[0]["orders"], &kills[0]["live"]),
        (&3.into(), &3.into())
    );
    let id = kills[0]["kill"].as_str().unwrap();
    gateway
        .run(&["kills"])
        .says(0, &[id, "OPEN", "bucket:spot", "drill"]);
    gateway
        .run(&["kills", id])
        .says(0, &["a-1", "a-2", "a-3", "RESERVED"]);
}

#[test]
fn a_person_who_has_asked_the_venue_resolves_an_order() {
    let gateway = Gateway::start();
    gateway.run(&["mark", "BTC-USD", "65000"]).says(0, &[]);
    let order = [&BUY[..], &["--id", "a-1"]].concat();
    gateway.run(&order).says(0, &["APPROVED"]);
    let resolve = ["resolve", "a-1", "--filled", "0", "--reason", "not there"];
    gateway.run(&resolve).says(
        0,
        &[
            "CANCELED  a-1 of client command-line\n",
            "BUY 0.1 BTC-USD  filled 0  owed 0  reserved 0 USD",
        ],
    );
    gateway.run(&["orders"]).says(0, &["no live orders"]);
    gateway.run(&resolve).says(0, &["(before)"]);

    let (code, resolved) = gateway.json(&resolve);
    assert_eq!(code, 0);
    assert_eq!(
        (&resolved["change"]["version"], &resolved["order"]["state"]),
        (&0.into(), &"CANCELED".into())
    );
    let unknown = ["resolve", "a-2", "--filled", "0", "--reason", "not there"];
    gateway.run(&unknown).says(1, &["a-2"]);
    let (code, error) =
        gateway.json(&["resolve", "a-1", "--filled", "-1", "--reason", "not there"]);
    assert_eq!(
        (code, &error["error"]["code"]),
        (1, &"INVALID_ARGUMENT".into())
    );
}

#[test]
fn a_person_asks_how_large_an_order_may_be() {
    let gateway = Gateway::start();
    let ask = ["max-quantity", "spot", "BTC-USD", "@", "65000"];
    gateway
        .run(&ask)
        .says(2, &["BUY up to 0 BTC-USD", "PRICE_UNAVAILABLE"]);
    gateway.run(&["mark", "BTC-USD", "65000"]).says(0, &[]);
    gateway
        .run(&ask)
        .says(0, &["BUY up to", "SELL up to", "  binds: "]);
    let (code, answer) = gateway.json(&[&ask[..], &["--side", "buy"]].concat());
    assert_eq!(code, 0);
    let side = &answer["sides"][0];
    assert_eq!(side["side"], "BUY");
    let largest = side["quantity"].as_str().unwrap();
    let buy = ["order", "spot", "buy", largest, "BTC-USD", "@", "65000"];
    let (code, decision) = gateway.json(&[&buy[..], &["--what-if"]].concat());
    assert_eq!((code, &decision["outcome"]), (0, &"APPROVED".into()));
    assert!(!side["binding"][0]["reason"].as_str().unwrap().is_empty());
    gateway.run(&["orders"]).says(0, &["no live orders"]);
}

#[test]
fn a_person_moves_a_bucket_to_another_desk() {
    let gateway = Gateway::start();
    gateway.run(&["mark", "BTC-USD", "65000"]).says(0, &[]);
    gateway.run(&BUY).says(0, &["APPROVED"]);
    let to = |group| ["move-bucket", "spot", group, "--reason", "reorganised"];
    gateway
        .run(&to("volatility"))
        .says(0, &["spot is under volatility"]);
    gateway
        .run(&["usage", "volatility", "--group"])
        .says(0, &["gross_notional_max", "6,500", "9,993,500"]);
    gateway
        .run(&["usage", "delta-one", "--group"])
        .says(0, &["gross_notional_max", "12,000,000"]);
    let (code, moved) = gateway.json(&to("delta-one"));
    assert_eq!((code, &moved["change"]["version"]), (0, &3.into()));
    assert_eq!(moved["breaches"], Value::Array(Vec::new()));
    gateway
        .run(&to("nowhere"))
        .says(1, &["no such group: nowhere"]);
    gateway
        .run(&["usage", "ALPHA", "--venue"])
        .says(1, &["no venue of this name has limits: ALPHA"]);
}

#[test]
fn a_basket_comes_from_a_file_and_is_approved_all_or_none() {
    let gateway = Gateway::start();
    gateway.run(&["mark", "BTC-USD", "65000"]).says(0, &[]);
    let file = std::env::temp_dir().join(format!("basket-{}.toml", std::process::id()));
    let leg = |id: &str, quantity: &str| {
        format!(
            "{{ id = \"{id}\", side = \"buy\", quantity = \"{quantity}\", instrument = \"BTC-USD\", venue = \"ALPHA\", limit = \"65000\" }}"
        )
    };
    let write = |name: &str, legs: &[String]| {
        let legs = legs.join(", ");
        let text = format!("basket = \"{name}\"\nbucket = \"spot\"\nlegs = [{legs}]\n");
        std::fs::write(&file, text).unwrap();
    };
    let basket = ["basket", file.to_str().unwrap()];
    write("one", &[leg("1", "0.1"), leg("2", "11"), leg("3", "0.1")]);
    gateway.run(&basket).says(
        2,
        &[
            "REJECTED  (basket one)",
            "1  REJECTED",
            "BASKET_REJECTED",
            "ORDER_QUANTITY  limit 10 contracts",
            "3  not evaluated",
        ],
    );
    gateway.run(&["orders"]).says(0, &["no live orders"]);
    write("two", &[leg("1", "0.1"), leg("2", "0.2")]);
    let ask = [&basket[..], &["--what-if"]].concat();
    gateway.run(&ask).says(
        0,
        &["APPROVED  (basket two, what if: nothing was reserved)"],
    );
    gateway.run(&["orders"]).says(0, &["no live orders"]);
    let (code, decision) = gateway.json(&basket);
    assert_eq!((code, &decision["outcome"]), (0, &"APPROVED".into()));
    assert_eq!(decision["legs"][1]["route"]["account"], "spot-a");
    gateway.run(&basket).says(0, &["decided before"]);
    std::fs::write(&file, "basket = 1").unwrap();
    gateway.run(&basket).says(1, &[]);
    std::fs::remove_file(&file).unwrap();
}

#[test]
fn every_command_speaks_json() {
    let gateway = Gateway::start();
    let (code, mark) = gateway.json(&["mark", "BTC-USD", "65000"]);
    assert_eq!((code, &mark["status"]), (0, &"ACCEPTED".into()));

    let what_if = [&BUY[..], &["--what-if", "--figures"]].concat();
    let (code, decision) = gateway.json(&what_if);
    assert_eq!((code, &decision["outcome"]), (0, &"APPROVED".into()));
    assert_eq!(decision["what_if"], true);
    let figures = decision["figures"].as_array().unwrap();
    assert!(
        figures
            .iter()
            .any(|it| it["limit_id"] == "gross_notional_max")
    );
    let (_, orders) = gateway.json(&["orders"]);
    assert_eq!(orders, Value::Array(Vec::new()));

    let named = [&BUY[..], &["--id", "a-1", "--client", "desk"]].concat();
    let (code, decision) = gateway.json(&named);
    assert_eq!((code, &decision["outcome"]), (0, &"APPROVED".into()));
    assert_eq!(decision["route"]["account"], "spot-a");
    let (_, again) = gateway.json(&named);
    assert_eq!(again["decision_id"], decision["decision_id"]);
    assert_eq!(again["replayed"], true);

    let (code, decision) = gateway.json(&["order", "spot", "buy", "11", "BTC-USD", "@", "65000"]);
    assert_eq!((code, &decision["outcome"]), (2, &"REJECTED".into()));
    let breach = &decision["breaches"][0];
    assert_eq!(breach["reason"], "ORDER_QUANTITY");
    assert_eq!(
        (&breach["limit"], &breach["after"]),
        (&"10".into(), &"11".into())
    );

    let (_, orders) = gateway.json(&["orders", "--client", "desk"]);
    assert_eq!(orders[0]["cl_ord_id"], "a-1");
    let (_, buckets) = gateway.json(&["buckets"]);
    let names: Vec<_> = buckets
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["bucket"])
        .collect();
    for name in ["options", "perp", "spot"] {
        assert!(names.iter().any(|it| **it == name), "{name} in {names:?}");
    }
    let spot = buckets
        .as_array()
        .unwrap()
        .iter()
        .find(|it| it["bucket"] == "spot");
    assert_eq!(spot.unwrap()["gross_notional"]["amount"], "6500");
    let (_, usage) = gateway.json(&["usage", "harbor", "--group"]);
    assert!(
        usage["usages"]
            .as_array()
            .is_some_and(|all| !all.is_empty())
    );

    let (code, halt) = gateway.json(&["halt", "all"]);
    assert_eq!((code, &halt["state"]["state"]), (0, &"HALTED".into()));
    assert!(halt["buckets"].as_u64() >= Some(3));
    let (code, rearm) = gateway.json(&["rearm", "all", "--reason", "over"]);
    assert_eq!((code, &rearm["state"]["state"]), (0, &"ACTIVE".into()));

    let (code, error) = gateway.json(&["usage", "nowhere"]);
    assert_eq!((code, &error["error"]["code"]), (1, &"NOT_FOUND".into()));
    assert_eq!(error["error"]["message"], "no such bucket: nowhere");
    let (code, error) = gateway.json(&["order", "spot", "buy", "1e3", "BTC-USD"]);
    assert_eq!(
        (code, &error["error"]["code"]),
        (1, &"INVALID_ARGUMENT".into())
    );
    assert_eq!(error["error"]["fields"][0]["field"], "order.quantity.value");
}

#[test]
fn an_order_that_may_goes_elsewhere_when_its_bucket_is_full() {
    let gateway = Gateway::start();
    gateway.run(&["mark", "BTC-USD-PERP", "65000"]).says(0, &[]);
    for quantity in ["15001", "15002", "15003", "15004"] {
        gateway
            .run(&[
                "order",
                "perp",
                "buy",
                quantity,
                "BTC-USD-PERP",
                "@",
                "65000",
            ])
            .says(0, &["APPROVED"]);
    }
    let more = ["order", "perp", "buy", "5000", "BTC-USD-PERP", "@", "65000"];
    gateway.run(&more).says(2, &["NET_NOTIONAL"]);
    gateway.run(&[&more[..], &["--reroute"]].concat()).says(
        0,
        &[
            "REROUTED  perp → options via ALPHA/options-a",
            "NET_NOTIONAL  limit 4,000,000 USD  before 3,900,650",
        ],
    );
}

#[test]
fn a_watcher_sees_decisions_and_states() {
    let gateway = Gateway::start();
    let mut watch = gateway
        .command(&["watch", "--bucket", "spot", "--count", "2"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut err = BufReader::new(watch.stderr.take().unwrap());
    let mut line = String::new();
    err.read_line(&mut line).unwrap();
    assert!(line.starts_with("watching http://127.0.0.1:"), "{line}");
    gateway.run(&BUY).says(2, &["PRICE_UNAVAILABLE"]);
    gateway
        .run(&["halt", "bucket:spot", "--actor", "ann"])
        .says(0, &[]);
    let mut out = String::new();
    watch
        .stdout
        .take()
        .unwrap()
        .read_to_string(&mut out)
        .unwrap();
    assert!(watch.wait().unwrap().success());
    let lines: Vec<_> = out.lines().collect();
    assert_eq!(lines.len(), 2, "{out}");
    for part in [
        "spot",
        "REJECTED",
        "BUY 0.1 BTC-USD @ 65,000",
        "PRICE_UNAVAILABLE",
    ] {
        assert!(lines[0].contains(part), "{part:?} in {out}");
    }
    for part in ["STATE", "bucket:spot  ACTIVE → HALTED  by ann"] {
        assert!(lines[1].contains(part), "{part:?} in {out}");
    }
}

#[test]
fn what_goes_wrong_is_told_with_what_to_do() {
    let nobody = ["buckets", "--address", "http://127.0.0.1:1"];
    Said::of(Command::new(BINARY).args(nobody)).says(
        1,
        &[
            "no gateway answers at http://127.0.0.1:1",
            "bulkhead serve",
            "--address",
        ],
    );
    let said = Said::of(Command::new(BINARY).args(nobody).arg("--json"));
    let error: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(
        (said.code, &error["error"]["code"]),
        (1, &"UNREACHABLE".into())
    );
    // A code of 2 is kept for orders that are rejected.
    Said::of(Command::new(BINARY).args(["halt", "desk"])).says(1, &["bucket:NAME"]);
    Said::of(Command::new(BINARY).args(["replay", "/nowhere"])).says(1, &["cannot open /nowhere"]);
}

#[test]
fn the_sample_is_replayed_in_recorded_time_and_the_recount_agrees() {
    let run = || Said::of(Command::new(BINARY).args(["replay", "--json"]));
    let said = run();
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    let report: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(report["recount_agrees"], true);
    assert_eq!(report["recount"]["not_reported"], Value::Array(Vec::new()));
    assert_eq!(report["source"], "the built-in sample");
    let buckets = report["buckets"].as_array().unwrap();
    let mut reasons = std::collections::BTreeSet::new();
    let mut rerouted = 0;
    for bucket in buckets {
        reasons.extend(bucket["orders"]["reasons"].as_object().unwrap().keys());
        rerouted += bucket["orders"]["rerouted"].as_u64().unwrap();
    }
    assert!(reasons.len() >= 4, "{reasons:?}");
    assert!(rerouted > 0);

    // Nothing but the speed differs between two runs.
    let again: Value = serde_json::from_str(&run().out).unwrap();
    for (one, other) in buckets.iter().zip(again["buckets"].as_array().unwrap()) {
        for part in ["orders", "replaces", "received", "peaks"] {
            assert_eq!(one[part], other[part], "{part} of {}", one["name"]);
        }
    }
}

#[test]
fn a_running_gateway_of_the_replay_firm_can_be_replayed_against_twice() {
    let config = Said::of(Command::new(BINARY).args(["replay", "--print-config"])).out;
    let path = std::env::temp_dir().join(format!("bulkhead-replay-{}.toml", std::process::id()));
    std::fs::write(&path, config).unwrap();
    let gateway = Gateway::serving(&["--config", path.to_str().unwrap()]);
    for _ in 0..2 {
        let said = gateway.run(&["replay", "--against", &gateway.address]);
        said.says(0, &["by its own clock", "all agree"]);
    }
    std::fs::remove_file(path).unwrap();
}
