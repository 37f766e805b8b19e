//! Plays a scenario: one line after the other on one engine, at a clock that only `wait` moves.
//!
//! Beside what the lines expect, every line proves that a what-if changes nothing and answers as the decision after it (K1), that a report
//! delivered twice is booked once (NL13), that a bucket without live orders holds nothing (NL10), and that what is above a limit says why (NL8).

mod changes;
mod orders;
mod reports;
mod together;
mod views;

use std::collections::BTreeMap;
use std::sync::Arc;

use bulkhead::engine::client::Client;
use bulkhead::engine::offers::DecisionId;

use bulkhead::domain::decision::Reason;
use bulkhead::domain::duration;
use bulkhead::domain::name::{Kind, Name};
use bulkhead::domain::time::{Now, SECOND};
use bulkhead::engine::Engine;
use bulkhead::engine::answer::Refusal;
use bulkhead::engine::bucket::Bucket;

use super::expect::same;
use super::script::{Said, Scenario, Words, name_of, shout};
use super::setup::Setup;
use changes::admin;

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
        decisions: BTreeMap::new(),
        sessions: BTreeMap::new(),
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
    /// The last decision about each order or replace.
    decisions: BTreeMap<String, DecisionId>,
    /// Clients with a session, and whether they promised heartbeats.
    sessions: BTreeMap<String, (Arc<Client>, bool)>,
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
            "basket" => {
                self.basket(rest, expected)?;
                words = Words::of("");
            }
            "quote" => {
                self.quote(rest, expected)?;
                words = Words::of("");
            }
            "delete" => {
                let done = self.engine().delete_bucket(&id(words.next("a bucket")?)?);
                admin(done.map(drop), expected)?;
            }
            "move" => self.move_bucket(&mut words, expected)?,
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
            "session" => {
                let client = id(words.next("a client")?)?;
                let beats = words.take("heartbeats");
                let opened = self.engine().session_opened(&client, beats, self.now);
                let known = opened.map_err(|refusal| why(&refusal))?;
                self.sessions.insert(client.to_string(), (known, beats));
            }
            "heartbeat" | "disconnects" | "logs-out" => {
                let name = words.next("a client")?;
                let (client, beats) = self.sessions.get(name).ok_or("it has no session")?;
                if verb == "heartbeat" {
                    client.beat(self.now);
                } else {
                    client.closed(*beats, verb == "logs-out", self.now);
                }
            }
            "expect" => self.expect(&mut words)?,
            "largest" => self.largest(rest, expected)?,
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
}

/// Verbs whose words are read elsewhere.
fn words_done(verb: &str, words: &Words<'_>) -> Said<()> {
    if matches!(verb, "limits" | "largest") {
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

fn refused(expected: Option<Words<'_>>, why: &str) -> Said<()> {
    let mut words = expected.unwrap_or(Words::of(""));
    if !words.take("refused") {
        return Err(format!("it was refused: {why}"));
    }
    let expected = words.next("why")?.to_owned();
    same("refused", &expected, &why.to_owned(), String::clone)?;
    words.end()
}

/// Why a request was not taken, by the name of the reason where it has one.
fn why(refusal: &Refusal) -> String {
    match refusal {
        Refusal::AlreadySent => shout(Reason::OrderAlreadySent.name()),
        other => name_of(other),
    }
}
