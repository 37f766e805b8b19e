//! One run: every event goes to the engine and to the model, and both must say and hold the same.

use std::collections::BTreeMap;

use bulkhead::domain::decision::{Dimension, Outcome, Reason};
use bulkhead::domain::order::Notice;
use bulkhead::domain::state::{OrderState, StateNote, TradingState};
use bulkhead::domain::time::Now;
use bulkhead::engine::Engine;
use bulkhead::engine::admin::Scope;
use bulkhead::engine::answer::{Answer, BasketAnswer, PositionView, Receipt, ReportFlag};
use bulkhead::engine::group::Group;
use bulkhead::engine::market::{Accepted, MarkUpdate, RateUpdate};
use bulkhead::engine::offers::DecisionId;
use proptest::test_runner::TestCaseError;

use super::naive::{self, Finding, Mark, Model, Notes, Place, Said, Together, U};
use super::world::{self, BUCKETS, CONTRACTS, Dice, Event, QUARANTINE, Shape, amount};
use crate::support::{id, later};

/// A failure of a case, with everything that led to it.
pub type Checked = Result<(), TestCaseError>;

pub fn fail(text: impl Into<String>) -> TestCaseError {
    TestCaseError::fail(text.into())
}

/// Fails where two things differ.
pub fn same<T: PartialEq + core::fmt::Debug>(what: &str, engine: T, model: T) -> Checked {
    if engine == model {
        Ok(())
    } else {
        Err(fail(format!(
            "{what}\n  engine {engine:?}\n  model  {model:?}"
        )))
    }
}

/// What came of an event at the engine.
#[derive(Clone, Debug)]
pub enum Came {
    Answer(Box<Answer>),
    Receipt(Box<Receipt>),
    Together(BasketAnswer),
    Refused,
    Done(bool),
}

impl Came {
    pub fn answer(&self) -> Option<&Answer> {
        match self {
            Self::Answer(answer) => Some(answer),
            _ => None,
        }
    }
}

