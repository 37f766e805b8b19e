//! Plays a scenario: one line after the other on one engine, at a clock that only `wait` moves.
//!
//! Beside what the lines expect, every line proves that a what-if changes nothing and answers as the decision after it (K1), that a report
//! delivered twice is booked once (NL13), that a bucket without live orders holds nothing (NL10), and that what is above a limit says why (NL8).

use bulkhead::domain::amount::{Amount, Money, Price, Quantity};
use bulkhead::domain::decision::Reason;
use bulkhead::domain::duration;
use bulkhead::domain::name::{Kind, Name};
use bulkhead::domain::order::{
    Attributes, Notice, Order, OrderKey, Replace, RerouteConsent, ShortSale, Side, Size, Terms,
    TimeInForce,
};
use bulkhead::domain::report::{CancelRejectOf, Fill, Report, ReportKind};
use bulkhead::domain::state::{StateCause, StateNote, TradingState};
use bulkhead::domain::time::{Now, SECOND};
use bulkhead::engine::Engine;
use bulkhead::engine::admin::{AdminError, Scope};
use bulkhead::engine::answer::{Answer, Receipt, Refusal};
use bulkhead::engine::bucket::Bucket;
use bulkhead::engine::market::{Accepted, MarkUpdate, RateUpdate};
use bulkhead::engine::order::OrderView;

use std::sync::Arc;

use super::expect::{self, check_answer, check_receipt, same, text};
use super::script::{Said, Scenario, Words, name_of, shout};
use super::setup::Setup;

/// Noon in UTC on Friday, 15 January 2027.
const NOON: Now = Now {
    wall: 1_800_014_400_000_000_000,
    mono: 100_000 * SECOND,
};
const TRADE_DATE: u32 = 20_270_115;

/// Plays a scenario to its end, or to the first line that does not hold.
pub fn play(scenario: &Scenario) -> Said<()> {
    let mut stage = Stage {
        setup: Setup::new(),
        engine: None,
        now: NOON,
        reports: 0,
    };
    for line in &scenario.lines {
        stage.line(&line.text).map_err(|error| {
            format!(
                "tests/scenarios/{}:{}: {}\n  {}\n  {error}",
                scenario.file, line.number, scenario.title, line.text
            )
        })?;
    }
    Ok(())
}

struct Stage {
    setup: Setup,
    engine: Option<Engine>,
    now: Now,
    reports: u32,
}

fn id<K: Kind>(word: &str) -> Said<Name<K>> {
    word.parse().map_err(|error| format!("{word:?}: {error}"))
}

fn length(word: &str) -> Said<u64> {
    duration::parse(word).ok_or_else(|| format!("{word:?} is not a duration"))
}

impl Stage {
    fn line(&mut self, line: &str) -> Said<()> {
        let (act, expected) = match line.split_once("->") {
            Some((act, expected)) => (act.trim(), Some(Words::of(expected))),
            None => (line, None),
        };
        let cut = act.find([' ', ':']).unwrap_or(act.len());
        let (verb, rest) = (&act[..cut], act[cut..].trim());
        if self.stage_line(verb, rest, expected.clone())? {
            return Ok(());
        }
        self.raise()?;
        let mut words = Words::of(rest);
        match verb {
            "mark" => self.mark(&mut words, expected)?,
            "rate" => self.rate(&mut words, expected)?,
            "position" => self.position(&mut words, expected)?,
            "limits" => self.limits(rest, expected)?,
            "delete" => {
                let done = self.engine().delete_bucket(&id(words.next("a bucket")?)?);
                admin(done.map(drop), expected)?;
            }
            "wait" => {
                let nanos = length(words.next("a duration")?)?;
                self.now = Now {
                    wall: self.now.wall + i64::try_from(nanos).unwrap(),
                    mono: self.now.mono + nanos,
                };
            }
            "sweep" => {
                for round in 0..64 {
                    self.engine().sweep(self.now, round);
                }
            }
            "halt" | "cancel-only" | "reduce-only" | "rearm" => {
                self.control(verb, &mut words, expected)?;
            }
            "expect" => self.expect(&mut words)?,
            "what-if" => {
                let subject = words.next("an id")?;
                let answer = self.decide(subject, &mut words, false)?;
                self.hold(expected, &answer)?;
            }
            subject => self.order_line(subject, &mut words, expected)?,
        }
        words_done(verb, &words)?;
        self.invariants()
    }

