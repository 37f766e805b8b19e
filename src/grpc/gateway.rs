//! The order path: decide, replace, report, notify, release and what-if, by call and within a session.
//!
//! Each operation is decode, ask the engine, encode. Nothing here waits: the engine answers at once.

use tonic::{Request, Response, Status, Streaming};

use super::Gate;
use super::convert::basket::{self, AskedTogether, DecideBasket, DecideQuote};
use super::convert::decision::{self, Asked};
use super::convert::error::{Obstacle, Refusal};
use super::convert::field::{Path, timestamp};
use super::convert::order::{self, Question};
use super::convert::{raw, report, view};
use super::feed;
use super::session::Session;
use crate::domain::basket::{Basket, Quote};
use crate::domain::decision::{Finding, Level, Reason};
use crate::domain::name::{BucketId, ClientId};
use crate::domain::order::OrderKey;
use crate::domain::time::Now;
use crate::engine::answer::{self, ReportFlag};
use crate::pb;
use crate::pb::served::gateway_service_server::GatewayService;
use crate::pb_codec::{Encoded, Fields, Received};

/// Bytes that an approval fits in, nearly always.
pub(super) const APPROVAL: usize = 384;

/// The service.
#[derive(Clone)]
pub struct Gateway {
    gate: Gate,
}

impl Gateway {
    /// The order path of a gate.
    #[must_use]
    pub const fn new(gate: Gate) -> Self {
        Self { gate }
    }
}

/// What an operation is asked in: by call, or as a message of a session, at a path of it and for its client.
#[derive(Clone, Copy)]
pub(super) struct Frame<'a> {
    /// Path of the operation within its message.
    pub at: Path<'a>,
    /// The session's client.
    pub client: Option<&'a ClientId>,
}

impl Frame<'_> {
    /// An operation that is a call of its own.
    const CALL: Frame<'static> = Frame {
        at: Path::ROOT,
        client: None,
    };
}