/// Does an event at an engine.
pub fn apply(engine: &Engine, event: &Event, now: Now) -> Came {
    let answer = |answer: Result<Answer, _>| match answer {
        Ok(answer) => Came::Answer(Box::new(answer)),
        Err(bulkhead::engine::answer::Refusal::UnknownBucket) => Came::Refused,
        Err(_) => Came::Refused,
    };
    let receipt = |receipt: Result<Receipt, _>| match receipt {
        Ok(receipt) => Came::Receipt(Box::new(receipt)),
        Err(bulkhead::engine::answer::Refusal::UnknownBucket) => Came::Refused,
        Err(_) => Came::Refused,
    };
    let together = |answer: Result<BasketAnswer, _>| match answer {
        Ok(answer) => Came::Together(answer),
        Err(bulkhead::engine::answer::Refusal::UnknownBucket) => Came::Refused,
        Err(_) => Came::Refused,
    };
    match event {
        Event::Decide(order) => answer(engine.decide(order, now, true)),
        Event::WhatIf(order) => answer(engine.what_if(order, now, true)),
        Event::Basket(basket) => together(engine.decide_basket(basket, now, true)),
        Event::WhatIfBasket(basket) => together(engine.what_if_basket(basket, now, true)),
        Event::Quote(quote) => together(engine.decide_quote(quote, now, true)),
        Event::WhatIfQuote(quote) => together(engine.what_if_quote(quote, now, true)),
        Event::Replace(replace) => answer(engine.replace(replace, now, true)),
        Event::WhatIfReplace(replace) => answer(engine.what_if_replace(replace, now, true)),
        Event::Report(report) => Came::Receipt(Box::new(engine.report(report, now))),
        Event::Notice(client, order, notice) => {
            receipt(engine.notify(&id(client), &id(order), *notice, now))
        }
        Event::Accept(order) => {
            // What is stored under its id says by which decision.
            let stored = engine.what_if(order, now, false).unwrap();
            let decision = DecisionId {
                at: stored.decision.at,
                sequence: if stored.replayed {
                    stored.decision.sequence
                } else {
                    0
                },
            };
            let accepted = engine.accept_route(&order.key.client, decision, now);
            receipt(accepted.map(|(receipt, _)| receipt))
        }
        Event::Release(key) => receipt(engine.release(key, now)),
        Event::Resolve(key, filled) => receipt(engine.resolve(key, amount(*filled), now)),
        Event::Limits(bucket, rules) => {
            let name = id(BUCKETS[*bucket]);
            let version = engine.bucket(&name).unwrap().state.lock().version;
            Came::Done(
                engine
                    .update_limits(&name, version, world::limits(rules))
                    .is_ok(),
            )
        }
        Event::GroupLimits(group, rules) => {
            let name = id(["firm", "d1", "d2"][*group]);
            let version = engine.group(&name).unwrap().state.lock().version;
            Came::Done(
                engine
                    .update_group_limits(&name, version, world::group_limits(rules))
                    .is_ok(),
            )
        }
        Event::Restrict(place, state) => {
            Came::Done(engine.restrict(&scope(place), note(*state, now)).is_ok())
        }
        Event::Rearm(place) => Came::Done(
            engine
                .rearm(&scope(place), note(TradingState::Active, now))
                .is_ok(),
        ),
        Event::Mark(mark) => Came::Done(matches!(
            engine.push_mark(&update(mark, now), now),
            Accepted::At(_)
        )),
        Event::Euro(bid, ask) => {
            let update = RateUpdate {
                base: id("EUR"),
                quote: id("USD"),
                bid: amount(*bid),
                ask: amount(*ask),
                source: None,
                source_time: now.wall,
            };
            let told = engine.push_rates(&[update], now);
            Came::Done(matches!(told.as_slice(), [Accepted::At(_)]))
        }
        Event::Load(bucket, instrument, account, quantity, price) => {
            let (venue, name) = match (bucket, account) {
                (0, 0) => ("X", "a-x"),
                (0, _) => ("Y", "a-y"),
                (1, _) => ("X", "b-x"),
                (_, 0) => ("X", "c-x"),
                _ => ("Y", "c-y"),
            };
            let loaded = engine.load_position(
                &id(BUCKETS[*bucket]),
                &id(CONTRACTS[*instrument].name),
                (&id(venue), &id(name)),
                amount(*quantity),
                amount(*price),
                now,
            );
            Came::Done(loaded.is_ok())
        }
        Event::Move(bucket, group, force) => {
            let (bucket, group) = (id(BUCKETS[*bucket]), id(["firm", "d1", "d2"][*group]));
            let moved = engine.move_bucket(&bucket, &group, None, *force, now);
            Came::Done(moved.is_ok_and(|moved| moved.changed))
        }
        // Twice: what refers to something forgotten is forgotten after it.
        Event::Sweep => {
            (0..128).for_each(|round| engine.sweep(now, round));
            Came::Done(true)
        }
    }
}

fn update(mark: &Mark, now: Now) -> MarkUpdate {
    MarkUpdate {
        instrument: id(CONTRACTS[mark.instrument].name),
        mark: mark.mark.map(amount),
        bid: mark.bid.map(amount),
        ask: mark.ask.map(amount),
        last: mark.last.map(amount),
        index: mark.index.map(amount),
        source: None,
        source_time: now.wall,
        confirmed: false,
    }
}

pub fn scope(place: &Place) -> Scope {
    match place {
        Place::Bucket(at) => Scope::Bucket(id(BUCKETS[*at])),
        Place::Group(at) => Scope::Group(id(["firm", "d1", "d2"][*at])),
        Place::Instrument(at) => Scope::Instrument(id(CONTRACTS[*at].name)),
        Place::Venue(venue) => Scope::Venue(id(venue)),
        Place::Client(client) => Scope::Client(id(client)),
        Place::Everything => Scope::Everything,
    }
}

pub fn note(state: TradingState, now: Now) -> StateNote {
    StateNote {
        state,
        actor: "someone".to_owned(),
        since: now,
        ..StateNote::default()
    }
}

/// What the model makes of an event.
#[derive(Clone, Debug)]
pub enum Meant {
    Said(Said),
    Together(Together),
    Notes(Option<Notes>),
    Done(bool),
}

