//! Orders and replaces: ids that come again, targets of reroutes, and what an approval leaves behind.

use bulkhead::domain::decision::{Level, Reason};
use bulkhead::domain::order::{Order, Replace, RerouteConsent, Size};
use bulkhead::domain::report::Report;

use super::bench::{Ask, CAPACITY, Judged, use_of};
use super::{Content, DAY, Finding, Model, RETENTION, Said, Slot};

impl Model {
    pub(super) fn find_account(
        &self,
        bucket: usize,
        venue: &str,
        account: Option<&str>,
    ) -> Option<usize> {
        let mut fitting =
            self.pools[bucket]
                .accounts
                .iter()
                .enumerate()
                .filter(|(_, (own_venue, own))| {
                    *own_venue == venue && account.is_none_or(|account| account == *own)
                });
        let (at, _) = fitting.next()?;
        fitting.next().is_none().then_some(at)
    }

    fn attempt(&mut self, bucket: usize, exit: bool) {
        let now = self.now.mono;
        let pool = &mut self.pools[bucket];
        if let Some(limit) = &pool.rules.rate {
            let (_, _, reserve) = use_of(&pool.attempts, limit, now, exit);
            pool.attempts.push((now, reserve));
        }
    }

    /// Notes what limits in shadow would have refused.
    fn tally(&mut self, bucket: usize, judged: &Judged) {
        let wall = self.now.wall;
        let all = judged.shadowed.iter();
        let all = all.map(|(limit, level)| (wall, *limit, *level));
        self.pools[bucket].shadowed.extend(all);
    }

    fn commit(&mut self, ask: &Ask, judged: Judged) -> usize {
        let now = self.now;
        self.tally(ask.bucket, &judged);
        let after = judged.after.unwrap();
        self.count_above(ask, judged.added, judged.reserve);
        self.attempt(ask.bucket, judged.reserve);
        let pool = &mut self.pools[ask.bucket];
        if pool.rules.notional_rate.is_some() {
            pool.notionals.push((now.mono, judged.added));
        }
        if let (Some(source), None) = (ask.source, ask.replaces) {
            pool.inbound.push((now.wall, source, judged.added));
        }
        match ask.replaces {
            Some(at) => {
                if let Some(source) = after.source {
                    pool.inbound.push((now.wall, source, judged.added));
                }
                self.orders[at] = after;
                at
            }
            None => {
                if pool.rules.alike.is_some() {
                    pool.alike.push((
                        now.mono,
                        ask.instrument,
                        ask.side,
                        judged.quantity,
                        ask.terms,
                    ));
                }
                self.orders.push(after);
                self.orders.len() - 1
            }
        }
    }

    fn ask(&self, order: &Order, bucket: usize, to: Option<(&str, &str)>) -> Result<Ask, Reason> {
        let instrument = self
            .contracts
            .iter()
            .position(|contract| contract.name == order.instrument.as_str())
            .ok_or(Reason::UnknownInstrument)?;
        let account = match to {
            Some((venue, account)) => self.find_account(bucket, venue, Some(account)),
            None => self.find_account(
                bucket,
                order.venue.as_str(),
                order.account.as_ref().map(|account| account.as_str()),
            ),
        };
        Ok(Ask {
            client: order.key.client.clone(),
            id: order.key.cl_ord_id.to_string(),
            bucket,
            instrument,
            account: account.ok_or(Reason::RouteNotConfigured)?,
            side: order.side,
            terms: order.terms,
            time_in_force: order.time_in_force,
            display: order.display.map(|shown| shown.units()),
            size: order.size,
            reduce_only: order.attributes.reduce_only,
            post_only: order.attributes.post_only,
            short_sale: order.attributes.short_sale,
            located: order.attributes.located,
            replaces: None,
            source: None,
            link: None,
            offered: None,
        })
    }

