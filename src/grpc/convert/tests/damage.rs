//! Every field of every request, damaged in every way that its type allows. The fields come from the contract's descriptor, and what is
//! required from its comments, so that neither a field nor a word of the documentation can be forgotten.

use std::collections::BTreeSet;

use prost::Message as _;
use prost_types::field_descriptor_proto::Type;

use super::super::field::VIOLATIONS_MAX;
use super::paths;
use super::samples::{Kind, Sample, kinds};
use super::wire::{Node, Schema, Site, Tree, time};
use crate::pb;

const MEGABYTES_4: usize = 4 << 20;

/// Texts that are no id.
fn no_ids() -> Vec<String> {
    let mut texts: Vec<String> = [
        "a b",
        " a",
        "a ",
        "a\0",
        "\0",
        "a\nb",
        "a\r",
        "a\t",
        "a\u{7f}",
        "a\u{1b}[31m",
        "\u{202e}a",
        "Ａ",
        "é",
        "а",
        "a/b",
        "a,b",
        "a*",
        "a;b",
        "😀",
    ]
    .map(str::to_owned)
    .into();
    texts.extend([65, 66, 1_000, MEGABYTES_4].map(|length| "x".repeat(length)));
    texts
}

/// Texts that are no decimal.
fn no_decimals() -> Vec<String> {
    let mut texts: Vec<String> = [
        "",
        "-",
        "NaN",
        "nan",
        "-NaN",
        "inf",
        "-inf",
        "Infinity",
        "null",
        "1e400",
        "1E5",
        "1e-5",
        "1e3",
        "+1",
        " 1",
        "1 ",
        "1\n",
        "\t1",
        "1\0",
        "1_000",
        "1,000",
        "1,5",
        "1 000",
        ".5",
        "5.",
        "-.5",
        "1.2.3",
        "--1",
        "1-",
        "0x10",
        "1f",
        "١",
        "１",
        "1\u{202e}",
        "½",
        // Digits beyond the range: 17, 28 and 29 before the point, 13 behind it.
        "10000000000000000",
        "1234567890123456789012345678",
        "12345678901234567890123456789",
        "-12345678901234567890123456789",
        "1.1234567890123",
        "0.0000000000001",
        "1.0000000000000",
        "1.12345678901234567890123456789",
    ]
    .map(str::to_owned)
    .into();
    // The reader's work is linear, and 4 MiB are tried in one place below: in all places they take too long without optimization.
    texts.push("9".repeat(10_000));
    texts.push(format!("0.{}", "0".repeat(10_000)));
    texts
}