    /// A line that sets the stage. Once the play has begun, buckets and instruments may still be added or changed.
    fn stage_line(&mut self, verb: &str, rest: &str, expected: Option<Words<'_>>) -> Said<bool> {
        if !self.setup.take(verb, rest)? {
            return Ok(false);
        }
        let Some(engine) = &self.engine else {
            return match expected {
                None => Ok(true),
                Some(_) => Err("the play has not begun: there is no answer yet".to_owned()),
            };
        };
        let settings = self.setup.settings()?;
        let name = rest.split([' ', ':']).next().unwrap_or_default();
        match verb {
            "instrument" => {
                let found = settings
                    .instruments
                    .into_iter()
                    .find(|instrument| instrument.id.as_str() == name);
                let done = engine.upsert_instrument(found.ok_or("no such instrument")?, self.now);
                admin(done.map(drop), expected)?;
            }
            "bucket" => {
                let found = settings
                    .buckets
                    .into_iter()
                    .find(|bucket| bucket.id.as_str() == name);
                admin(
                    engine
                        .create_bucket(found.ok_or("no such bucket")?)
                        .map(drop),
                    expected,
                )?;
            }
            _ => return Err(format!("{verb} must come before the play begins")),
        }
        Ok(true)
    }

    /// Builds the engine at the first line that needs it.
    fn raise(&mut self) -> Said<()> {
        if self.engine.is_none() {
            let settings = self.setup.settings()?;
            let engine = Engine::new(
                settings.engine,
                settings.groups,
                settings.buckets,
                settings.instruments,
            )
            .map_err(|error| error.to_string())?;
            self.engine = Some(engine);
        }
        Ok(())
    }

    fn engine(&self) -> &Engine {
        self.engine.as_ref().unwrap()
    }

    fn bucket(&self, name: &str) -> Said<Arc<Bucket>> {
        self.engine()
            .bucket(&id(name)?)
            .ok_or_else(|| format!("no bucket {name:?}"))
    }

    fn first_bucket(&self) -> Said<&str> {
        self.setup
            .buckets
            .first()
            .map(String::as_str)
            .ok_or_else(|| "no bucket is declared".to_owned())
    }

    fn first_instrument(&self) -> Said<&str> {
        self.setup
            .instruments
            .first()
            .map(String::as_str)
            .ok_or_else(|| "no instrument is declared".to_owned())
    }

    /// The next word where it names a bucket or group, else the first bucket.
    fn holder(&self, words: &mut Words<'_>) -> Said<String> {
        match words.peek() {
            Some(word)
                if self.setup.buckets.iter().any(|name| name == word)
                    || self.setup.groups.iter().any(|name| name == word)
                    || word == "quarantine" =>
            {
                words.take(word);
                Ok(word.to_owned())
            }
            _ => self.first_bucket().map(str::to_owned),
        }
    }

    fn instrument(&self, words: &mut Words<'_>) -> Said<String> {
        match words.peek() {
            Some(word) if self.setup.instruments.iter().any(|name| name == word) => {
                words.take(word);
                Ok(word.to_owned())
            }
            _ => self.first_instrument().map(str::to_owned),
        }
    }

    // Orders.

    fn order_line(
        &mut self,
        subject: &str,
        words: &mut Words<'_>,
        expected: Option<Words<'_>>,
    ) -> Said<()> {
        match words.peek() {
            Some("buy" | "sell" | "replaces") => {
                let answer = self.decide(subject, words, true)?;
                self.hold(expected, &answer)
            }
            Some("sent" | "cancel-requested" | "released" | "resolved") => {
                let verb = words.next("a verb")?;
                let filled = match verb {
                    "resolved" => Some(words.value("a quantity")?),
                    _ => None,
                };
                let client = client(words)?;
                let key = OrderKey {
                    client: id(client)?,
                    cl_ord_id: id(subject)?,
                };
                let told = match verb {
                    "resolved" => self.engine().resolve(&key, filled.unwrap(), self.now),
                    "released" => self.engine().release(&key, self.now),
                    "sent" => {
                        self.engine()
                            .notify(&key.client, &key.cl_ord_id, Notice::Sent, self.now)
                    }
                    _ => self.engine().notify(
                        &key.client,
                        &key.cl_ord_id,
                        Notice::CancelRequested,
                        self.now,
                    ),
                };
                match told {
                    Ok(receipt) => self.told(expected, &receipt),
                    Err(refusal) => refused(expected, &why(&refusal)),
                }
            }
            Some(_) => self.report(subject, words, expected),
            None => Err("what about it?".to_owned()),
        }
    }

