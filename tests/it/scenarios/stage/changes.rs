//! Lines about prices, positions, limits and states.

use bulkhead::domain::amount::{Price, Quantity};
use bulkhead::domain::state::{StateCause, StateNote, TradingState};
use bulkhead::engine::admin::{AdminError, Scope};
use bulkhead::engine::market::{Accepted, MarkUpdate, RateUpdate};
use bulkhead::engine::view::Usage;

use super::{Stage, id, length, refused};
use crate::scenarios::expect::same;
use crate::scenarios::script::{Said, Words, name_of, shout};

impl Stage {
    pub(super) fn mark(&self, words: &mut Words<'_>, expected: Option<Words<'_>>) -> Said<()> {
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
    pub(super) fn rate(&self, words: &mut Words<'_>, expected: Option<Words<'_>>) -> Said<()> {
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
        let told = self.engine().push_rates(&[update], self.now);
        accepted(*told.first().ok_or("no answer")?, expected)
    }

    /// `position b BTC 5 at 100 [on X/b-x]`.
    pub(super) fn position(&self, words: &mut Words<'_>, expected: Option<Words<'_>>) -> Said<()> {
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
    pub(super) fn limits(&mut self, rest: &str, expected: Option<Words<'_>>) -> Said<()> {
        let (head, items) = rest.split_once(':').ok_or("limits need `bucket: limits`")?;
        let mut head = Words::of(head);
        let name = head.next("a bucket or group")?;
        let version = head
            .take("version")
            .then(|| head.value("a version"))
            .transpose()?;
        let owner = head.take("by").then(|| head.next("an owner")).transpose()?;
        head.end()?;
        match owner {
            Some(owner) => self.setup.change_of(owner, name, items)?,
            None => self.setup.change(name, items)?,
        }
        let settings = self.setup.settings()?;
        let engine = self.engine();
        let done = if let Some(owner) = owner {
            let found = settings
                .buckets
                .into_iter()
                .find(|bucket| bucket.id.as_str() == name)
                .and_then(|bucket| bucket.other_limits)
                .ok_or("no such bucket")?;
            let current = self.bucket(name)?.state.lock().documents.version(1);
            let version = version.unwrap_or(current);
            let changed = engine.update_limits_of(&id(name)?, Some(&id(owner)?), version, found);
            changed.map(|changed| changed.document)
        } else if let Some(group) = settings
            .groups
            .iter()
            .find(|group| group.id.as_str() == name)
        {
            let current = engine
                .group(&group.id)
                .ok_or("no such group")?
                .state
                .lock()
                .documents
                .version(0);
            engine.update_group_limits(&group.id, version.unwrap_or(current), group.limits.clone())
        } else {
            let found = settings
                .buckets
                .into_iter()
                .find(|bucket| bucket.id.as_str() == name)
                .ok_or("no such bucket")?;
            let current = self.bucket(name)?.state.lock().documents.version(0);
            engine.update_limits(&found.id, version.unwrap_or(current), found.limits)
        };
        admin(done.map(drop), expected)
    }

    /// `move b to d2 [forced]`; of a move that was forced, `-> broke ONE OTHER`.
    pub(super) fn move_bucket(
        &self,
        words: &mut Words<'_>,
        expected: Option<Words<'_>>,
    ) -> Said<()> {
        let bucket = self.holder(words)?;
        if !words.take("to") {
            return Err("a move needs `to group`".to_owned());
        }
        let group = words.next("a group")?;
        let force = words.take("forced");
        let done = self
            .engine()
            .move_bucket(&id(&bucket)?, &id(group)?, None, force, self.now);
        let named = |broken: &[Usage]| -> String {
            let names = broken.iter().map(|usage| shout(usage.reason.name()));
            names.collect::<Vec<String>>().join(" ")
        };
        match done {
            Ok(moved) if moved.broken.is_empty() => admin(Ok(()), expected),
            Ok(moved) => {
                let mut words = expected.unwrap_or(Words::of(""));
                if !words.take("broke") {
                    return Err(format!("it broke {}", named(&moved.broken)));
                }
                let expected = words.until(&[]).join(" ");
                same("broken", &expected, &named(&moved.broken), String::clone)
            }
            Err(AdminError::Breached(broken)) => refused(expected, &named(&broken)),
            Err(error) => admin(Err(error), expected),
        }
    }

    pub(super) fn control(
        &self,
        verb: &str,
        words: &mut Words<'_>,
        expected: Option<Words<'_>>,
    ) -> Said<()> {
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

pub(super) fn admin(done: Result<(), AdminError>, expected: Option<Words<'_>>) -> Said<()> {
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