/// Texts of a field that is not an id: good ones, and ones that it refuses.
fn special_texts(name: &str) -> Option<(Vec<String>, Vec<String>)> {
    let long = |length: usize| "x".repeat(length);
    let owned =
        |texts: &[&str]| -> Vec<String> { texts.iter().map(|it| (*it).to_owned()).collect() };
    let words = |most: usize| {
        let mut bad = owned(&["", "a\nb", "a\0", "\u{1b}[31mred", "a\u{7f}", "a\u{85}"]);
        bad.extend([long(most + 1), "ü".repeat(most / 2 + 1), long(MEGABYTES_4)]);
        (
            vec![long(most), "ü".repeat(most / 2), "why not?".to_owned()],
            bad,
        )
    };
    Some(match name {
        "AcceptRouteRequest.decision_id" => (
            owned(&[
                "0-0",
                "18fd1bd7c6d2a000-2a",
                "ffffffffffffffff-ffffffffffffffff",
            ]),
            owned(&[
                "1",
                "-",
                "1-",
                "-1",
                "1-1-1",
                "x-1",
                "A-1",
                "1-0x1",
                "11111111111111111-1",
                " 1-1",
                "+1-1",
            ]),
        ),
        "GetKillRequest.kill_id" => (
            owned(&["18fd1bd7c6d2a000-000000000000002a"]),
            owned(&[
                "1-1",
                "-",
                "18fd1bd7c6d2a000-000000000000002A",
                "18fd1bd7c6d2a000",
                "18fd1bd7c6d2a000-000000000000002a-",
                "a".repeat(33).as_str(),
            ]),
        ),
        "ChangeContext.reason" => words(1_024),
        "Listing.symbol" => words(64),
        // The venue's alphabet, not ours.
        "ExecutionReport.exec_id" | "ExecutionReport.exec_ref_id" => {
            let mut bad = no_ids();
            let prints = |text: &String| {
                text.len() <= 64 && text.bytes().all(|it| (b' '..=b'~').contains(&it))
            };
            let mut good: Vec<String> = bad.extract_if(.., |text| prints(text)).collect();
            assert!(good.len() > 5, "the samples have none");
            good.extend(["2|7/A+B=#c~".to_owned(), long(64)]);
            (good, bad)
        }
        "ExecutionReport.text" => (
            vec![String::new(), "a\nb\0\u{202e}".to_owned(), long(1_025)],
            vec![],
        ),
        "ExecutionReport.trade_date" => {
            let mut bad = owned(&[
                "2026-01-02",
                "20261301",
                "20260230",
                "20260001",
                "20260100",
                "2026010",
                "202601011",
                "00000000",
                "00000101",
                "NaN",
                "+2026010",
                "2026 101",
                "１２３４",
                "20260101\n",
                "\0\0\0\0\0\0\0\0",
                "-2026010",
            ]);
            bad.push("1".repeat(MEGABYTES_4));
            (owned(&["", "20240229", "99991231", "00010101"]), bad)
        }
        "Calendar.time_zone" => {
            let mut bad = owned(&[
                "Mars/Olympus",
                "Etc/Unknown",
                "UTC\0",
                "UTC ",
                "../../etc/passwd",
                "/etc/localtime",
                "+01:00",
                "EST5EDT4",
            ]);
            bad.extend([long(65), long(MEGABYTES_4)]);
            (owned(&["", "UTC", "Asia/Tokyo"]), bad)
        }
        "Calendar.reset_time" | "TradingWindow.opens" | "TradingWindow.closes" => {
            let mut bad = owned(&[
                "24:00:00",
                "23:60:00",
                "23:59:60",
                "-1:00:00",
                "1:00:00",
                "12:00",
                "120000",
                "12:00:00.5",
                "12:00:00Z",
                "T2:00:00",
                " 2:00:00",
                "12-00-00",
                "12:00:0\0",
                "NaN",
                "１２:00",
                "12:00:00\n",
            ]);
            bad.push("0".repeat(MEGABYTES_4));
            let mut good = owned(&["00:00:00", "23:59:59"]);
            if name == "Calendar.reset_time" {
                good.push(String::new());
            } else {
                bad.push(String::new());
            }
            (good, bad)
        }
        "SessionOpen.resume_token" => {
            let mut bad = owned(&["a b", "a\0", "a\n", "\u{202e}", "é"]);
            bad.extend([long(257), long(MEGABYTES_4)]);
            (vec![String::new(), long(256)], bad)
        }
        name if name.ends_with(".page_token") => {
            let mut bad = owned(&["a b", "a\0", "a\n", "\u{202e}", "é", "a,b"]);
            bad.extend([long(257), long(MEGABYTES_4)]);
            (vec![String::new(), long(256), "a/b".to_owned()], bad)
        }
        "InstrumentLists.allow" => {
            let mut bad = no_ids();
            bad.extend(owned(&["", "**", " *"]));
            (owned(&["*", "BTC-PERP"]), bad)
        }
        _ => return None,
    })
}

/// What a number field refuses. Every number field of the requests must be here.
fn bad_numbers(name: &str) -> Vec<i64> {
    match name {
        "RateLimit.orders_max" => vec![0, 1_000_001, 4_294_967_295],
        // One that is below the reserve is refused there, which `documents` tests.
        "OpenOrdersLimit.orders_max" | "LookAlikeLimit.orders_max" => vec![0],
        "RateLimit.exit_reserve" => vec![101, 4_294_967_295],
        "OpenOrdersLimit.exit_reserve" => vec![51, 4_294_967_295],
        "BucketSpec.route_tries_max" => vec![17, 4_294_967_295],
        "TradingWindow.days" => vec![0, 8, 300, 4_294_967_295],
        "UpdateLimitsRequest.expected_version"
        | "UpdateGroupLimitsRequest.expected_version"
        | "DeleteBucketRequest.expected_version"
        | "MoveBucketRequest.expected_version"
        | "StreamMarksRequest.client_seq" => vec![0],
        name if name.ends_with(".page_size") => vec![1_001, 4_294_967_295],
        // FIX numbers are the venue's, versions of instruments are ignored, and zero asks for no check.
        "ExecutionReport.cxl_rej_reason"
        | "ExecutionReport.ord_rej_reason"
        | "Instrument.version"
        | "UpsertInstrumentsRequest.expected_version"
        | "SessionOpen.last_server_seq" => vec![],
        _ => panic!("{name} is a number that no test knows"),
    }
}