/// Does an event at the model.
pub fn imagine(model: &mut Model, event: &Event) -> Meant {
    match event {
        Event::Decide(order) => Meant::Said(model.decide(order, true)),
        Event::WhatIf(order) => Meant::Said(model.decide(order, false)),
        Event::Basket(basket) => Meant::Together(model.basket(basket, true)),
        Event::WhatIfBasket(basket) => Meant::Together(model.basket(basket, false)),
        Event::Quote(quote) => Meant::Together(model.quote(quote, true)),
        Event::WhatIfQuote(quote) => Meant::Together(model.quote(quote, false)),
        Event::Replace(replace) => Meant::Said(model.replace(replace, true)),
        Event::WhatIfReplace(replace) => Meant::Said(model.replace(replace, false)),
        Event::Report(report) => Meant::Notes(Some(model.report(report))),
        Event::Notice(client, order, notice) => Meant::Notes(model.find(client, order).map(|at| {
            model.told_of(at);
            let mut notes = Notes::default();
            match notice {
                Notice::Sent => notes.unaccepted = model.sent(at, order),
                Notice::CancelRequested => model.cancel_asked(at),
            }
            notes
        })),
        Event::Accept(order) => Meant::Notes(model.accept(order).then(Notes::default)),
        Event::Release(key) => {
            let freed = model.release(key.client.as_str(), key.cl_ord_id.as_str());
            let order = model.find(key.client.as_str(), key.cl_ord_id.as_str());
            Meant::Notes((freed == Some(true)).then(|| Notes {
                unknown: order.is_none(),
                ..Notes::default()
            }))
        }
        Event::Resolve(key, filled) => {
            let at = model.find(key.client.as_str(), key.cl_ord_id.as_str());
            Meant::Notes(at.map(|at| Notes {
                owed: model.resolve(at, *filled),
                ..Notes::default()
            }))
        }
        Event::Limits(bucket, rules) => {
            model.pools[*bucket].rules = (**rules).clone();
            Meant::Done(true)
        }
        Event::GroupLimits(group, rules) => {
            model.groups[*group].rules = rules.clone();
            Meant::Done(true)
        }
        Event::Restrict(place, state) => {
            let known = match place {
                Place::Bucket(at) => &mut model.pools[*at].state,
                Place::Group(at) => &mut model.groups[*at].state,
                other => model.states.entry(other.clone()).or_default(),
            };
            let stricter = *state >= *known;
            if stricter {
                *known = *state;
            }
            if stricter && *state >= TradingState::CancelOnly {
                model.void_stopped();
            }
            Meant::Done(stricter)
        }
        Event::Rearm(place) => {
            match place {
                Place::Bucket(at) => model.pools[*at].state = TradingState::Active,
                Place::Group(at) => model.groups[*at].state = TradingState::Active,
                other => drop(model.states.remove(other)),
            }
            Meant::Done(true)
        }
        Event::Mark(mark) => Meant::Done(model.mark(*mark)),
        Event::Euro(bid, ask) => {
            model.euro(*bid, *ask);
            Meant::Done(true)
        }
        Event::Load(bucket, instrument, account, quantity, price) => {
            Meant::Done(model.load(*bucket, *instrument, *account, *quantity, *price))
        }
        Event::Move(bucket, group, force) => {
            Meant::Done(model.move_bucket(*bucket, *group, *force))
        }
        Event::Sweep => {
            model.sweep();
            Meant::Done(true)
        }
    }
}

/// The engine and the model side by side.
pub struct Run {
    pub engine: Engine,
    pub model: Model,
    pub past: Vec<Event>,
    pub shape: Shape,
    /// What has no price: the number of a contract, or of them all for the rate.
    skip: u64,
}

impl Run {
    pub fn new(seeds: &[u64], shape: Shape) -> Self {
        let model = world::model(seeds, shape);
        Self {
            engine: world::engine(&model),
            model,
            past: Vec::new(),
            shape,
            skip: u64::MAX,
        }
    }