    fn hold(&self, expected: Option<Words<'_>>, answer: &Result<Answer, String>) -> Said<()> {
        let Some(mut words) = expected else {
            return Err("an order needs `-> approved`, `rejected` or `rerouted`".to_owned());
        };
        match answer {
            Ok(answer) => check_answer(&mut words, answer)?,
            Err(refusal) => return refused(Some(words), refusal),
        }
        words.end()
    }

    fn told(&self, expected: Option<Words<'_>>, receipt: &Receipt) -> Said<()> {
        let mut words = expected.unwrap_or(Words::of(""));
        check_receipt(&mut words, receipt)?;
        words.end()
    }

    /// Asks what if, then decides, and compares the two.
    fn decide(
        &mut self,
        subject: &str,
        words: &mut Words<'_>,
        commit: bool,
    ) -> Said<Result<Answer, String>> {
        let verb = words.next("a verb")?;
        let before = self.fingerprint();
        let (engine, now) = (self.engine(), self.now);
        let (asked, decided) = if verb == "replaces" {
            let replace = self.read_replace(subject, words)?;
            let asked = engine.what_if_replace(&replace, now, false);
            self.unchanged(&before, "the what-if")?;
            let decided = commit.then(|| engine.replace(&replace, now, false));
            (asked, decided)
        } else {
            let order = self.read_order(subject, verb, words)?;
            let asked = engine.what_if(&order, now, false);
            self.unchanged(&before, "the what-if")?;
            let decided = commit.then(|| engine.decide(&order, now, false));
            (asked, decided)
        };
        let asked = asked.map_err(|refusal| why(&refusal));
        let Some(decided) = decided else {
            return Ok(asked);
        };
        let decided = decided.map_err(|refusal| why(&refusal));
        if let (Ok(asked), Ok(decided)) = (&asked, &decided) {
            same(
                "what-if",
                &expect::answer(decided),
                &expect::answer(asked),
                String::clone,
            )?;
            same(
                "versions",
                &decided.decision.versions,
                &asked.decision.versions,
                |versions| format!("{versions:?}"),
            )?;
            same(
                "quantity",
                &decided.decision.quantity,
                &asked.decision.quantity,
                text,
            )?;
        }
        Ok(decided)
    }

    /// `buy 4 [BTC] [@ 100 | market | stop 95 [limit 96] | trailing 95 | pegged [cap 101]] [options]`; `cash 1000` or `close` for a quantity.
    fn read_order(&self, subject: &str, verb: &str, words: &mut Words<'_>) -> Said<Order> {
        let side = if verb == "buy" { Side::Buy } else { Side::Sell };
        let size = match words.next("a quantity")? {
            "close" => Size::ClosePosition,
            "cash" => Size::Cash(words.value("an amount of cash")?),
            word => Size::Quantity(
                word.parse()
                    .map_err(|_| format!("{word:?} is not a quantity"))?,
            ),
        };
        let mut order = Order {
            key: OrderKey {
                client: id("c")?,
                cl_ord_id: id(subject)?,
            },
            bucket: id(self.first_bucket()?)?,
            instrument: id(&self.instrument(words)?)?,
            venue: id("X")?,
            account: None,
            side,
            size,
            terms: Terms::Market,
            time_in_force: TimeInForce::Day,
            display: None,
            attributes: Attributes::default(),
        };
        let mut terms = None;
        while let Some(word) = words.peek() {
            words.take(word);
            if let Some(read) = read_terms(word, words)? {
                terms = Some(read);
                continue;
            }
            match word {
                "of" => order.instrument = id(words.next("an instrument")?)?,
                "for" => order.bucket = id(words.next("a bucket")?)?,
                "on" => order.venue = id(words.next("a venue")?)?,
                "account" => order.account = Some(id(words.next("an account")?)?),
                "client" => order.key.client = id(words.next("a client")?)?,
                "ioc" => order.time_in_force = TimeInForce::ImmediateOrCancel,
                "fok" => order.time_in_force = TimeInForce::FillOrKill,
                "gtc" => order.time_in_force = TimeInForce::GoodTillCancel,
                "gtd" => {
                    let word = words.next("a time from now")?;
                    let until = match word.strip_prefix('-') {
                        Some(ago) => -i64::try_from(length(ago)?).unwrap(),
                        None => i64::try_from(length(word)?).unwrap(),
                    };
                    order.time_in_force = TimeInForce::GoodTillDate(self.now.wall + until);
                }
                "display" => order.display = Some(words.value("a quantity")?),
                "reduce-only" => order.attributes.reduce_only = true,
                "post-only" => order.attributes.post_only = true,
                "short" => order.attributes.short_sale = ShortSale::Short,
                "exempt" => order.attributes.short_sale = ShortSale::Exempt,
                "located" => order.attributes.located = true,
                "reroute" => order.attributes.reroute = RerouteConsent::AutoAccept,
                _ => return Err(format!("{word:?} is not understood of an order")),
            }
        }
        order.terms = terms.ok_or("an order needs `@ price`, `market`, `stop` …")?;
        Ok(order)
    }