/// Decimals that must be above zero, and those of any sign. All others must not be negative.
const POSITIVE: &[&str] = &[
    "Order.quantity",
    "Order.cash_quantity",
    "Order.display_quantity",
    "QuoteSide.quantity",
    "Package.ratios",
    "ExecutionReport.last_quantity",
    "Limits.capital",
    "Instrument.multiplier",
    "Instrument.tick",
    "Instrument.lot",
    "Instrument.strike_price",
];
const SIGNED: &[&str] = &[
    "Order.price",
    "Order.stop_price",
    "Replace.price",
    "Replace.stop_price",
    "MaxQuantityRequest.price",
    "MaxQuantityRequest.stop_price",
    "QuoteSide.price",
    "ExecutionReport.last_price",
    "ExecutionReport.price",
    "ExecutionReport.fee",
    "OpeningPosition.quantity",
    "OpeningPosition.average_price",
    "Mark.mark",
    "Mark.bid",
    "Mark.ask",
    "Mark.last",
    "Mark.index",
    // What is not above zero has a status of its own, so that it does not take the rest of a feed with it.
    "Rate.bid",
    "Rate.ask",
];

/// Fields that name the same client as another one does, with the field that is blamed where they do not.
fn blamed_for_another(path: &str) -> Option<&str> {
    match path {
        "basket.client_id" | "basket.legs[0].client_id" => Some("basket.legs[0].client_id"),
        _ => None,
    }
}

/// Durations by their bounds in seconds, both inclusive; nothing bounds the others but their type.
fn is_window(name: &str) -> bool {
    name.ends_with(".window")
        || [
            "Limits.reservation_ttl",
            "Instrument.mark_max_age",
            "DeadMan.after",
        ]
        .contains(&name)
}

struct Bench<'a> {
    schema: &'a Schema,
    kind: &'a Kind,
    sample: &'a Sample,
    whole: &'a Tree,
    tried: usize,
}

