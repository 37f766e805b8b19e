//! Lines about what is shown, and what must hold whatever the scenario says.

use std::sync::Arc;

use bulkhead::domain::amount::{Money, Quantity};
use bulkhead::domain::decision::{Level, Reason};
use bulkhead::engine::group::Group;
use bulkhead::engine::order::OrderView;

use super::{Stage, id};
use crate::scenarios::expect;
use crate::scenarios::expect::{same, text};
use crate::scenarios::script::{Said, Words, name_of, shout};

impl Stage {
    /// `kill 1 UNRESOLVED orders 3 live 1 2 residual 400 ended 1`: the kills are counted from one; its live orders by id.
    fn expect_kill(&self, words: &mut Words<'_>) -> Said<()> {
        let kills = self.engine().all_kills(self.now);
        let number = words.next("a number, or none")?;
        if number == "none" {
            return same("kills", &0, &kills.len(), text);
        }
        let at: usize = number.parse().map_err(|_| "a kill has a number")?;
        let kill = kills.get(at - 1).ok_or("there is no such kill")?;
        let state = words.next("a state")?.to_owned();
        same("kill", &state, &name_of(&kill.state), String::clone)?;
        let (_, live) = self
            .engine()
            .kill(kill.id, self.now)
            .ok_or("no such kill")?;
        while let Some(word) = words.peek() {
            words.take(word);
            match word {
                "orders" => same(
                    "orders",
                    &words.value::<u64>("a number")?,
                    &kill.orders,
                    text,
                )?,
                "ended" => {
                    let ended = kill.ended.values().sum::<u64>();
                    same("ended", &words.value::<u64>("a number")?, &ended, text)?;
                }
                "residual" => {
                    let expected: Money = words.value("an amount")?;
                    let held = kill.residual.values().next().copied();
                    same("residual", &expected, &held.unwrap_or_default(), text)?;
                }
                "live" => {
                    let mut found: Vec<String> = live
                        .iter()
                        .map(|(order, _)| order.key.cl_ord_id.to_string())
                        .collect();
                    found.sort();
                    let expected = words.until(&["orders", "ended", "residual"]).join(" ");
                    same("live", &expected, &found.join(" "), String::clone)?;
                }
                _ => return Err(format!("{word:?} is not understood of a kill")),
            }
        }
        Ok(())
    }

    pub(super) fn expect(&self, words: &mut Words<'_>) -> Said<()> {
        match words.next("what to expect")? {
            "kill" => self.expect_kill(words),
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

    /// `expect usage [b] GROSS_NOTIONAL [of BTC] 900 [limit 1000] [mode shadow] [times 3]`.
    fn expect_usage(&self, words: &mut Words<'_>) -> Said<()> {
        let around = ["venue", "counterparty"]
            .into_iter()
            .find(|word| words.take(word));
        let holder = match around {
            Some(_) => words.next("a name")?.to_owned(),
            None => self.holder(words)?,
        };
        let reason = expect::reason(words.next("a reason")?)?;
        let scope = words
            .take("of")
            .then(|| words.next("a scope"))
            .transpose()?;
        let engine = self.engine();
        let named = |group: &&Arc<Group>| {
            let level = if around == Some("venue") {
                Level::Venue
            } else {
                Level::Counterparty
            };
            around.is_some() && group.level == level && group.id.as_str() == holder
        };
        let around = engine.levels_around().iter().find(named);
        let lines = match around.cloned().or(engine.group(&id(&holder)?)) {
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
        let found = found.ok_or("there is no such limit");
        if words.take("mode") {
            let expected = words.next("a mode")?.to_owned();
            let mode = name_of(&found?.mode).to_lowercase();
            same("mode", &expected, &mode, String::clone)?;
        }
        if words.take("times") {
            let expected: u64 = words.value("a number")?;
            same("times in shadow", &expected, &found?.shadowed, text)?;
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

    /// Hashes of all buckets and groups, versions and usage with them, and the number of the last event.
    pub(super) fn fingerprint(&self) -> Fingerprint {
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

    pub(super) fn unchanged(&self, before: &Fingerprint, what: &str) -> Said<()> {
        self.unchanged_state(before, what)?;
        same(
            &format!("number of the last event after {what}"),
            &before.1,
            &self.engine().sequence(),
            text,
        )
    }

    pub(super) fn unchanged_state(&self, before: &Fingerprint, what: &str) -> Said<()> {
        let after = self.fingerprint();
        for (one, other) in before.0.iter().zip(&after.0) {
            if one != other {
                return Err(format!("{what} changed the state of {}", one.0));
            }
        }
        Ok(())
    }

    pub(super) fn invariants(&self) -> Said<()> {
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
                let rate = matches!(line.reason, Reason::OrderRate | Reason::NotionalRate);
                if line.is_exceeded() && !rate && view.breach.is_empty() {
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

type Fingerprint = (Vec<(String, [u8; 32])>, u64);
