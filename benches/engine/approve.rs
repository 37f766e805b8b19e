//! What one decision costs on one thread: approvals with every limit and with none, over one bucket and very many; an order's whole life;
//! a stored answer given again; a what-if; a reject.

use std::error::Error;
use std::time::Duration;

use bulkhead::domain::basket::Basket;
use bulkhead::domain::decision::Outcome;
use bulkhead::domain::order::{Order, OrderKey};
use bulkhead::risk::limits::Limits;

use super::gateway;
use super::options::{Effort, MANY, Options};
use super::subject::{SPACING, Subject, lives};
use super::support::machine::Watch;
use super::support::report::{Bar, Ratio, Report, Row};
use super::support::rounds::{Spread, Table, nanos_each};
use super::support::{clock, orders};

const FEW: usize = 1_000;
const APPROVE_MAX: f64 = 1_000.0;
const MANY_ADD_MAX: f64 = 1_500.0;
/// Buckets warmed up at a time.
const BATCH: usize = 50_000;

/// Figures that are taken by one call in every round.
struct Cell {
    names: Vec<String>,
    run: Run,
}

type Run = Box<dyn FnMut() -> Result<Vec<f64>, Box<dyn Error>>>;

impl Cell {
    fn one(
        name: String,
        count: usize,
        mut run: impl FnMut() -> Result<Duration, Box<dyn Error>> + 'static,
    ) -> Self {
        Self {
            names: vec![name],
            run: Box::new(move || Ok(vec![nanos_each(run()?, count)])),
        }
    }
}

pub fn measure(options: &Options, report: &mut Report) -> Result<(), Box<dyn Error>> {
    let (effort, many) = (&options.effort, options.many);
    let every = gateway::every_limit();
    let said = "every check on";
    let mut cells = vec![
        whole_lives(&every, effort),
        replays(&every, effort)?,
        what_ifs(&every, effort)?,
        refusals(false, effort)?,
        refusals(true, effort)?,
        baskets(&every, effort),
    ];
    let none = Limits::unlimited(gateway::id(orders::SETTLEMENT));
    cells.extend(approvals("no limit", &none, &[1, FEW], options, report)?);
    cells.extend(approvals(said, &every, &[1, FEW, many], options, report)?);
    let table = take_turns(cells, effort, report)?;
    for buckets in [1, FEW] {
        let name = name(said, buckets);
        report.held(
            "ns",
            Ratio {
                value: table.median(&name)?,
                name,
                bar: Some(Bar::AtMost(APPROVE_MAX)),
            },
        );
    }
    let (of, less) = (
        table.column(&name(said, many))?,
        table.column(&name(said, FEW))?,
    );
    let added = table.figures.difference(of, less).ok_or("no round")?;
    report.held(
        "ns",
        Ratio {
            name: format!("{many} buckets add to the approve of {FEW}"),
            value: added.median,
            bar: (many >= MANY).then_some(Bar::AtMost(MANY_ADD_MAX)),
        },
    );

    // Apart, so that very many buckets are there once only.
    let cells = approvals("no limit", &none, &[many], options, report)?;
    take_turns(cells, effort, report).map(drop)
}

fn name(limits: &str, buckets: usize) -> String {
    match buckets {
        1 => format!("approve/{limits}, one bucket"),
        _ => format!("approve/{limits}, {buckets} buckets"),
    }
}

/// Figures with the names of their columns.
struct Named {
    names: Vec<String>,
    figures: Table,
}

impl Named {
    fn column(&self, name: &str) -> Result<usize, Box<dyn Error>> {
        let at = self.names.iter().position(|known| known == name);
        Ok(at.ok_or("no such line")?)
    }

    fn median(&self, name: &str) -> Result<f64, Box<dyn Error>> {
        let spread = self.figures.spread(self.column(name)?);
        Ok(spread.ok_or("no round")?.median)
    }
}