impl Bench<'_> {
    /// The damaged request is refused for exactly this field, or taken.
    fn expect(&mut self, damaged: &Tree, wrong: Option<&str>, how: &str, site: &Site) {
        self.tried += 1;
        let wrong = wrong.filter(|_| !self.is_ignored(site));
        let got = paths((self.kind.read)(&damaged.encode()));
        let wanted: Vec<String> = wrong.into_iter().map(str::to_owned).collect();
        assert_eq!(got, wanted, "{}: {} {how}", self.kind.type_name, site.path);
    }

    fn put(&mut self, site: &Site, node: Node, wrong: Option<&str>, how: &str) {
        let damaged = self.whole.with(site, node);
        self.expect(&damaged, wrong, how, site);
    }

    fn texts(&mut self, site: &Site, texts: &[String], wrong: Option<&str>) {
        for text in texts {
            let short: String = text.chars().take(40).collect();
            let node = Node::Text(text.clone().into_bytes());
            self.put(site, node, wrong, &format!("= {short:?}"));
        }
    }

    fn decimals(&mut self, site: &Site, texts: &[String], wrong: Option<&str>) {
        for text in texts {
            let short: String = text.chars().take(40).collect();
            let value = text.clone();
            let node = Node::Text(pb::Decimal { value }.encode_to_vec());
            self.put(site, node, wrong, &format!("= decimal {short:?}"));
        }
    }

    /// Whether the contract says that the field must be there, always or in this request.
    fn is_required(&self, site: &Site) -> bool {
        let says_so = self.schema.comment(&site.name).starts_with("Required");
        says_so || self.sample.needs.contains(&site.list.as_str())
    }

    /// Whether the contract says that a report of this type is not looked at there.
    fn is_ignored(&self, site: &Site) -> bool {
        if site.message != ".bulkhead.v1.ExecutionReport" {
            return false;
        }
        let comment = self.schema.comment(&site.name);
        let comment = comment.split_whitespace().collect::<Vec<_>>().join(" ");
        if comment.contains("For the record") {
            return true;
        }
        let Some((_, readers)) = comment.split_once("Read for ") else {
            return false;
        };
        let readers = readers.split('.').next().unwrap_or_default();
        let request = pb::ReportRequest::decode(self.sample.bytes.as_slice()).unwrap();
        let own = request.report.unwrap().exec_type().as_str_name();
        let own = own.trim_start_matches("EXEC_TYPE_");
        let mut words = readers.split(|it: char| !it.is_ascii_uppercase() && it != '_');
        words.any(|word| word == own) == readers.starts_with("all types but ")
    }

    /// The path that is blamed for a missing field, where it is not the field's own.
    fn blamed<'s>(&self, site: &Site, own: Option<&'s str>) -> Option<&'s str> {
        let mut other = self.sample.blames.iter();
        let other = other.find(|(missing, _)| *missing == site.path);
        other.map(|(_, blamed)| *blamed).or(own)
    }

    fn oneof_of(&self, site: &Site) -> Option<String> {
        if site.field.proto3_optional() {
            return None;
        }
        let index = usize::try_from(site.field.oneof_index?).unwrap();
        let oneof = self.schema.messages[&site.message].oneof_decl[index].name();
        Some(if site.parent.is_empty() {
            oneof.to_owned()
        } else {
            format!("{}.{oneof}", site.parent)
        })
    }

    /// Takes the field away, or sends it empty.
    fn missing(&mut self, site: &Site) {
        let oneof = self.oneof_of(site);
        let listed = site.path != site.list;
        let wrong = match &oneof {
            Some(oneof) => Some(oneof.as_str()),
            None if listed && !site.last_of_list => None,
            None => self.blamed(site, self.is_required(site).then_some(site.list.as_str())),
        };
        let damaged = self.whole.without(site);
        self.expect(&damaged, wrong, "is missing", site);
        let empty_is_wrong = oneof.is_some() || listed || self.is_required(site);
        let wrong = self.blamed(site, empty_is_wrong.then_some(site.path.as_str()));
        match site.field.r#type() {
            Type::String if special_texts(&site.name).is_none() => {
                self.texts(site, &[String::new()], wrong);
            }
            Type::Enum => self.put(site, Node::Number(0), wrong, "= 0"),
            _ => {}
        }
    }

    fn damage(&mut self, site: &Site) {
        self.missing(site);
        let path = site.path.as_str();
        match site.field.r#type() {
            Type::String => match special_texts(&site.name) {
                Some((good, bad)) => {
                    self.texts(site, &good, None);
                    self.texts(site, &bad, Some(path));
                }
                None => {
                    let other = ["a.B_c:D-9".repeat(7)];
                    self.texts(site, &other, blamed_for_another(path));
                    self.texts(site, &no_ids(), Some(path));
                }
            },
            Type::Enum => {
                for number in [-1_i64, 99, 1_000, i64::from(i32::MAX), i64::from(i32::MIN)] {
                    let node = Node::Number(number.cast_unsigned());
                    self.put(site, node, Some(path), &format!("= {number}"));
                }
            }
            Type::Bool => {
                let wrong = self.oneof_of(site).map(|_| path);
                self.put(site, Node::Number(0), wrong, "= false");
            }
            Type::Uint32 | Type::Uint64 | Type::Int32 => {
                for number in bad_numbers(&site.name) {
                    let node = Node::Number(number.cast_unsigned());
                    self.put(site, node, Some(path), &format!("= {number}"));
                }
            }
            Type::Message => self.damage_message(site),
            other => panic!("{} has type {other:?}, which no test knows", site.name),
        }
    }

    fn damage_message(&mut self, site: &Site) {
        match site.field.type_name() {
            ".bulkhead.v1.Decimal" => {
                let value = format!("{}.value", site.path);
                self.decimals(site, &no_decimals(), Some(&value));
                let name = site.name.as_str();
                let zeros = ["0", "-0", "-0.000", "0.0"].map(str::to_owned);
                let below = ["-0.000000000001", "-9999999999999999"].map(str::to_owned);
                let refused = Some(value.as_str());
                if POSITIVE.contains(&name) {
                    self.decimals(site, &zeros, refused);
                    self.decimals(site, &below, refused);
                } else {
                    // Only a position that is opened must be something.
                    let something = name == "OpeningPosition.quantity";
                    self.decimals(site, &zeros, something.then_some(value.as_str()));
                    let wrong = (!SIGNED.contains(&name)).then_some(value.as_str());
                    self.decimals(site, &below, wrong);
                }
            }
            ".google.protobuf.Timestamp" => {
                let (seconds, nanos) = (
                    format!("{}.seconds", site.path),
                    format!("{}.nanos", site.path),
                );
                for (of, part, wrong) in [
                    (0, -1, Some(&nanos)),
                    (0, 1_000_000_000, Some(&nanos)),
                    (0, i32::MIN, Some(&nanos)),
                    (i64::MAX, 0, Some(&seconds)),
                    (i64::MIN, 0, Some(&seconds)),
                    (9_223_372_036, 0, Some(&seconds)),
                    (-9_223_372_037, 0, Some(&seconds)),
                    (253_402_300_799, 999_999_999, Some(&seconds)),
                    (-62_135_596_800, 0, Some(&seconds)),
                    (9_223_372_035, 999_999_999, None),
                    (-9_223_372_036, 0, None),
                    (0, 0, None),
                    (-1, 999_999_999, None),
                ] {
                    let how = format!("= {of} s {part} ns");
                    let wrong = wrong.map(String::as_str);
                    self.put(site, Node::Text(time(of, part)), wrong, &how);
                }
            }
            ".google.protobuf.Duration" => {
                let (seconds, nanos) = (
                    format!("{}.seconds", site.path),
                    format!("{}.nanos", site.path),
                );
                let whole = Some(&site.path);
                let if_window = is_window(&site.name).then_some(&site.path);
                for (of, part, wrong) in [
                    (1, -1, Some(&nanos)),
                    (1, 1_000_000_000, Some(&nanos)),
                    (-1, 0, Some(&seconds)),
                    (i64::MIN, 0, Some(&seconds)),
                    (0, 0, whole),
                    (i64::MAX, 0, whole),
                    (9_223_372_037, 0, whole),
                    (0, 999_999, if_window),
                    (86_400, 1, if_window),
                    (0, 1_000_000, None),
                    (86_400, 0, None),
                ] {
                    let how = format!("= {of} s {part} ns");
                    let wrong = wrong.map(String::as_str);
                    self.put(site, Node::Text(time(of, part)), wrong, &how);
                }
            }
            _ => {}
        }
    }
}