impl Gate {
    /// Decides an order, and writes the response.
    pub(super) fn decide<'b>(
        &self,
        request: impl Into<raw::DecideRequest<'b>>,
        frame: Frame<'_>,
        to: &mut Fields<'_>,
    ) -> Result<(), Refusal> {
        self.admit()?;
        let asked = order::decide(request, frame.at, frame.client)?;
        let now = self.clock.now();
        let answer = self.engine.decide(&asked.order, now, asked.want_figures);
        let answer =
            answer.map_err(|refusal| refused(refusal, &asked.order.bucket, &asked.order.key))?;
        let engine_nanos = self.clock.now().since(now.mono);
        self.feed
            .decision(feed::Request::Order(&asked.order), &answer, engine_nanos);
        let asked = Asked {
            key: &asked.order.key,
            original: None,
            what_if: false,
            engine_nanos,
        };
        decision::write_response(to, &answer, &asked);
        Ok(())
    }

    pub(super) fn replace(
        &self,
        request: pb::ReplaceRequest,
        frame: Frame<'_>,
        to: &mut Fields<'_>,
    ) -> Result<(), Refusal> {
        self.admit()?;
        let asked = order::replace(request, frame.at, frame.client)?;
        let now = self.clock.now();
        let answer = self.engine.replace(&asked.replace, now, asked.want_figures);
        let answer = answer.map_err(|refusal| refused_order(refusal, &asked.replace.key))?;
        let engine_nanos = self.clock.now().since(now.mono);
        self.feed.decision(
            feed::Request::Replace(&asked.replace),
            &answer,
            engine_nanos,
        );
        let asked = Asked {
            key: &asked.replace.key,
            original: Some(&asked.replace.original),
            what_if: false,
            engine_nanos,
        };
        decision::write_response(to, &answer, &asked);
        Ok(())
    }

    pub(super) fn what_if(
        &self,
        request: pb::WhatIfRequest,
        frame: Frame<'_>,
        to: &mut Fields<'_>,
    ) -> Result<(), Refusal> {
        self.admit()?;
        let asked = order::what_if(request, frame.at, frame.client)?;
        let now = self.clock.now();
        let (answer, key, original) = match &asked.question {
            Question::Order(order) => {
                let answer = self.engine.what_if(order, now, asked.want_figures);
                (
                    answer.map_err(|refusal| refused(refusal, &order.bucket, &order.key))?,
                    &order.key,
                    None,
                )
            }
            Question::Basket(basket) => {
                let answer = self.engine.what_if_basket(basket, now, asked.want_figures);
                let answer =
                    answer.map_err(|refusal| refused(refusal, basket.bucket(), basket.key()))?;
                self.write_together(
                    to,
                    10,
                    (&answer, basket.key()),
                    &leg_keys(basket),
                    (now, true),
                );
                return Ok(());
            }
            Question::Quote(quote) => {
                let answer = self.engine.what_if_quote(quote, now, asked.want_figures);
                let answer =
                    answer.map_err(|refusal| refused(refusal, &quote.bucket, &quote.key))?;
                let keys = side_keys(quote);
                let keys: Vec<&OrderKey> = keys.iter().collect();
                self.write_together(to, 10, (&answer, &quote.key), &keys, (now, true));
                return Ok(());
            }
            Question::Replace(replace) => {
                let answer = self
                    .engine
                    .what_if_replace(replace, now, asked.want_figures);
                (
                    answer.map_err(|refusal| refused_order(refusal, &replace.key))?,
                    &replace.key,
                    Some(&replace.original),
                )
            }
        };
        let engine_nanos = self.clock.now().since(now.mono);
        let asked = Asked {
            key,
            original,
            what_if: true,
            engine_nanos,
        };
        decision::write_response(to, &answer, &asked);
        Ok(())
    }

    fn max_quantity(
        &self,
        request: pb::MaxQuantityRequest,
    ) -> Result<pb::MaxQuantityResponse, Refusal> {
        self.admit()?;
        let side = request.side();
        let asked = order::max_quantity(request)?;
        let now = self.clock.now();
        let largest = self
            .engine
            .max_quantity(&asked.order, &asked.sides, now)
            .map_err(|refusal| refused(refusal, &asked.order.bucket, &asked.order.key))?;
        let client = &asked.order.key.client;
        Ok(decision::write_largest(&largest, client, side))
    }

    /// Decides a basket, and writes the response.
    pub(super) fn decide_basket(
        &self,
        request: pb::DecideBasketRequest,
        frame: Frame<'_>,
        to: &mut Fields<'_>,
    ) -> Result<(), Refusal> {
        self.admit()?;
        let DecideBasket {
            basket,
            want_figures,
        } = basket::basket(request, frame.at, frame.client)?;
        let now = self.clock.now();
        let answer = self.engine.decide_basket(&basket, now, want_figures);
        let answer = answer.map_err(|refusal| refused(refusal, basket.bucket(), basket.key()))?;
        self.write_together(
            to,
            1,
            (&answer, basket.key()),
            &leg_keys(&basket),
            (now, false),
        );
        if !answer.replayed {
            for (leg, answer) in basket.legs().iter().zip(&answer.legs) {
                self.feed.decision(feed::Request::Order(leg), answer, 0);
            }
        }
        Ok(())
    }

    /// Decides a quote, and writes the response.
    pub(super) fn decide_quote(
        &self,
        request: pb::DecideQuoteRequest,
        frame: Frame<'_>,
        to: &mut Fields<'_>,
    ) -> Result<(), Refusal> {
        self.admit()?;
        let DecideQuote {
            quote,
            want_figures,
        } = basket::quote(request, frame.at, frame.client)?;
        let now = self.clock.now();
        let answer = self.engine.decide_quote(&quote, now, want_figures);
        let answer = answer.map_err(|refusal| refused(refusal, &quote.bucket, &quote.key))?;
        let keys = side_keys(&quote);
        let keys: Vec<&OrderKey> = keys.iter().collect();
        self.write_together(to, 1, (&answer, &quote.key), &keys, (now, false));
        if !answer.replayed {
            for (side, answer) in quote.orders().iter().zip(&answer.legs) {
                self.feed.decision(feed::Request::Order(side), answer, 0);
            }
        }
        Ok(())
    }

    /// Writes the decision on a basket or a quote that was asked for at a time.
    fn write_together(
        &self,
        to: &mut Fields<'_>,
        field: u32,
        (answer, key): (&answer::BasketAnswer, &OrderKey),
        legs: &[&OrderKey],
        (since, what_if): (Now, bool),
    ) {
        let asked = AskedTogether {
            key,
            legs,
            what_if,
            engine_nanos: self.clock.now().since(since.mono),
        };
        basket::write_response(to, field, answer, &asked);
    }

    pub(super) fn report(
        &self,
        request: pb::ReportRequest,
        frame: Frame<'_>,
    ) -> Result<pb::ReportResponse, Refusal> {
        let report = report::report(request, frame.at, frame.client)?;
        let now = self.clock.now();
        let receipt = self.engine.report(&report, now);
        self.feed.report(&report, &receipt, now);
        Ok(pb::ReportResponse {
            result: Some(view::write_receipt(&receipt)),
        })
    }

    pub(super) fn notify(
        &self,
        request: pb::NotifyRequest,
        frame: Frame<'_>,
    ) -> Result<pb::NotifyResponse, Refusal> {
        let (key, notice) = order::notify(request, frame.at, frame.client)?;
        let now = self.clock.now();
        match self.engine.notify(&key.client, &key.cl_ord_id, notice, now) {
            Ok(receipt) => {
                let status = if receipt.applied {
                    self.feed.order(&receipt, now);
                    pb::NoticeStatus::Applied
                } else {
                    pb::NoticeStatus::NoEffect
                };
                Ok(pb::NotifyResponse {
                    status: status.into(),
                    order: receipt
                        .order
                        .as_ref()
                        .map(|order| view::write_order(order, receipt.currency.as_ref())),
                    sequence: receipt.sequence,
                    flags: receipt
                        .flags
                        .iter()
                        .filter(|flag| **flag == ReportFlag::RouteNotAccepted)
                        .map(|flag| view::write_flag(*flag).into())
                        .collect(),
                })
            }
            Err(answer::Refusal::UnknownOrder) => Ok(pb::NotifyResponse {
                status: pb::NoticeStatus::UnknownOrder.into(),
                ..pb::NotifyResponse::default()
            }),
            Err(refusal) => Err(refused_order(refusal, &key)),
        }
    }

    pub(super) fn release(
        &self,
        request: pb::ReleaseRequest,
        frame: Frame<'_>,
    ) -> Result<pb::ReleaseResponse, Refusal> {
        let key = order::release(request, frame.at, frame.client)?;
        let broken = |reason| {
            let finding = Finding {
                reason,
                level: Level::Order,
                dimension: None,
                figures: None,
            };
            pb::ReleaseResponse {
                outcome: pb::ReleaseOutcome::Rejected.into(),
                breaches: vec![decision::breach(&finding, None, &key.client)],
                ..pb::ReleaseResponse::default()
            }
        };
        let now = self.clock.now();
        match self.engine.release(&key, now) {
            Ok(receipt) => {
                if receipt.applied {
                    self.feed.order(&receipt, now);
                }
                Ok(pb::ReleaseResponse {
                    outcome: pb::ReleaseOutcome::Released.into(),
                    breaches: Vec::new(),
                    order: receipt
                        .order
                        .as_ref()
                        .map(|order| view::write_order(order, receipt.currency.as_ref())),
                    replayed: !receipt.applied,
                    sequence: receipt.sequence,
                })
            }
            Err(answer::Refusal::AlreadySent) => Ok(broken(Reason::OrderAlreadySent)),
            Err(answer::Refusal::OrderEnded) => Ok(broken(Reason::OrderEnded)),
            Err(answer::Refusal::UnknownOrder) => Ok(broken(Reason::UnknownOrder)),
            Err(answer::Refusal::ClientQuota) => Ok(broken(Reason::ClientQuota)),
            Err(refusal) => Err(refused_order(refusal, &key)),
        }
    }

    pub(super) fn accept_route(
        &self,
        request: pb::AcceptRouteRequest,
        frame: Frame<'_>,
    ) -> Result<pb::AcceptRouteResponse, Refusal> {
        let (client, decision) = order::accept_route(request, frame.at, frame.client)?;
        self.admit()?;
        let now = self.clock.now();
        let (receipt, until) =
            self.engine
                .accept_route(&client, decision, now)
                .map_err(|refusal| match refusal {
                    answer::Refusal::RouteExpired => Refusal::obstacle(Obstacle::RouteExpired),
                    answer::Refusal::RouteVoid => Refusal::obstacle(Obstacle::RouteVoid),
                    answer::Refusal::OrderEnded => Refusal::obstacle(Obstacle::OrderEnded),
                    answer::Refusal::UnknownDecision
                    | answer::Refusal::UnknownBucket
                    | answer::Refusal::UnknownOrder
                    | answer::Refusal::AlreadySent
                    | answer::Refusal::ClientQuota
                    | answer::Refusal::TooManyClients => Refusal::unknown_decision(),
                })?;
        if receipt.applied {
            self.feed.order(&receipt, now);
        }
        let order = receipt.order.as_ref();
        Ok(pb::AcceptRouteResponse {
            order: order.map(|order| view::write_order(order, receipt.currency.as_ref())),
            reservation_expires_at: until.map(timestamp),
            replayed: !receipt.applied,
            sequence: receipt.sequence,
        })
    }

    /// Nothing new is decided while the gateway is starting or stopping.
    fn admit(&self) -> Result<(), Refusal> {
        self.drain.admit().map_err(|_| Refusal::draining())
    }
}

