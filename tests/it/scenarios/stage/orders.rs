//! Lines about orders, and what they are answered.

use bulkhead::domain::order::{
    Attributes, Notice, Order, OrderKey, Replace, RerouteConsent, ShortSale, Side, Size, Terms,
    TimeInForce,
};
use bulkhead::engine::answer::{Answer, Receipt};
use bulkhead::engine::offers::DecisionId;

use super::{Stage, client, id, length, refused, why};
use crate::scenarios::expect;
use crate::scenarios::expect::{check_answer, check_largest, check_receipt, same, text};
use crate::scenarios::script::{Said, Words};

impl Stage {
    pub(super) fn order_line(
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
            Some("accepts") => {
                words.take("accepts");
                let client = id(client(words)?)?;
                let decision = self.decisions.get(subject).copied();
                let decision = decision.unwrap_or(DecisionId { at: 0, sequence: 0 });
                match self.engine().accept_route(&client, decision, self.now) {
                    Ok((receipt, _)) => self.told(expected, &receipt),
                    Err(refusal) => refused(expected, &why(&refusal)),
                }
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

    pub(super) fn hold(
        &self,
        expected: Option<Words<'_>>,
        answer: &Result<Answer, String>,
    ) -> Said<()> {
        let Some(mut words) = expected else {
            return Err("an order needs `-> approved`, `rejected` or `rerouted`".to_owned());
        };
        match answer {
            Ok(answer) => check_answer(&mut words, answer)?,
            Err(refusal) => return refused(Some(words), refusal),
        }
        words.end()
    }

    pub(super) fn told(&self, expected: Option<Words<'_>>, receipt: &Receipt) -> Said<()> {
        let mut words = expected.unwrap_or(Words::of(""));
        check_receipt(&mut words, receipt)?;
        words.end()
    }

    /// Asks what if, then decides, and compares the two.
    pub(super) fn decide(
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
        if let Ok(answer) = &decided {
            let (at, sequence) = (answer.decision.at, answer.decision.sequence);
            let name = subject.to_owned();
            self.decisions.insert(name, DecisionId { at, sequence });
        }
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

    /// `largest buy [BTC] @ 100 [options] -> 7 because POSITION_LONG limit 10 before 3 after 11 alone GROSS_NOTIONAL 12`.
    pub(super) fn largest(&self, rest: &str, expected: Option<Words<'_>>) -> Said<()> {
        let (verb, rest) = rest.split_once(' ').ok_or("largest buy, or largest sell")?;
        let text = format!("0 {rest}");
        let mut words = Words::of(&text);
        let order = self.read_order("largest", verb, &mut words)?;
        words.end()?;
        let before = self.fingerprint();
        let found = self
            .engine()
            .max_quantity(&order, &[order.side], self.now)
            .map_err(|refusal| why(&refusal))?;
        self.unchanged(&before, "the question")?;
        let mut words = expected.ok_or("largest needs `-> quantity because …`")?;
        check_largest(&mut words, &found.sides[0])?;
        words.end()
    }

    /// `buy 4 [BTC] [@ 100 | market | stop 95 [limit 96] | trailing 95 | pegged [cap 101]] [options]`; `cash 1000` or `close` for a quantity.
    pub(super) fn read_order(
        &self,
        subject: &str,
        verb: &str,
        words: &mut Words<'_>,
    ) -> Said<Order> {
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
                "reroute" if words.take("ask") => {
                    order.attributes.reroute = RerouteConsent::Acknowledge;
                }
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