#[test]
fn every_damaged_field_of_every_request_is_refused_by_its_path() {
    let schema = Schema::load();
    let mut tried = 0;
    for kind in kinds() {
        let mut seen = BTreeSet::new();
        for sample in &kind.samples {
            let whole = Tree::parse(&schema, kind.type_name, &sample.bytes);
            assert_eq!(
                paths((kind.read)(&sample.bytes)),
                Vec::<String>::new(),
                "{} is a good request",
                kind.type_name
            );
            let (kind, whole) = (&kind, &whole);
            let mut bench = Bench {
                schema: &schema,
                kind,
                sample,
                whole,
                tried: 0,
            };
            let sites = whole.sites();
            for needed in sample.needs {
                assert!(sites.iter().any(|site| site.list == *needed), "{needed}");
            }
            for site in &sites {
                // A good request is damaged once for each kind of field, but at every place in it.
                bench.damage(site);
                seen.insert(site.name.clone());
            }
            tried += bench.tried;
        }
        let mut declared = BTreeSet::new();
        schema.fields_below(kind.type_name, &mut declared);
        let never_tried: Vec<_> = declared
            .difference(&seen)
            .filter(|name| !not_here(kind.type_name, name))
            .collect();
        assert_eq!(never_tried, Vec::<&String>::new(), "{}", kind.type_name);
    }
    println!("{tried} damaged requests");
}

/// What a request refuses as such, which `documents` tests.
fn not_here(type_name: &str, field: &str) -> bool {
    let of_group = [
        ".bulkhead.v1.CreateGroupRequest",
        ".bulkhead.v1.UpdateGroupLimitsRequest",
    ];
    // A share of capital is refused as such in a group, which has none.
    if of_group.contains(&type_name) && field == "ConcentrationLimit.capital_share_max" {
        return true;
    }
    // No leg of a basket may have it, and what links legs takes several of them, which `baskets` tests.
    let of_legs = ["OrderLink.", "Package.", "Basket.links", "Basket.package"];
    let is_basket = type_name == ".bulkhead.v1.DecideBasketRequest";
    if is_basket && field == "Order.allow_reroute"
        || (is_basket || type_name == ".bulkhead.v1.WhatIfRequest")
            && of_legs.iter().any(|prefix| field.starts_with(prefix))
    {
        return true;
    }
    type_name == ".bulkhead.v1.SetStateRequest"
        && [
            "ControlScope.instrument_id",
            "ControlScope.venue_id",
            "ControlScope.client_id",
            "ControlScope.all",
        ]
        .contains(&field)
}

