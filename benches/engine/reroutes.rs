//! What a reroute costs beside an approval: the source refuses for want of room, the first target it names approves.

use std::error::Error;

use bulkhead::domain::decision::Outcome;
use bulkhead::domain::order::{Order, RerouteConsent};
use bulkhead::engine::setup::{BucketSetup, InboundRule, RerouteRule, RouteTarget};

use super::gateway;
use super::options::Effort;
use super::subject::{SPACING, Subject};
use super::support::report::{Bar, Ratio, Report, Row};
use super::support::rounds::{Spread, Table, nanos_each};
use super::support::{clock, orders};

const REROUTE_MAX: f64 = 2.5;
const TARGET: &str = "bench-target";

pub fn measure(effort: &Effort, report: &mut Report) -> Result<(), Box<dyn Error>> {
    let count = effort.orders;
    let expected = count * (effort.rounds + effort.retries) + 1;
    let every = gateway::every_limit();
    let mut direct = Subject::expecting(expected, 1, &every);
    let mut full = every.clone();
    full.gross_notional_max = Some(gateway::amount("0.5"));
    let mut source = Subject::expecting(expected, 0, &every);
    let name = gateway::bucket_name(0);
    let account = || (gateway::id(orders::VENUE), gateway::id(orders::ACCOUNT));
    let (venue, other) = (gateway::id(orders::VENUE), gateway::id("other"));
    let setups = [
        BucketSetup {
            parent: Some(gateway::id("desk-0")),
            accounts: vec![account()],
            reroute: RerouteRule {
                targets: vec![RouteTarget {
                    bucket: Some(gateway::id(TARGET)),
                    venue: gateway::id(orders::VENUE),
                    account: gateway::id("other"),
                }],
                tries: 0,
            },
            ..BucketSetup::bare(gateway::id(&name), full)
        },
        BucketSetup {
            parent: Some(gateway::id("desk-0")),
            accounts: vec![(venue, other)],
            inbound: vec![InboundRule {
                from: gateway::id(&name),
                notional_max: gateway::amount("1000000000000"),
            }],
            inbound_total_max: Some(gateway::amount("1000000000000")),
            ..BucketSetup::bare(gateway::id(TARGET), every)
        },
    ];
    // The target first: the source names it.
    for setup in setups.into_iter().rev() {
        source.engine.create_bucket(setup)?;
    }
    let table = Table::measure(effort.rounds, effort.retries, || {
        let orders = batch(&mut direct, count, RerouteConsent::No);
        let approved = direct.approve(&orders)?;
        let orders = batch(&mut source, count, RerouteConsent::AutoAccept);
        let (cpu, rerouted) = clock::thread_cpu_of(|| {
            let mut rerouted = 0;
            for order in &orders {
                gateway::pass(&mut source.now, SPACING);
                let answer = source.engine.decide(order, source.now, false)?;
                rerouted +=
                    usize::from(matches!(answer.decision.outcome, Outcome::Rerouted { .. }));
            }
            Ok::<_, Box<dyn Error>>(rerouted)
        });
        let rerouted = rerouted?;
        if rerouted != count {
            return Err(format!("rerouted {rerouted} of {count} orders").into());
        }
        Ok::<_, Box<dyn Error>>(vec![nanos_each(approved, count), nanos_each(cpu, count)])
    })?;
    let mut row = |name: &str, spread: Spread| {
        report.row(Row {
            name: name.to_owned(),
            unit: "ns",
            spread,
            also: Vec::new(),
            noise: table.noise,
        });
    };
    row(
        "reroute/approve, one bucket",
        table.spread(0).ok_or("no round")?,
    );
    row(
        "reroute/to the first target",
        table.spread(1).ok_or("no round")?,
    );
    report.ratio(Ratio {
        name: "a reroute to an approve".to_owned(),
        value: table.ratio(1, 0).ok_or("no round")?.median,
        bar: Some(Bar::AtMost(REROUTE_MAX)),
    });
    Ok(())
}

fn batch(subject: &mut Subject, count: usize, consent: RerouteConsent) -> Vec<Order> {
    let mut orders = subject.supply.batch(count);
    for order in &mut orders {
        order.attributes.reroute = consent;
        order.account = None;
    }
    orders
}