    /// A run with every contract priced, except where a seed says otherwise.
    pub fn priced(seeds: &[u64], shape: Shape) -> Self {
        let mut run = Self::new(seeds, shape);
        run.skip = seeds.get(9).copied().unwrap_or(0) % 24;
        let _ = run.price();
        run
    }

    /// Prices every contract anew, except where a seed says otherwise.
    pub fn price(&mut self) -> Checked {
        for (instrument, price) in world::BASE.into_iter().enumerate() {
            if self.skip != instrument as u64 {
                let mark = Mark {
                    instrument,
                    mark: Some(price * super::naive::ONE),
                    ..Mark::default()
                };
                self.both(Event::Mark(mark))?;
            }
        }
        if self.skip != CONTRACTS.len() as u64 {
            let (bid, ask) = (super::naive::ONE, super::naive::ONE / 10 * 11);
            self.both(Event::Euro(bid, ask))?;
        }
        Ok(())
    }

    pub fn now(&self) -> Now {
        self.model.now
    }

    pub fn wait(&mut self, nanos: u64) {
        self.model.now = later(self.model.now, nanos);
    }

    /// The next event that random bits make.
    pub fn next(&mut self, bits: u64) -> Event {
        let mut dice = Dice(bits);
        let pause = world::pause(&mut dice);
        self.wait(pause);
        let stirred = Dice(bits.wrapping_mul(0xD129_0DDA_5C5E_0E11).rotate_left(29) ^ bits);
        world::event(&mut { stirred }, &self.model, &self.past, self.shape)
    }

    /// Does an event at both, and compares what they say.
    pub fn both(&mut self, event: Event) -> Result<(Came, Meant), TestCaseError> {
        let came = apply(&self.engine, &event, self.now());
        let meant = imagine(&mut self.model, &event);
        self.model.end_links();
        let agreed = agree(&came, &meant, &self.model);
        self.past.push(event);
        agreed.map_err(|error| self.explain(&error))?;
        Ok((came, meant))
    }

    pub fn step(&mut self, bits: u64) -> Result<(Event, Came, Meant), TestCaseError> {
        let event = self.next(bits);
        let (came, meant) = self.both(event.clone())?;
        Ok((event, came, meant))
    }

    /// A failure with everything that led to it.
    pub fn explain(&self, error: &TestCaseError) -> TestCaseError {
        let mut text = format!("{error}\nafter:\n");
        for (number, event) in self.past.iter().enumerate() {
            text.push_str(&format!("{number}: {event:?}\n"));
        }
        for pool in &self.model.pools {
            text.push_str(&format!(
                "limits of {}: {:?} targets {:?} sources {:?}\n",
                pool.name, pool.rules, pool.targets, pool.sources
            ));
        }
        fail(text)
    }

    /// Every figure of the engine against the model's count (INV2).
    pub fn recount(&self) -> Checked {
        let now = self.now();
        let explain = |error: TestCaseError| self.explain(&error);
        for at in 0..self.model.pools.len() {
            recount_bucket(&self.engine, &self.model, at, now).map_err(explain)?;
        }
        for group in &self.model.groups {
            let counted = self.engine.group(&id(group.name)).unwrap();
            recount_level(&self.model, group, &counted, now).map_err(explain)?;
        }
        let around = self.engine.levels_around();
        for (group, counted) in self.model.around.iter().zip(around) {
            recount_level(&self.model, group, counted, now).map_err(explain)?;
        }
        Ok(())
    }
}