    pub(super) fn mismatch() -> Said {
        Said::Rejected(vec![Finding {
            reason: Reason::DuplicateMismatch,
            level: Level::Order,
            by_venue: false,
            figures: None,
        }])
    }

    /// Ids that a client may use: for exits a tenth more. None where nothing limits them.
    pub(super) fn quota(&self, client: &str, exit: bool) -> Option<u32> {
        let quota = *self.quotas.get(client)?;
        Some(if exit { quota + quota / 10 } else { quota })
    }

    /// Ids of a client that count.
    pub(super) fn used(&self, client: &str) -> u32 {
        let own = self.slots.iter().filter(|((of, _), _)| of == client);
        let counted = own.filter(|(_, slot)| slot.counted).count();
        u32::try_from(counted).unwrap() + self.giving_way
    }

    /// Whether an answer is stored under its id: not where the quota itself refused it, nor beyond what is kept for exits.
    pub(super) fn is_stored(&self, client: &str, said: &Said) -> bool {
        match said {
            Said::Rejected(findings) => {
                let by_quota = |finding: &Finding| finding.reason == Reason::ClientQuota;
                let room = self
                    .quota(client, true)
                    .is_none_or(|quota| self.used(client) < quota);
                room && !findings.iter().any(by_quota)
            }
            _ => true,
        }
    }

    /// Whether a key stands for its request: until its day is over, and its order too, whichever of the order's ids it is (A11).
    pub fn stands(&self, client: &str, id: &str) -> bool {
        let slot = self.slots.get(&(client.to_owned(), id.to_owned()));
        slot.is_some_and(|slot| {
            slot.until > self.now.wall || slot.order.is_some_and(|at| !self.orders[at].is_over())
        })
    }

    /// Gives a key to another request. The order that had it as its first id is not known any more.
    pub(super) fn give(&mut self, key: (String, String), slot: Slot) {
        if let Some(at) = self.slots.get(&key).and_then(|old| old.order)
            && self.orders[at].id == key.1
        {
            self.orders[at].gone = true;
        }
        self.slots.insert(key, slot);
    }

    /// Forgets what is past: executions and orders that are over when nothing was told of them for long, and keys of earlier days.
    pub fn sweep(&mut self) {
        for at in 0..self.orders.len() {
            if self.orders[at].is_offered() && self.now.mono >= self.orders[at].deadline {
                self.told_of(at);
            }
        }
        let now = self.now.wall;
        self.execs.retain(|_, exec| exec.last + RETENTION > now);
        for order in self.orders.iter_mut().filter(|order| order.is_over()) {
            let own = (order.client.to_string(), order.id.clone());
            let today = self.slots.get(&own).is_some_and(|slot| slot.until > now);
            order.gone |= !today && order.last + RETENTION <= now;
        }
        let orders = &self.orders;
        for ((_, id), slot) in &mut self.slots {
            // The first id of an order counts as long as the order lives.
            let own = slot.order.map(|at| &orders[at]);
            let lives = own.is_some_and(|order| order.id == *id && !order.is_over());
            slot.counted &= slot.until > now || lives;
        }
        self.slots
            .retain(|_, slot| slot.until > now || slot.order.is_some_and(|at| !orders[at].gone));
    }

    /// Whether an execution would be known if it came again.
    pub fn remembers(&self, report: &Report) -> bool {
        let exec = report.exec_id.as_ref();
        exec.is_some_and(|exec| {
            self.execs
                .contains_key(&self.at_venue(report, exec.as_str()))
        })
    }

    /// A new order; `commit` is false for a what-if.
    pub fn decide(&mut self, order: &Order, commit: bool) -> Said {
        self.decide_linked(order, None, commit)
    }