#[test]
fn every_field_of_an_order_a_replace_and_a_report_is_in_a_good_request() {
    let schema = Schema::load();
    for (message, fields) in [("Order", 22), ("Replace", 8), ("ExecutionReport", 28)] {
        let descriptor = &schema.messages[&format!(".bulkhead.v1.{message}")];
        assert_eq!(
            descriptor.field.len(),
            fields,
            "{message} has a new field: read it, and put it into a good request"
        );
        let filled: BTreeSet<String> = kinds()
            .iter()
            .flat_map(|kind| {
                let trees = kind.samples.iter();
                let trees = trees.map(|it| Tree::parse(&schema, kind.type_name, &it.bytes));
                trees.flat_map(|tree| tree.sites()).collect::<Vec<_>>()
            })
            .map(|site| site.name)
            .collect();
        for field in &descriptor.field {
            let name = format!("{message}.{}", field.name());
            assert!(filled.contains(&name), "{name}");
        }
    }
}

#[test]
fn every_method_of_the_contract_has_its_request_here() {
    let known: BTreeSet<String> = kinds()
        .iter()
        .map(|kind| kind.type_name.to_owned())
        .collect();
    let declared: BTreeSet<String> = Schema::load().inputs.into_iter().collect();
    let elsewhere: Vec<_> = declared.difference(&known).map(String::as_str).collect();
    assert_eq!(
        elsewhere,
        [
            // It has no field.
            ".bulkhead.v1.GetStatusRequest",
            // Its payloads are the requests of the unary calls.
            ".bulkhead.v1.SessionRequest",
        ]
    );
}

#[test]
fn what_the_contract_calls_above_zero_is_tested_to_be() {
    let schema = Schema::load();
    let mut fields = BTreeSet::new();
    for kind in kinds() {
        schema.fields_below(kind.type_name, &mut fields);
    }
    for field in fields {
        let comment = schema.comment(&field).to_lowercase();
        let says_so = comment.contains("above zero") && !comment.contains("above zero unless");
        let by_the_engine = field.starts_with("Rate.");
        if says_so && !by_the_engine {
            assert!(POSITIVE.contains(&field.as_str()), "{field}");
        }
    }
}

#[test]
fn everything_that_is_wrong_is_named_at_once() {
    let schema = Schema::load();
    for kind in kinds() {
        let nothing = (kind.read)(&[]);
        let descriptor = &schema.messages[kind.type_name];
        let required = descriptor.field.iter().filter(|field| {
            let name = format!("{}.{}", descriptor.name(), field.name());
            field.oneof_index.is_none() && schema.comment(&name).starts_with("Required")
        });
        let names: BTreeSet<String> = required.map(|field| field.name().to_owned()).collect();
        let oneofs = descriptor.oneof_decl.iter().map(|it| it.name().to_owned());
        let wanted: BTreeSet<String> = names.into_iter().chain(oneofs).collect();
        let got: BTreeSet<String> = paths(nothing).into_iter().collect();
        assert_eq!(got, wanted, "{}", kind.type_name);
    }
}

#[test]
fn a_decimal_of_four_megabytes_is_refused() {
    for value in ["9".repeat(MEGABYTES_4), "0".repeat(MEGABYTES_4) + "x"] {
        let price = Some(pb::Decimal { value });
        let order = Some(pb::Order {
            price,
            ..super::samples::limit_order()
        });
        let request = pb::DecideRequest {
            order,
            want_figures: false,
        };
        let result = super::super::order::decide(&request, super::super::field::Path::ROOT, None);
        assert_eq!(paths(result), ["order.price.value"]);
    }
}

#[test]
fn a_flood_of_wrong_entries_is_counted_and_not_listed() {
    let request = pb::PushMarksRequest {
        marks: vec![pb::Mark::default(); 10_000],
    };
    let malformed = super::super::market::push_marks(request).unwrap_err();
    assert_eq!(malformed.violations.len(), VIOLATIONS_MAX);
    // Instrument, source time and a price are missing in each.
    assert_eq!(malformed.omitted, 30_000 - VIOLATIONS_MAX);

    let request = pb::PushMarksRequest {
        marks: vec![pb::Mark::default(); 10_001],
    };
    let result = super::super::market::push_marks(request);
    assert_eq!(paths(result), ["marks"]);
}