    /// `replaces o1 to 7 @ 100`.
    fn read_replace(&self, subject: &str, words: &mut Words<'_>) -> Said<Replace> {
        let original = id(words.next("an id")?)?;
        if !words.take("to") {
            return Err("a replace needs `to` and the new total".to_owned());
        }
        let quantity = words.value("a quantity")?;
        let word = words.next("`@ price` or `market`")?;
        let terms = read_terms(word, words)?.ok_or("a replace needs `@ price` or `market`")?;
        let client = client(words)?;
        Ok(Replace {
            key: OrderKey {
                client: id(client)?,
                cl_ord_id: id(subject)?,
            },
            original,
            quantity,
            terms,
        })
    }

    // Reports.

    fn report(
        &mut self,
        subject: &str,
        words: &mut Words<'_>,
        expected: Option<Words<'_>>,
    ) -> Said<()> {
        let report = self.read_report(subject, words)?;
        let receipt = self.engine().report(&report, self.now);
        self.told(expected, &receipt)?;
        let before = self.fingerprint();
        let again = self.engine().report(&report, self.now);
        self.unchanged_state(&before, "the same report a second time")?;
        let held = |receipt: &Receipt| receipt.position.as_ref().map(|held| held.quantity);
        let (once, twice) = (held(&receipt), held(&again));
        same("position", &once, &twice.or(once), |quantity| {
            format!("{quantity:?}")
        })
    }

    fn read_report(&mut self, subject: &str, words: &mut Words<'_>) -> Said<Report> {
        self.reports += 1;
        let mut exec = format!("auto-{}", self.reports);
        let mut report = Report {
            client: id("c")?,
            cl_ord_id: id(subject)?,
            exec_id: None,
            kind: ReportKind::New,
            cum: None,
            leaves: None,
            venue: id("X")?,
            account: None,
            trade_date: TRADE_DATE,
            bucket: None,
            instrument: None,
            side: None,
        };
        report.kind = match words.next("a report")? {
            "new" => ReportKind::New,
            "filled" => ReportKind::Trade(read_fill(words)?),
            "canceled" => ReportKind::Canceled,
            "replaced" => ReportKind::Replaced,
            "rejected" => ReportKind::Rejected,
            "expired" => ReportKind::Expired,
            "done-for-day" => ReportKind::DoneForDay,
            "cancel-rejected" => ReportKind::CancelRejected {
                of: CancelRejectOf::Cancel,
                unknown_order: words.take("unknown"),
            },
            "replace-rejected" => ReportKind::CancelRejected {
                of: CancelRejectOf::Replace,
                unknown_order: words.take("unknown"),
            },
            "busts" => ReportKind::Bust {
                of: id(words.next("an execution")?)?,
            },
            "corrects" => {
                let of = id(words.next("an execution")?)?;
                if !words.take("to") {
                    return Err("a correction needs `to quantity @ price`".to_owned());
                }
                ReportKind::Correct {
                    of,
                    to: read_fill(words)?,
                }
            }
            "restated" => {
                let quantity = words
                    .take("to")
                    .then(|| words.value("a quantity"))
                    .transpose()?;
                let price = words
                    .take("@")
                    .then(|| words.value("a price"))
                    .transpose()?;
                ReportKind::Restated { quantity, price }
            }
            other => return Err(format!("{other:?} is no report")),
        };
        while let Some(word) = words.peek() {
            words.take(word);
            match word {
                "as" => exec = words.next("an execution")?.to_owned(),
                "cum" => report.cum = Some(words.value("a quantity")?),
                "leaves" => report.leaves = Some(words.value("a quantity")?),
                "on" => report.venue = id(words.next("a venue")?)?,
                "account" => report.account = Some(id(words.next("an account")?)?),
                "date" => report.trade_date = words.value("a date")?,
                "bucket" => report.bucket = Some(id(words.next("a bucket")?)?),
                "of" => report.instrument = Some(id(words.next("an instrument")?)?),
                "buy" => report.side = Some(Side::Buy),
                "sell" => report.side = Some(Side::Sell),
                "client" => report.client = id(words.next("a client")?)?,
                _ => return Err(format!("{word:?} is not understood of a report")),
            }
        }
        report.exec_id = Some(id(&exec)?);
        Ok(report)
    }