    pub(super) fn decide_linked(
        &mut self,
        order: &Order,
        link: Option<(usize, usize)>,
        commit: bool,
    ) -> Said {
        self.shadow.clear();
        let key = (
            order.key.client.to_string(),
            order.key.cl_ord_id.to_string(),
        );
        if self.stands(&key.0, &key.1) {
            let slot = &self.slots[&key];
            return match &slot.content {
                Content::Order(known) if known == order => Said::Replayed,
                _ => Self::mismatch(),
            };
        }
        let bucket = self
            .pools
            .iter()
            .position(|pool| pool.name == order.bucket.as_str())
            .unwrap();
        let (said, at) = self.place(order, bucket, link, commit);
        if commit && self.is_stored(&key.0, &said) {
            // The day is that of the bucket that took it.
            let until = self.day_end(at.map_or(bucket, |at| self.orders[at].bucket));
            let content = Content::Order(order.clone());
            self.give(
                key,
                Slot {
                    content,
                    order: at,
                    until,
                    counted: true,
                },
            );
        }
        said
    }

    fn place(
        &mut self,
        order: &Order,
        bucket: usize,
        link: Option<(usize, usize)>,
        commit: bool,
    ) -> (Said, Option<usize>) {
        let ask = match self.ask(order, bucket, None) {
            Ok(ask) => Ask { link, ..ask },
            Err(reason) => {
                if commit {
                    self.attempt(bucket, false);
                }
                let level = if reason == Reason::UnknownInstrument {
                    Level::Instrument
                } else {
                    Level::Bucket
                };
                return (Said::Rejected(Self::refused(reason, level).findings), None);
            }
        };
        let first = self.meet(bucket, ask.instrument);
        let judged = self.judge(&ask);
        if first && !(commit && judged.findings.is_empty()) {
            self.part(bucket, ask.instrument);
        }
        self.shadow.clone_from(&judged.shadow);
        if judged.findings.is_empty() {
            let said = Said::Approved {
                bucket,
                account: ask.account,
                quantity: judged.quantity,
                exit: judged.exit,
            };
            return (said, commit.then(|| self.commit(&ask, judged)));
        }
        let asks = order.attributes.reroute == RerouteConsent::Acknowledge;
        let may = order.attributes.reroute != RerouteConsent::No
            && !judged.exit
            && !judged.reduces
            && !ask.reduce_only
            && judged
                .findings
                .iter()
                .all(|finding| CAPACITY.contains(&finding.reason));
        if may {
            let tries = if self.pools[bucket].tries == 0 {
                4
            } else {
                self.pools[bucket].tries
            };
            let targets = self.pools[bucket].targets.clone();
            for target in targets.iter().take(tries) {
                let to = target.bucket.unwrap_or(bucket);
                let Ok(mut second) = self.ask(order, to, Some(target.account)) else {
                    continue;
                };
                let common = |level: Level| {
                    let at = |bucket, account| {
                        let over = self.over(bucket, account);
                        over.iter()
                            .find(|group| group.level == level)
                            .map(|it| it.name)
                    };
                    let source = at(bucket, ask.account);
                    source.is_some() && source == at(to, second.account)
                };
                // What a group lets into one venue says nothing of another.
                let elsewhere = target.account.0 != self.pools[bucket].accounts[ask.account].0;
                let binds = |finding: &Finding| !(finding.by_venue && elsewhere);
                let bound = judged.findings.iter().filter(|finding| binds(finding));
                if bound.into_iter().any(|finding| common(finding.level)) {
                    continue;
                }
                second.source = (to != bucket).then_some(bucket);
                second.offered = asks.then(|| (bucket, order.venue.to_string()));
                let first = self.meet(to, second.instrument);
                let there = self.judge(&second);
                if first && !(commit && there.findings.is_empty()) {
                    self.part(to, second.instrument);
                }
                if !there.findings.is_empty() {
                    continue;
                }
                let said = Said::Rerouted {
                    bucket: to,
                    account: second.account,
                    quantity: there.quantity,
                    because: judged.findings,
                };
                // Of another bucket nothing is told, not even what it holds in shadow.
                self.shadow.clone_from(if to == bucket {
                    &there.shadow
                } else {
                    &judged.shadow
                });
                // One order is one attempt in a bucket, whichever of its accounts takes it.
                if commit && to != bucket {
                    self.attempt(bucket, judged.reserve);
                }
                return (said, commit.then(|| self.commit(&second, there)));
            }
        }
        if commit {
            self.attempt(bucket, judged.reserve);
            self.tally(bucket, &judged);
        }
        (Said::Rejected(judged.findings), None)
    }