/// Takes all cells in turns, and reports a line for each name.
fn take_turns(
    mut cells: Vec<Cell>,
    effort: &Effort,
    report: &mut Report,
) -> Result<Named, Box<dyn Error>> {
    let figures = Table::measure(effort.rounds, effort.retries, || {
        let mut round = Vec::new();
        for cell in &mut cells {
            round.extend((cell.run)()?);
        }
        Ok::<_, Box<dyn Error>>(round)
    })?;
    let names: Vec<String> = cells.iter().flat_map(|cell| cell.names.clone()).collect();
    for (column, name) in names.iter().enumerate() {
        report.row(Row {
            name: name.clone(),
            unit: "ns",
            spread: figures.spread(column).ok_or("no round")?,
            also: Vec::new(),
            noise: figures.noise,
        });
    }
    Ok(Named { names, figures })
}

/// New orders over so many buckets, each of which had one before.
fn approvals(
    said: &str,
    limits: &Limits,
    sizes: &[usize],
    options: &Options,
    report: &mut Report,
) -> Result<Vec<Cell>, Box<dyn Error>> {
    let mut cells = Vec::new();
    let count = options.effort.orders;
    for &buckets in sizes {
        let expected = buckets + count * options.effort.rounds;
        let mut subject = Subject::expecting(expected, buckets, limits);
        let watch = Watch::start(&[]);
        let first = warm_up(&mut subject, buckets)?;
        if buckets == options.many {
            report.row(Row {
                name: format!("{}, first order of each", name(said, buckets)),
                unit: "ns",
                spread: first.ok_or("no bucket")?,
                also: Vec::new(),
                noise: watch.noise(),
            });
        }
        cells.push(Cell::one(name(said, buckets), count, move || {
            subject.approve_new(count)
        }));
    }
    Ok(cells)
}

/// Gives every bucket its first order, which opens what it keeps of the instrument; cost of each by batches.
fn warm_up(subject: &mut Subject, buckets: usize) -> Result<Option<Spread>, Box<dyn Error>> {
    let mut batches = Vec::new();
    for from in (0..buckets).step_by(BATCH) {
        let orders = subject.supply.one_each(from, (from + BATCH).min(buckets));
        batches.push(nanos_each(subject.approve(&orders)?, orders.len()));
    }
    Ok(Spread::of(&batches))
}

/// As many orders come as end: a thousand live at a time.
fn whole_lives(limits: &Limits, effort: &Effort) -> Cell {
    let mut subject = Subject::new(FEW, limits);
    let count = effort.orders;
    let names = ["decide", "new", "fill to the end", "all three"]
        .map(|step| format!("life/{step}, {FEW} buckets, {FEW} orders live"));
    Cell {
        names: names.to_vec(),
        run: Box::new(move || {
            let orders = subject.supply.batch(count);
            let cpu = lives(&mut subject, &orders, FEW)?;
            let steps = cpu.map(|cpu| nanos_each(cpu, count));
            let all = steps.iter().sum();
            Ok(steps.into_iter().chain([all]).collect())
        }),
    }
}

/// Orders that were answered before, in the order they first came.
fn replays(limits: &Limits, effort: &Effort) -> Result<Cell, Box<dyn Error>> {
    let mut subject = Subject::new(FEW, limits);
    let count = effort.orders;
    let known = subject.supply.batch(2 * count);
    subject.approve(&known)?;
    let mut second_half = false;
    let name = "a stored answer given again".to_owned();
    Ok(Cell::one(name, count, move || {
        second_half = !second_half;
        let (one, other) = known.split_at(count);
        let orders = if second_half { other } else { one };
        let (cpu, replayed) = clock::thread_cpu_of(|| {
            let mut replayed = 0;
            for order in orders {
                gateway::pass(&mut subject.now, SPACING);
                let answer = subject.engine.decide(order, subject.now, false)?;
                replayed += usize::from(answer.replayed);
            }
            Ok::<_, Box<dyn Error>>(replayed)
        });
        expect(replayed?, count, "replayed")?;
        Ok(cpu)
    }))
}