    // Prices, positions, limits, states.

    fn mark(&self, words: &mut Words<'_>, expected: Option<Words<'_>>) -> Said<()> {
        let mut update = MarkUpdate {
            instrument: id(&self.instrument(words)?)?,
            mark: words.maybe(),
            bid: None,
            ask: None,
            last: None,
            index: None,
            source: None,
            source_time: self.now.wall,
            confirmed: false,
        };
        while let Some(word) = words.peek() {
            words.take(word);
            match word {
                "of" => update.instrument = id(words.next("an instrument")?)?,
                "at" => update.mark = Some(words.value("a price")?),
                "bid" => update.bid = Some(words.value("a price")?),
                "ask" => update.ask = Some(words.value("a price")?),
                "last" => update.last = Some(words.value("a price")?),
                "index" => update.index = Some(words.value("a price")?),
                "ago" => {
                    update.source_time -=
                        i64::try_from(length(words.next("a duration")?)?).unwrap();
                }
                "ahead" => {
                    update.source_time +=
                        i64::try_from(length(words.next("a duration")?)?).unwrap();
                }
                "from" => update.source = Some(id(words.next("a source")?)?),
                "confirmed" => update.confirmed = true,
                _ => return Err(format!("{word:?} is not understood of a price")),
            }
        }
        accepted(self.engine().push_mark(&update, self.now), expected)
    }

    /// `rate EUR/USD 1.1 [1.2]`: bid, and ask where it differs.
    fn rate(&self, words: &mut Words<'_>, expected: Option<Words<'_>>) -> Said<()> {
        let pair = words.next("a pair such as EUR/USD")?;
        let (base, quote) = pair
            .split_once('/')
            .ok_or_else(|| format!("{pair:?} is not a pair"))?;
        let bid = words.value("a rate")?;
        let update = RateUpdate {
            base: id(base)?,
            quote: id(quote)?,
            bid,
            ask: words.maybe().unwrap_or(bid),
            source: match words.take("from") {
                true => Some(id(words.next("a source")?)?),
                false => None,
            },
            source_time: self.now.wall,
        };
        accepted(self.engine().push_rate(&update, self.now), expected)
    }

    /// `position b BTC 5 at 100 [on X/b-x]`.
    fn position(&self, words: &mut Words<'_>, expected: Option<Words<'_>>) -> Said<()> {
        let bucket = self.holder(words)?;
        let instrument = self.instrument(words)?;
        let quantity: Quantity = words.value("a quantity")?;
        if !words.take("at") {
            return Err("an opening position needs `at price`".to_owned());
        }
        let price: Price = words.value("a price")?;
        let account = if words.take("on") {
            words.next("venue/account")?.to_owned()
        } else {
            format!("X/{bucket}-x")
        };
        let (venue, account) = account
            .split_once('/')
            .ok_or("an account is venue/account")?;
        let done = self.engine().load_position(
            &id(&bucket)?,
            &id(&instrument)?,
            (&id(venue)?, &id(account)?),
            quantity,
            price,
            self.now,
        );
        admin(done.map(drop), expected)
    }

    /// `limits b: long_max 10` changes these and keeps the rest; `limits b version 7: …` says which version it expects.
    fn limits(&mut self, rest: &str, expected: Option<Words<'_>>) -> Said<()> {
        let (head, items) = rest.split_once(':').ok_or("limits need `bucket: limits`")?;
        let mut head = Words::of(head);
        let name = head.next("a bucket or group")?;
        let version = head
            .take("version")
            .then(|| head.value("a version"))
            .transpose()?;
        head.end()?;
        self.setup.change(name, items)?;
        let settings = self.setup.settings()?;
        let engine = self.engine();
        let done = if let Some(group) = settings
            .groups
            .iter()
            .find(|group| group.id.as_str() == name)
        {
            let current = engine
                .group(&group.id)
                .ok_or("no such group")?
                .state
                .lock()
                .version;
            engine.update_group_limits(&group.id, version.unwrap_or(current), group.limits.clone())
        } else {
            let found = settings
                .buckets
                .into_iter()
                .find(|bucket| bucket.id.as_str() == name)
                .ok_or("no such bucket")?;
            let current = self.bucket(name)?.state.lock().version;
            engine.update_limits(&found.id, version.unwrap_or(current), found.limits)
        };
        admin(done.map(drop), expected)
    }