/// Everything that a group, a venue or a counterparty counts, whether or not a limit asks for it.
fn recount_level(model: &Model, group: &naive::Group, counted: &Group, now: Now) -> Checked {
    let what = |text: &str| format!("{text} of {}", group.name);
    let usage = model.level_usage(group);
    let mut state = counted.state.lock();
    state.roll(now);
    let totals = state.totals;
    same(
        &what("totals"),
        (
            totals.totals.gross.units(),
            totals.totals.long.units(),
            totals.totals.short.units(),
            totals.net.units(),
        ),
        (usage.gross, usage.long, usage.short, usage.net),
    )?;
    same(&what("live orders"), state.open_orders, usage.orders)?;
    same(&what("open value"), state.open_value().units(), usage.open)?;
    let traded = state.traded_and_open().unwrap().units();
    same(&what("traded and open"), traded, usage.traded)?;
    let mut reach: Vec<(String, [U; 4])> = state
        .positions()
        .map(|(instrument, reach)| {
            let (apart, together) = (reach.apart, reach.together);
            let ends = [apart.long, apart.short, together.long, together.short];
            (instrument.id.to_string(), ends.map(|end| end.units()))
        })
        .collect();
    reach.sort();
    let named = model
        .contracts
        .iter()
        .map(|contract| contract.name.to_owned());
    let mut expected: Vec<(String, [U; 4])> = named
        .zip(usage.reach.iter().copied())
        .filter(|(_, reach)| *reach != [0; 4])
        .collect();
    expected.sort();
    same(&what("worst-case positions"), reach, expected)?;
    let venues: Vec<(String, U)> = state
        .gross_by_venue()
        .into_iter()
        .map(|(name, sum)| (name, sum.units()))
        .collect();
    let at_venues = usage.venues.iter().filter(|(_, sum)| **sum != 0);
    let at_venues = at_venues.map(|(name, sum)| ((*name).to_owned(), *sum));
    same(&what("gross by venue"), venues, at_venues.collect())?;
    for (dimension, value, _, sum) in state.concentrations() {
        let sums = match dimension {
            Dimension::Venue => &usage.venues,
            _ => &usage.underlyings,
        };
        let expected = sums.get(value).copied().unwrap_or(0);
        same(&what(&format!("set {value}")), sum.units(), expected)?;
    }
    Ok(())
}

/// A live order: id, filled, leaves, reserved, pending, exit, state.
type Live = (String, String, U, U, U, Vec<String>, bool, String);

fn recount_bucket(engine: &Engine, model: &Model, at: usize, now: Now) -> Checked {
    let pool = &model.pools[at];
    let bucket = engine.bucket(&id(pool.name)).unwrap();
    let view = engine.bucket_view(&bucket, now);
    let usage = model.usage(at);
    let what = |text: &str| format!("{text} of bucket {}", pool.name);
    let totals = |gross, long, short| (gross, long, short);
    same(
        &what("totals (gross, long, short)"),
        totals(
            view.totals.gross.units(),
            view.totals.long.units(),
            view.totals.short.units(),
        ),
        totals(usage.gross, usage.long, usage.short),
    )?;
    same(&what("live orders"), view.live_orders, usage.orders)?;
    same(&what("traded and open"), view.traded.units(), usage.traded)?;
    let mut expected = Vec::new();
    for (contract, line) in model.contracts.iter().zip(&usage.lines) {
        if line.position != 0
            || line.buys.open + line.buys.exit + line.sells.open + line.sells.exit != 0
        {
            expected.push((
                contract.name,
                line.position,
                line.buys.open + line.buys.exit,
                line.sells.open + line.sells.exit,
            ));
        }
    }
    expected.sort_unstable();
    let held: Vec<_> = view
        .positions
        .iter()
        .map(|seen| {
            (
                seen.instrument.as_str(),
                seen.quantity.units(),
                seen.open_buys.units(),
                seen.open_sells.units(),
            )
        })
        .filter(|(_, position, buys, sells)| (*position, *buys, *sells) != (0, 0, 0))
        .collect();
    same(&what("positions"), held, expected)?;
    same(&what("fees"), fees_of(&view.positions), paid(model, at))?;
    // Which of two that exclude each other counts in full is the engine's affair; their sum is not.
    let linked = model.has_links(at);
    let seen = engine.live_orders(&bucket, now);
    let reserved: U = seen.iter().map(|seen| seen.reserved.units()).sum();
    same(&what("sum reserved"), reserved, usage.open_value)?;
    let live: Vec<Live> = seen
        .into_iter()
        .map(|seen| {
            (
                seen.key.client.to_string(),
                seen.key.cl_ord_id.to_string(),
                seen.filled.units(),
                seen.leaves.units(),
                if linked { 0 } else { seen.reserved.units() },
                seen.pending.iter().map(ToString::to_string).collect(),
                seen.exit,
                format!("{:?}", seen.state),
            )
        })
        .collect();
    let mut orders: Vec<Live> = model
        .orders
        .iter()
        .filter(|order| order.bucket == at && !order.is_over())
        .map(|order| {
            let hold = order.hold();
            let pending = order
                .versions
                .iter()
                .skip(1)
                .map(|version| version.id.clone())
                .collect();
            (
                order.client.to_string(),
                order.id.clone(),
                order.filled(),
                hold.quantity,
                if linked { 0 } else { hold.value },
                pending,
                order.exit,
                format!("{:?}", order.state(now.mono)),
            )
        })
        .collect();
    orders.sort();
    same(&what("orders"), live, orders)?;
    same(
        &what("being in breach"),
        !view.breach.is_empty(),
        model.is_over(at),
    )?;
    let mut shadowed = BTreeMap::<_, u64>::new();
    for (wall, limit, level) in &pool.shadowed {
        if model.is_today(at, *wall) {
            *shadowed.entry((*limit, *level)).or_default() += 1;
        }
    }
    same(&what("tally in shadow"), view.shadowed, shadowed)?;
    sets(engine, model, at, &usage, now)?;
    if at != QUARANTINE {
        money(engine, model, at)?;
    }
    Ok(())
}