    /// A replace; `commit` is false for a what-if.
    pub fn replace(&mut self, replace: &Replace, commit: bool) -> Said {
        self.shadow.clear();
        let key = (
            replace.key.client.to_string(),
            replace.key.cl_ord_id.to_string(),
        );
        if self.stands(&key.0, &key.1) {
            let slot = &self.slots[&key];
            return match &slot.content {
                Content::Replace(known) if known == replace => Said::Replayed,
                _ => Self::mismatch(),
            };
        }
        let original = (key.0.clone(), replace.original.to_string());
        let found = self.find(&original.0, &original.1);
        let refuse = |reason| Said::Rejected(Self::refused(reason, Level::Order).findings);
        let judged = found.is_some_and(|at| !self.orders[at].is_over());
        let mut approved = None;
        let said = match found {
            None => refuse(Reason::UnknownOrder),
            Some(at) if self.orders[at].is_over() => refuse(Reason::OrderEnded),
            Some(at) => {
                let order = self.orders[at].clone();
                let names = order
                    .versions
                    .iter()
                    .any(|version| version.id == original.1);
                if order.is_offered() {
                    if commit {
                        self.attempt(order.bucket, false);
                    }
                    refuse(if self.now.mono >= order.deadline {
                        Reason::OrderEnded
                    } else {
                        Reason::RouteNotAccepted
                    })
                } else if replace.quantity.is_zero()
                    || !names
                    || order.end.is_some()
                    || order.cash.is_some()
                {
                    if commit {
                        self.attempt(order.bucket, false);
                    }
                    refuse(if replace.quantity.is_zero() {
                        Reason::ReplaceToZero
                    } else {
                        Reason::ReplaceMismatch
                    })
                } else if self.is_in_package(&order) {
                    if commit {
                        self.attempt(order.bucket, false);
                    }
                    refuse(Reason::PackageLeg)
                } else {
                    let ask = Ask {
                        client: replace.key.client.clone(),
                        id: key.1.clone(),
                        bucket: order.bucket,
                        instrument: order.instrument,
                        account: order.account,
                        side: order.side,
                        terms: replace.terms,
                        time_in_force: order.time_in_force,
                        display: None,
                        size: Size::Quantity(replace.quantity),
                        reduce_only: order.reduce_only,
                        post_only: order.post_only,
                        short_sale: order.short_sale,
                        located: order.located,
                        replaces: Some(at),
                        source: order.source,
                        link: order.link,
                        offered: None,
                    };
                    let judged = self.judge(&ask);
                    self.shadow.clone_from(&judged.shadow);
                    if judged.findings.is_empty() {
                        let said = Said::Approved {
                            bucket: order.bucket,
                            account: order.account,
                            quantity: judged.quantity,
                            exit: judged.exit,
                        };
                        if commit {
                            approved = Some(self.commit(&ask, judged));
                        }
                        said
                    } else {
                        if commit {
                            self.attempt(order.bucket, judged.reserve);
                            self.tally(order.bucket, &judged);
                        }
                        Said::Rejected(judged.findings)
                    }
                }
            }
        };
        if commit && self.is_stored(&key.0, &said) {
            let content = Content::Replace(replace.clone());
            let until = match found.filter(|_| judged) {
                Some(at) => self.day_end(self.orders[at].bucket),
                None => self.now.wall + DAY,
            };
            self.give(
                key,
                Slot {
                    content,
                    order: approved,
                    until,
                    counted: true,
                },
            );
        }
        said
    }
}