    fn control(&self, verb: &str, words: &mut Words<'_>, expected: Option<Words<'_>>) -> Said<()> {
        let scope = match words.next("a scope")? {
            "everything" => Scope::Everything,
            "bucket" => Scope::Bucket(id(words.next("a bucket")?)?),
            "group" => Scope::Group(id(words.next("a group")?)?),
            "instrument" => Scope::Instrument(id(words.next("an instrument")?)?),
            "venue" => Scope::Venue(id(words.next("a venue")?)?),
            "client" => Scope::Client(id(words.next("a client")?)?),
            other => return Err(format!("{other:?} is no scope")),
        };
        let state = match verb {
            "halt" => TradingState::Halted,
            "cancel-only" => TradingState::CancelOnly,
            "reduce-only" => TradingState::ReduceOnly,
            _ => TradingState::Active,
        };
        let note = StateNote {
            state,
            cause: StateCause::Operator,
            actor: "a trader".to_owned(),
            reason: "the scenario".to_owned(),
            since: self.now,
        };
        let done = if verb == "rearm" {
            self.engine().rearm(&scope, note)
        } else {
            self.engine().restrict(&scope, note)
        };
        let mut words = expected.unwrap_or(Words::of(""));
        match done {
            Ok(change) => {
                if words.take("live") {
                    let expected = words.until(&[]).join(" ");
                    let mut live: Vec<String> = change
                        .live
                        .iter()
                        .map(|order| order.cl_ord_id.to_string())
                        .collect();
                    live.sort();
                    same("live orders", &expected, &live.join(" "), String::clone)?;
                }
                words.end()
            }
            Err(error) => refused(Some(words), &name_of(&error)),
        }
    }

    // Views.

    fn expect(&self, words: &mut Words<'_>) -> Said<()> {
        match words.next("what to expect")? {
            "position" => self.expect_position(words),
            "usage" => self.expect_usage(words),
            "order" => self.expect_order(words),
            "state" => {
                let bucket = self.bucket(&self.holder(words)?)?;
                let expected = words.next("a state")?.to_owned();
                let view = self.engine().bucket_view(&bucket, self.now);
                same("state", &expected, &name_of(&view.state), String::clone)
            }
            "open" => {
                let bucket = self.bucket(&self.holder(words)?)?;
                let expected: u32 = words.value("a number")?;
                let view = self.engine().bucket_view(&bucket, self.now);
                same("live orders", &expected, &view.live_orders, text)
            }
            "version" => {
                let bucket = self.bucket(&self.holder(words)?)?;
                let expected: u64 = words.value("a version")?;
                same("version", &expected, &bucket.state.lock().version, text)
            }
            "breach" => {
                let bucket = self.bucket(&self.holder(words)?)?;
                let expected = words.until(&[]).join(" ");
                let view = self.engine().bucket_view(&bucket, self.now);
                let found: Vec<String> = view.breach.iter().map(name_of).collect();
                let found = if found.is_empty() {
                    "none".to_owned()
                } else {
                    found.join(" ")
                };
                same("breach", &expected, &found, String::clone)
            }
            "counters" => {
                let bucket = self.bucket(&self.holder(words)?)?;
                let counters = self.engine().bucket_view(&bucket, self.now).counters;
                while let Some(word) = words.peek() {
                    words.take(word);
                    let found = match word {
                        "approved" => counters.approved,
                        "rejected" => counters.rejected,
                        "rerouted-in" => counters.rerouted_in,
                        "rerouted-out" => counters.rerouted_out,
                        "fills" => counters.fills,
                        "flagged" => counters.flagged,
                        _ => return Err(format!("{word:?} is no counter")),
                    };
                    let expected: u64 = words.value("a number")?;
                    same(word, &expected, &found, text)?;
                }
                Ok(())
            }
            other => Err(format!("{other:?} cannot be expected")),
        }
    }