/// Fees: contract, currency, amount.
type Fees = Vec<(String, String, U)>;

/// Fees of positions as they are shown, without what comes to nothing.
fn fees_of(positions: &[PositionView]) -> Fees {
    let of = |seen: &PositionView| -> Fees {
        let fees = seen.fees.iter().filter(|(_, fees)| !fees.is_zero());
        let name = seen.instrument.to_string();
        fees.map(|(currency, fees)| (name.clone(), currency.to_string(), fees.units()))
            .collect()
    };
    let mut all: Fees = positions.iter().flat_map(of).collect();
    all.sort();
    all
}

/// The same, from the fills that stand.
fn paid(model: &Model, at: usize) -> Fees {
    let orders = model.orders.iter().filter(|order| order.bucket == at);
    let fills = orders.flat_map(|order| order.fills.iter().map(|fill| (order.instrument, fill)));
    let loose = model.loose.iter().filter(|loose| loose.bucket == at);
    let all = fills.chain(loose.map(|loose| (loose.instrument, &loose.fill)));
    let mut sums = std::collections::BTreeMap::<(String, String), U>::new();
    for (instrument, fill) in all.filter(|(_, fill)| !fill.void) {
        let contract = &model.contracts[instrument];
        let own = || contract.money().to_owned();
        let currency = fill.fee_in.clone().unwrap_or_else(own);
        *sums
            .entry((contract.name.to_owned(), currency))
            .or_default() += fill.fee;
    }
    let sums = sums.into_iter().filter(|(_, fees)| *fees != 0);
    sums.map(|((name, currency), fees)| (name, currency, fees))
        .collect()
}

/// Sums of the concentration limits.
fn sets(
    engine: &Engine,
    model: &Model,
    at: usize,
    usage: &super::naive::Usage,
    now: Now,
) -> Checked {
    use bulkhead::domain::decision::{Dimension, Reason};
    let pool = &model.pools[at];
    if pool.rules.sets.is_empty() {
        return Ok(());
    }
    let bucket = engine.bucket(&id(pool.name)).unwrap();
    for line in engine
        .usage(&bucket, now)
        .iter()
        .filter(|line| line.reason == Reason::Concentration)
    {
        let set = match line.dimension {
            Some(Dimension::Venue) => super::naive::Set::Venue,
            _ => super::naive::Set::Underlying,
        };
        let counted = model.in_set(at, usage, set, &line.scope);
        same(
            &format!("sum of {} in bucket {}", line.scope, pool.name),
            line.usage,
            counted,
        )?;
    }
    Ok(())
}

