//! A service with the contract of the gateway that decides nothing: every order gets the same approval.
//!
//! What transport and messages cost by themselves; the gateway is measured beside it. The approval carries what an
//! approval of the gateway carries, so that both send as many bytes. Answers of a session are made as the transport asks for
//! them, with no task or queue between: the cheapest form there is.

use std::pin::Pin;
use std::sync::Arc;

use bulkhead::pb::gateway_service_server::{GatewayService, GatewayServiceServer};
use bulkhead::pb::{
    Batch, BatchItemResult, BatchResult, ChecksRun, DecideBasketRequest, DecideBasketResponse,
    DecideQuoteRequest, DecideQuoteResponse, DecideRequest, DecideResponse, Decimal, Decision,
    MarkUsed, MaxQuantityRequest, MaxQuantityResponse, NotifyRequest, NotifyResponse,
    OperationError, OrderState, Outcome, ReleaseRequest, ReleaseResponse, ReplaceRequest,
    ReplaceResponse, ReportRequest, ReportResponse, Route, SessionOpened, SessionRequest,
    SessionResponse, Versions, WhatIfRequest, WhatIfResponse, batch_item_result, session_request,
    session_response,
};
use tokio_stream::{Stream, StreamExt};
use tonic::{Request, Response, Status, Streaming};

use crate::messages::CLIENT;
use crate::support::orders::{ACCOUNT, REFERENCE_PRICE, VENUE};

/// The service, ready to be added to a server.
pub fn service() -> GatewayServiceServer<Empty> {
    GatewayServiceServer::new(Empty {
        approval: Arc::new(approval()),
    })
}

pub struct Empty {
    approval: Arc<Decision>,
}

#[tonic::async_trait]
impl GatewayService for Empty {
    async fn decide(&self, _: Request<DecideRequest>) -> Result<Response<DecideResponse>, Status> {
        Ok(Response::new(decided(&self.approval)))
    }

    async fn replace(
        &self,
        _: Request<ReplaceRequest>,
    ) -> Result<Response<ReplaceResponse>, Status> {
        Ok(Response::new(ReplaceResponse::default()))
    }

    async fn decide_basket(
        &self,
        _: Request<DecideBasketRequest>,
    ) -> Result<Response<DecideBasketResponse>, Status> {
        Ok(Response::new(DecideBasketResponse::default()))
    }

    async fn decide_quote(
        &self,
        _: Request<DecideQuoteRequest>,
    ) -> Result<Response<DecideQuoteResponse>, Status> {
        Ok(Response::new(DecideQuoteResponse::default()))
    }

    async fn report(&self, _: Request<ReportRequest>) -> Result<Response<ReportResponse>, Status> {
        Ok(Response::new(ReportResponse::default()))
    }

    async fn notify(&self, _: Request<NotifyRequest>) -> Result<Response<NotifyResponse>, Status> {
        Ok(Response::new(NotifyResponse::default()))
    }

    async fn release(
        &self,
        _: Request<ReleaseRequest>,
    ) -> Result<Response<ReleaseResponse>, Status> {
        Ok(Response::new(ReleaseResponse::default()))
    }

    async fn accept_route(
        &self,
        _: Request<bulkhead::pb::AcceptRouteRequest>,
    ) -> Result<Response<bulkhead::pb::AcceptRouteResponse>, Status> {
        Ok(Response::new(bulkhead::pb::AcceptRouteResponse::default()))
    }

    async fn what_if(&self, _: Request<WhatIfRequest>) -> Result<Response<WhatIfResponse>, Status> {
        Ok(Response::new(WhatIfResponse::default()))
    }

    async fn max_quantity(
        &self,
        _: Request<MaxQuantityRequest>,
    ) -> Result<Response<MaxQuantityResponse>, Status> {
        Ok(Response::new(MaxQuantityResponse::default()))
    }

    type SessionStream = Pin<Box<dyn Stream<Item = Result<SessionResponse, Status>> + Send>>;

    async fn session(
        &self,
        requests: Request<Streaming<SessionRequest>>,
    ) -> Result<Response<Self::SessionStream>, Status> {
        let approval = Arc::clone(&self.approval);
        let mut server_seq = 0;
        let answers = requests.into_inner().map(move |request| {
            let request = request?;
            server_seq += 1;
            Ok(SessionResponse {
                client_seq: request.client_seq,
                server_seq,
                payload: Some(answer(&approval, request.payload)),
            })
        });
        Ok(Response::new(Box::pin(answers)))
    }
}

fn answer(
    approval: &Decision,
    request: Option<session_request::Payload>,
) -> session_response::Payload {
    use session_request::Payload;
    match request {
        Some(Payload::Open(_)) => session_response::Payload::Opened(SessionOpened {
            max_unanswered: 1_024,
            max_batch_items: 1_024,
            ..SessionOpened::default()
        }),
        Some(Payload::Decide(_)) => session_response::Payload::Decide(decided(approval)),
        Some(Payload::Batch(batch)) => {
            session_response::Payload::Batch(batch_result(approval, &batch))
        }
        Some(
            Payload::Replace(_)
            | Payload::DecideBasket(_)
            | Payload::DecideQuote(_)
            | Payload::Report(_)
            | Payload::Notify(_)
            | Payload::Release(_)
            | Payload::AcceptRoute(_)
            | Payload::Heartbeat(_)
            | Payload::WhatIf(_),
        )
        | None => session_response::Payload::Error(OperationError {
            code: 12,
            reason: "NOT_MEASURED".to_owned(),
            ..OperationError::default()
        }),
    }
}

fn batch_result(approval: &Decision, batch: &Batch) -> BatchResult {
    let items = batch
        .items
        .iter()
        .map(|_| BatchItemResult {
            result: Some(batch_item_result::Result::Decide(decided(approval))),
        })
        .collect();
    BatchResult { items }
}

fn decided(approval: &Decision) -> DecideResponse {
    DecideResponse {
        decision: Some(approval.clone()),
    }
}

fn approval() -> Decision {
    let decimal = |value: &str| Decimal {
        value: value.to_owned(),
    };
    Decision {
        decision_id: "01JD9Z6Q8W-000000000001".to_owned(),
        sequence: 1_000_000,
        outcome: Outcome::Approved.into(),
        client_id: CLIENT.to_owned(),
        cl_ord_id: "c-000000000001".to_owned(),
        route: Some(Route {
            bucket_id: "bench-0001".to_owned(),
            venue_id: VENUE.to_owned(),
            account_id: ACCOUNT.to_owned(),
        }),
        checks: Some(ChecksRun {
            evaluated: 0x0004_27ff_1fff_fffe,
            not_applicable: 0x0000_0000_2000_0000,
        }),
        versions: Some(Versions {
            config: 1,
            reference: 1,
            market: 1_000,
            state: 1_000_000,
        }),
        mark: Some(MarkUsed {
            price: Some(decimal(REFERENCE_PRICE)),
            age_nanos: 1_000_000_000,
            version: 1_000,
        }),
        decided_at: Some(prost_types::Timestamp {
            seconds: 1_795_352_400,
            nanos: 123_456_789,
        }),
        engine_nanos: 700,
        order_state: OrderState::Reserved.into(),
        approved_quantity: Some(decimal("50")),
        ..Decision::default()
    }
}