    /// `expect position [b] [BTC] 9 [average 100] [realised 40] [fees 1] [buys 4] [sells 3] [gross 900]`.
    fn expect_position(&self, words: &mut Words<'_>) -> Said<()> {
        let bucket = self.bucket(&self.holder(words)?)?;
        let instrument = self.instrument(words)?;
        let view = self.engine().bucket_view(&bucket, self.now);
        let found = view
            .positions
            .iter()
            .find(|position| position.instrument.as_str() == instrument);
        let expected: Quantity = words.value("a quantity")?;
        let position = found.map_or(Quantity::ZERO, |found| found.quantity);
        same("position", &expected, &position, text)?;
        while let Some(word) = words.peek() {
            words.take(word);
            let found = found.ok_or("there is no position")?;
            match word {
                "average" => {
                    let expected = words.value("a price")?;
                    same(word, &Some(expected), &found.average, |price| {
                        format!("{price:?}")
                    })?;
                }
                "realised" => same(word, &words.value("an amount")?, &found.realised, text)?,
                "fees" => {
                    let fees = found.fees.first().map_or(Money::ZERO, |(_, fees)| *fees);
                    same(word, &words.value("an amount")?, &fees, text)?;
                }
                "gross" => {
                    let gross = found.exposure.unwrap_or(Money::ZERO);
                    same(word, &words.value("an amount")?, &gross, text)?;
                }
                "buys" => same(word, &words.value("a quantity")?, &found.open_buys, text)?,
                "sells" => same(word, &words.value("a quantity")?, &found.open_sells, text)?,
                _ => return Err(format!("{word:?} is not understood of a position")),
            }
        }
        Ok(())
    }

    /// `expect usage [b] GROSS_NOTIONAL [of BTC] 900 [limit 1000]`.
    fn expect_usage(&self, words: &mut Words<'_>) -> Said<()> {
        let holder = self.holder(words)?;
        let reason = expect::reason(words.next("a reason")?)?;
        let scope = words
            .take("of")
            .then(|| words.next("a scope"))
            .transpose()?;
        let engine = self.engine();
        let lines = match engine.group(&id(&holder)?) {
            Some(group) => engine.group_usage(&group, self.now),
            None => engine.usage(&*self.bucket(&holder)?, self.now),
        };
        let found = lines
            .iter()
            .find(|line| line.reason == reason && scope.is_none_or(|scope| line.scope == scope));
        let expected: Quantity = words.value("an amount")?;
        let usage = found.map_or(0, |found| found.usage);
        same("usage", &expected, &Quantity::from_units(usage), text)?;
        if words.take("limit") {
            let expected: Quantity = words.value("an amount")?;
            let limit = found
                .and_then(|found| found.limit)
                .map(Quantity::from_units);
            same("limit", &Some(expected), &limit, |limit| {
                format!("{limit:?}")
            })?;
        }
        Ok(())
    }

    /// `expect order o1 WORKING leaves 4 reserved 400`, or `expect order o1 over`.
    fn expect_order(&self, words: &mut Words<'_>) -> Said<()> {
        let wanted = words.next("an id")?;
        let found = self.live_order(wanted);
        if words.take("over") {
            return match found {
                None => Ok(()),
                Some(order) => Err(format!("it is live: {}", name_of(&order.state))),
            };
        }
        let order = found.ok_or("there is no such live order")?;
        let expected = words.next("a state")?.to_owned();
        same("state", &expected, &name_of(&order.state), String::clone)?;
        while let Some(word) = words.peek() {
            words.take(word);
            expect::check_order_part(word, words, &order)?;
        }
        Ok(())
    }

    /// A live order by its first id, whoever has it.
    fn live_order(&self, wanted: &str) -> Option<OrderView> {
        self.engine().all_buckets().iter().find_map(|bucket| {
            let orders = self.engine().live_orders(bucket, self.now);
            orders
                .into_iter()
                .find(|order| order.key.cl_ord_id.as_str() == wanted)
        })
    }

    // What must hold whatever the scenario says.

    /// Hashes of all buckets and groups, versions and usage with them, and the number of the last event.
    fn fingerprint(&self) -> Fingerprint {
        let engine = self.engine();
        let mut hashes: Vec<(String, [u8; 32])> = engine
            .all_buckets()
            .iter()
            .map(|bucket| {
                let seen = engine.bucket_view(bucket, self.now).changes;
                let lines = engine.usage(bucket, self.now).len();
                let name = format!("{} {seen} {lines}", bucket.id);
                (name, engine.bucket_hash(bucket, self.now))
            })
            .collect();
        hashes.extend(
            engine
                .all_groups()
                .iter()
                .map(|group| (group.id.to_string(), engine.group_hash(group, self.now))),
        );
        hashes.sort();
        (hashes, engine.sequence())
    }

    fn unchanged(&self, before: &Fingerprint, what: &str) -> Said<()> {
        self.unchanged_state(before, what)?;
        same(
            &format!("number of the last event after {what}"),
            &before.1,
            &self.engine().sequence(),
            text,
        )
    }