/// Orders that are only asked about, in buckets that have live ones.
fn what_ifs(limits: &Limits, effort: &Effort) -> Result<Cell, Box<dyn Error>> {
    let mut subject = Subject::new(FEW, limits);
    let count = effort.orders;
    warm_up(&mut subject, FEW)?;
    let name = "what-if, every check on".to_owned();
    Ok(Cell::one(name, count, move || {
        let orders = subject.supply.batch(count);
        let (cpu, approved) = clock::thread_cpu_of(|| {
            let mut approved = 0;
            for order in &orders {
                gateway::pass(&mut subject.now, SPACING);
                let answer = subject.engine.what_if(order, subject.now, false)?;
                approved += usize::from(answer.decision.route().is_some());
            }
            Ok::<_, Box<dyn Error>>(approved)
        });
        expect(approved?, count, "approved")?;
        Ok(cpu)
    }))
}

/// New orders of one bucket in baskets of ten: the cost of one leg, to be held beside that of an order by itself.
fn baskets(limits: &Limits, effort: &Effort) -> Cell {
    const LEGS: usize = 10;
    let count = effort.orders;
    let mut subject = Subject::expecting(1 + count * effort.rounds, 1, limits);
    let mut number = 0_u64;
    let name = "approve/every check on, one bucket, each leg of a basket of ten".to_owned();
    Cell::one(name, count / LEGS * LEGS, move || {
        let orders = subject.supply.batch(count);
        let mut made = Vec::new();
        for legs in orders.chunks_exact(LEGS) {
            number += 1;
            let first = legs.first().ok_or("no legs")?;
            let key = OrderKey {
                client: first.key.client.clone(),
                cl_ord_id: gateway::id(&format!("basket-{number}")),
            };
            let basket = Basket::new(key, legs.to_vec());
            made.push(basket.map_err(|flaw| format!("{flaw:?}"))?);
        }
        let (cpu, approved) = clock::thread_cpu_of(|| {
            let mut approved = 0;
            for basket in &made {
                gateway::pass(&mut subject.now, SPACING);
                let answer = subject.engine.decide_basket(basket, subject.now, false)?;
                approved += usize::from(answer.approved());
            }
            Ok::<_, Box<dyn Error>>(approved)
        });
        expect(approved?, made.len(), "approved")?;
        Ok(cpu)
    })
}

/// Orders that break nearly every limit there is.
fn refusals(figures: bool, effort: &Effort) -> Result<Cell, Box<dyn Error>> {
    let mut subject = Subject::new(FEW, &gateway::no_room());
    let count = effort.orders;
    let first = subject.supply.batch(FEW);
    let (_, broken) = refuse(&mut subject, &first, figures)?;
    let also = if figures { ", all figures told" } else { "" };
    let name = format!("reject, {broken} findings{also}");
    Ok(Cell::one(name, count, move || {
        let orders = subject.supply.batch(count);
        Ok(refuse(&mut subject, &orders, figures)?.0)
    }))
}

/// Decides orders that all have to be rejected; CPU time of all, and how many findings the last one had.
pub fn refuse(
    subject: &mut Subject,
    orders: &[Order],
    figures: bool,
) -> Result<(Duration, usize), Box<dyn Error>> {
    let (cpu, told) = clock::thread_cpu_of(|| {
        let (mut rejected, mut findings) = (0, 0);
        for order in orders {
            gateway::pass(&mut subject.now, SPACING);
            let answer = subject.engine.decide(order, subject.now, figures)?;
            if let Outcome::Rejected(broken) = &answer.decision.outcome {
                rejected += 1;
                findings = broken.len();
            }
        }
        Ok::<_, Box<dyn Error>>((rejected, findings))
    });
    let (rejected, findings) = told?;
    expect(rejected, orders.len(), "rejected")?;
    Ok((cpu, findings))
}

fn expect(done: usize, of: usize, what: &str) -> Result<(), Box<dyn Error>> {
    if done == of {
        Ok(())
    } else {
        Err(format!("{what} {done} of {of} orders").into())
    }
}