/// Money is made by fills only: realised − cost = −Σ signed value of the fills that stand (linear contracts).
fn money(engine: &Engine, model: &Model, at: usize) -> Checked {
    use bulkhead::domain::order::Side;
    let pool = &model.pools[at];
    let bucket = engine.bucket(&id(pool.name)).unwrap();
    let state = bucket.state.lock();
    for holding in state.holdings() {
        let name = holding.listed.instrument.id.to_string();
        let number = CONTRACTS
            .iter()
            .position(|contract| contract.name == name)
            .unwrap();
        let contract = &CONTRACTS[number];
        if contract.inverse {
            continue;
        }
        let orders = model
            .orders
            .iter()
            .filter(|order| order.bucket == at && order.instrument == number);
        let fills = orders.flat_map(|order| order.fills.iter().map(|fill| (order.side, fill)));
        let loose = model
            .loose
            .iter()
            .filter(|loose| loose.bucket == at && loose.instrument == number);
        let all = fills.chain(loose.map(|loose| (loose.side, &loose.fill)));
        let all: Vec<_> = all.filter(|(_, fill)| !fill.void).collect();
        let value = all.iter().map(|(side, fill)| {
            let price = fill.price * (contract.multiplier / super::naive::ONE);
            let value = fill.quantity * price / super::naive::ONE;
            if *side == Side::Buy { value } else { -value }
        });
        let value: U = value.sum();
        let made = holding.book.realised.units() - holding.book.cost.units();
        // A price off the tick leaves a digit beyond the twelfth: each fill, split at zero, may round two of them.
        let rounded = 2 * U::try_from(all.len()).unwrap();
        let made = if (made + value).abs() <= rounded {
            -value
        } else {
            made
        };
        same(
            &format!("money of {name} in bucket {}", pool.name),
            made,
            -value,
        )?;
        if holding.line.position.is_zero() {
            same("cost of no position", holding.book.cost.units(), 0)?;
        }
    }
    Ok(())
}

/// Findings as the engine gives them, with figures only where the model has them too.
fn findings(outcome: &Outcome) -> Vec<Finding> {
    let list = match outcome {
        Outcome::Rejected(list) => list,
        Outcome::Rerouted { because, .. } => because,
        Outcome::Approved(_) => return Vec::new(),
    };
    plain(list)
}

fn plain(list: &[bulkhead::domain::decision::Finding]) -> Vec<Finding> {
    let mut found: Vec<Finding> = list
        .iter()
        .map(|finding| Finding {
            reason: finding.reason,
            level: finding.level,
            by_venue: finding.dimension == Some(Dimension::Venue),
            figures: finding
                .figures
                .map(|figures| (figures.limit, figures.before, figures.after)),
        })
        .collect();
    found.dedup_by_key(|finding| {
        let Finding {
            reason,
            level,
            by_venue,
            figures,
        } = *finding;
        (reason, level, by_venue, figures)
    });
    found
}

/// Figures that a group keeps to itself are not compared.
fn alike(engine: &[Finding], model: &[Finding]) -> bool {
    engine.len() == model.len()
        && engine.iter().zip(model).all(|(one, other)| {
            (one.reason, one.level, one.by_venue) == (other.reason, other.level, other.by_venue)
                && (one.figures.is_none() || one.figures == other.figures)
        })
}

fn agree(came: &Came, meant: &Meant, model: &Model) -> Checked {
    match (came, meant) {
        (Came::Answer(answer), Meant::Said(said)) => {
            said_the_same(answer, said, &model.shadow, model)
        }
        (Came::Together(answer), Meant::Together(said)) => said_together(answer, said, model),
        (Came::Receipt(receipt), Meant::Notes(Some(notes))) => {
            same("notes", flags(receipt), *notes)
        }
        (Came::Refused, Meant::Notes(None)) => Ok(()),
        (Came::Done(one), Meant::Done(other)) => same("change", *one, *other),
        _ => Err(fail(format!("engine {came:?}\n  model {meant:?}"))),
    }
}