    fn unchanged_state(&self, before: &Fingerprint, what: &str) -> Said<()> {
        let after = self.fingerprint();
        for (one, other) in before.0.iter().zip(&after.0) {
            if one != other {
                return Err(format!("{what} changed the state of {}", one.0));
            }
        }
        Ok(())
    }

    fn invariants(&self) -> Said<()> {
        let engine = self.engine();
        for bucket in engine.all_buckets() {
            let view = engine.bucket_view(&bucket, self.now);
            if view.live_orders == 0 {
                for position in &view.positions {
                    if !position.open_buys.is_zero() || !position.open_sells.is_zero() {
                        return Err(format!("{} holds capacity without live orders", bucket.id));
                    }
                }
            }
            for line in engine.usage(&bucket, self.now) {
                let over = line.limit.is_some_and(|limit| line.usage > limit);
                let rate = matches!(line.reason, Reason::OrderRate | Reason::NotionalRate);
                if over && !rate && view.breach.is_empty() {
                    return Err(format!(
                        "{} is above {} and does not say why",
                        bucket.id,
                        shout(line.reason.name())
                    ));
                }
            }
        }
        Ok(())
    }
}

/// Why a request was not taken, by the name of the reason where it has one.
fn why(refusal: &Refusal) -> String {
    match refusal {
        Refusal::AlreadySent => shout(Reason::OrderAlreadySent.name()),
        other => name_of(other),
    }
}

type Fingerprint = (Vec<(String, [u8; 32])>, u64);

/// Verbs whose words are read elsewhere.
fn words_done(verb: &str, words: &Words<'_>) -> Said<()> {
    if verb == "limits" {
        Ok(())
    } else {
        words.end()
    }
}

fn client<'t>(words: &mut Words<'t>) -> Said<&'t str> {
    if words.take("client") {
        words.next("a client")
    } else {
        Ok("c")
    }
}

fn read_terms(word: &str, words: &mut Words<'_>) -> Said<Option<Terms>> {
    Ok(Some(match word {
        "@" => Terms::Limit {
            price: words.value("a price")?,
        },
        "market" => Terms::Market,
        "stop" => {
            let trigger = words.value("a price")?;
            if words.take("limit") {
                Terms::StopLimit {
                    price: words.value("a price")?,
                    trigger,
                }
            } else {
                Terms::Stop { trigger }
            }
        }
        "trailing" => Terms::TrailingStop {
            trigger: words.value("a price")?,
        },
        "pegged" => Terms::Pegged {
            cap: words
                .take("cap")
                .then(|| words.value("a price"))
                .transpose()?,
        },
        _ => return Ok(None),
    }))
}

/// `4 @ 100 [fee 1 [USD]]`.
fn read_fill(words: &mut Words<'_>) -> Said<Fill> {
    let quantity = words.value("a quantity")?;
    if !words.take("@") {
        return Err("a fill needs `@ price`".to_owned());
    }
    let price = words.value("a price")?;
    let (mut fee, mut fee_currency) = (Amount::ZERO, None);
    if words.take("fee") {
        fee = words.value("an amount")?;
        if words.take("paid-in") {
            fee_currency = Some(id(words.next("a currency")?)?);
        }
    }
    Ok(Fill {
        quantity,
        price,
        fee,
        fee_currency,
    })
}

fn accepted(given: Accepted, expected: Option<Words<'_>>) -> Said<()> {
    let mut words = expected.unwrap_or(Words::of("accepted"));
    let expected = words.next("accepted, or why not")?.to_owned();
    let found = match given {
        Accepted::At(taken) if taken.disputed => "DISPUTED".to_owned(),
        Accepted::At(_) => "accepted".to_owned(),
        other => name_of(&other),
    };
    same("price", &expected, &found, String::clone)?;
    words.end()
}

fn admin(done: Result<(), AdminError>, expected: Option<Words<'_>>) -> Said<()> {
    match done {
        Ok(()) => match expected {
            None => Ok(()),
            Some(words) => Err(format!(
                "expected {}, but it was done",
                words.clone().until(&[]).join(" ")
            )),
        },
        Err(AdminError::Instrument(_)) => refused(expected, "HELD"),
        Err(error) => refused(expected, &name_of(&error)),
    }
}

fn refused(expected: Option<Words<'_>>, why: &str) -> Said<()> {
    let mut words = expected.unwrap_or(Words::of(""));
    if !words.take("refused") {
        return Err(format!("it was refused: {why}"));
    }
    let expected = words.next("why")?.to_owned();
    same("refused", &expected, &why.to_owned(), String::clone)?;
    words.end()
}