/// Keys of the legs of a basket.
fn leg_keys(basket: &Basket) -> Vec<&OrderKey> {
    basket.legs().iter().map(|leg| &leg.key).collect()
}

/// Keys of the sides that a quote has.
fn side_keys(quote: &Quote) -> Vec<OrderKey> {
    quote.orders().into_iter().map(|side| side.key).collect()
}

/// The response to a call whose answer is a decision.
fn call(
    write: impl FnOnce(&mut Fields<'_>) -> Result<(), Refusal>,
) -> Result<Response<Encoded>, Status> {
    let mut bytes = Vec::with_capacity(APPROVAL);
    write(&mut Fields::of(&mut bytes))?;
    Ok(Response::new(Encoded::new(bytes)))
}

fn refused(refusal: answer::Refusal, bucket: &BucketId, key: &OrderKey) -> Refusal {
    match refusal {
        answer::Refusal::UnknownBucket => Refusal::unknown_bucket(bucket),
        answer::Refusal::UnknownOrder
        | answer::Refusal::AlreadySent
        | answer::Refusal::OrderEnded
        | answer::Refusal::ClientQuota
        | answer::Refusal::UnknownDecision
        | answer::Refusal::RouteExpired
        | answer::Refusal::RouteVoid
        | answer::Refusal::TooManyClients => refused_order(refusal, key),
    }
}

fn refused_order(refusal: answer::Refusal, key: &OrderKey) -> Refusal {
    match refusal {
        answer::Refusal::TooManyClients | answer::Refusal::ClientQuota => Refusal::overloaded(),
        answer::Refusal::UnknownBucket
        | answer::Refusal::UnknownOrder
        | answer::Refusal::AlreadySent
        | answer::Refusal::UnknownDecision
        | answer::Refusal::RouteExpired
        | answer::Refusal::RouteVoid
        | answer::Refusal::OrderEnded => Refusal::unknown_order(key),
    }
}

#[tonic::async_trait]
impl GatewayService for Gateway {
    async fn decide(&self, request: Request<Received>) -> Result<Response<Encoded>, Status> {
        let received = request.into_inner();
        if let Some(request) = raw::decide(received.bytes()) {
            return call(|to| self.gate.decide(request, Frame::CALL, to));
        }
        let request: pb::DecideRequest = received.message()?;
        call(|to| self.gate.decide(&request, Frame::CALL, to))
    }

    async fn replace(
        &self,
        request: Request<pb::ReplaceRequest>,
    ) -> Result<Response<Encoded>, Status> {
        let request = request.into_inner();
        call(|to| self.gate.replace(request, Frame::CALL, to))
    }

    async fn decide_basket(
        &self,
        request: Request<pb::DecideBasketRequest>,
    ) -> Result<Response<Encoded>, Status> {
        let request = request.into_inner();
        call(|to| self.gate.decide_basket(request, Frame::CALL, to))
    }

    async fn decide_quote(
        &self,
        request: Request<pb::DecideQuoteRequest>,
    ) -> Result<Response<Encoded>, Status> {
        let request = request.into_inner();
        call(|to| self.gate.decide_quote(request, Frame::CALL, to))
    }

    async fn report(
        &self,
        request: Request<pb::ReportRequest>,
    ) -> Result<Response<pb::ReportResponse>, Status> {
        Ok(Response::new(
            self.gate.report(request.into_inner(), Frame::CALL)?,
        ))
    }

    async fn notify(
        &self,
        request: Request<pb::NotifyRequest>,
    ) -> Result<Response<pb::NotifyResponse>, Status> {
        Ok(Response::new(
            self.gate.notify(request.into_inner(), Frame::CALL)?,
        ))
    }

    async fn release(
        &self,
        request: Request<pb::ReleaseRequest>,
    ) -> Result<Response<pb::ReleaseResponse>, Status> {
        Ok(Response::new(
            self.gate.release(request.into_inner(), Frame::CALL)?,
        ))
    }

    async fn accept_route(
        &self,
        request: Request<pb::AcceptRouteRequest>,
    ) -> Result<Response<pb::AcceptRouteResponse>, Status> {
        Ok(Response::new(
            self.gate.accept_route(request.into_inner(), Frame::CALL)?,
        ))
    }

    async fn what_if(
        &self,
        request: Request<pb::WhatIfRequest>,
    ) -> Result<Response<Encoded>, Status> {
        let request = request.into_inner();
        call(|to| self.gate.what_if(request, Frame::CALL, to))
    }

    async fn max_quantity(
        &self,
        request: Request<pb::MaxQuantityRequest>,
    ) -> Result<Response<pb::MaxQuantityResponse>, Status> {
        Ok(Response::new(self.gate.max_quantity(request.into_inner())?))
    }

    type SessionStream = Session;

    async fn session(
        &self,
        request: Request<Streaming<Received>>,
    ) -> Result<Response<Session>, Status> {
        Ok(Response::new(Session::new(
            self.gate.clone(),
            request.into_inner(),
        )))
    }
}