fn said_together(answer: &BasketAnswer, said: &Together, model: &Model) -> Checked {
    same("replayed", answer.replayed, said.replayed)?;
    if said.replayed {
        return Ok(());
    }
    same("broken", answer.broken, said.broken)?;
    same("failed leg", answer.failed, said.failed)?;
    same("legs reached", answer.legs.len(), said.legs.len())?;
    let cancel: Vec<String> = answer
        .cancel
        .iter()
        .map(|key| key.cl_ord_id.to_string())
        .collect();
    same("to cancel", cancel, said.cancel.clone())?;
    let told = said.legs.iter().zip(&said.shadows);
    for (at, (leg, (said, hidden))) in answer.legs.iter().zip(told).enumerate() {
        if answer.failed.is_some_and(|failed| at < failed) {
            // It would have passed by itself, and must not be taken for an approval.
            let found = findings(&leg.decision.outcome);
            let reasons: Vec<Reason> = found.iter().map(|finding| finding.reason).collect();
            same(
                "a leg before the one that failed",
                reasons,
                vec![Reason::BasketRejected],
            )?;
        } else {
            said_the_same(leg, said, hidden, model)?;
        }
    }
    Ok(())
}

fn said_the_same(answer: &Answer, said: &Said, hidden: &[Finding], model: &Model) -> Checked {
    if *said == Said::Replayed || answer.replayed {
        return same("replayed", answer.replayed, *said == Said::Replayed);
    }
    let shadow = plain(&answer.decision.shadow);
    if !alike(&shadow, hidden) {
        return same("what is in shadow", shadow, hidden.to_vec());
    }
    let found = findings(&answer.decision.outcome);
    let place = |bucket: usize, account: usize| {
        let (venue, account) = model.pools[bucket].accounts[account];
        format!("{} {venue} {account}", model.pools[bucket].name)
    };
    let route = answer
        .decision
        .route()
        .map(|route| format!("{} {} {}", route.bucket, route.venue, route.account));
    match (&answer.decision.outcome, said) {
        (
            Outcome::Approved(_),
            Said::Approved {
                bucket,
                account,
                quantity,
                exit,
            },
        ) => {
            same("route", route, Some(place(*bucket, *account)))?;
            same("quantity", answer.decision.quantity.units(), *quantity)?;
            same("exit", answer.exit, *exit)
        }
        (Outcome::Rejected(_), Said::Rejected(model)) if alike(&found, model) => Ok(()),
        (
            Outcome::Rerouted { .. },
            Said::Rerouted {
                bucket,
                account,
                quantity,
                because,
            },
        ) if alike(&found, because) => {
            same("route", route, Some(place(*bucket, *account)))?;
            let state = answer.order_state;
            let waits = state == Some(OrderState::AwaitingAcceptance);
            same("waiting to be accepted", waits, answer.offered)?;
            same("quantity", answer.decision.quantity.units(), *quantity)
        }
        (outcome, said) => Err(fail(format!(
            "decision\n  engine {outcome:?}\n  model  {said:?}"
        ))),
    }
}

fn flags(receipt: &Receipt) -> Notes {
    let has = |flag| receipt.flags.contains(&flag);
    Notes {
        duplicate: has(ReportFlag::Duplicate),
        late: has(ReportFlag::LateFill),
        overfill: has(ReportFlag::Overfill),
        unknown: has(ReportFlag::UnknownOrder),
        quarantined: has(ReportFlag::Quarantined),
        mismatch: has(ReportFlag::ExecMismatch),
        parked: has(ReportFlag::BustParked),
        owed: has(ReportFlag::OwedFills),
        elsewhere: has(ReportFlag::RouteViolation),
        other_bucket: has(ReportFlag::BucketMismatch),
        unaccepted: has(ReportFlag::RouteNotAccepted),
    }
}

/// Hashes of all buckets and groups.
pub fn hashes(engine: &Engine, now: Now) -> Vec<(String, [u8; 32])> {
    let mut all: Vec<(String, [u8; 32])> = engine
        .all_buckets()
        .iter()
        .map(|bucket| (bucket.id.to_string(), engine.bucket_hash(bucket, now)))
        .collect();
    let groups = engine.all_groups();
    all.extend(
        groups
            .iter()
            .map(|group| (group.id.to_string(), engine.group_hash(group, now))),
    );
    all.sort();
    all
}

/// Whether an order state is an end.
pub fn is_end(state: Option<OrderState>) -> bool {
    state.is_some_and(OrderState::is_terminal)
}
