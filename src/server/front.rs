//! What is served: one service that most calls are for, and all others behind a router.
//!
//! A router asks each of its services through several boxes, for the call and for both bodies: a few hundredths of a call's CPU, spared here.

use core::convert::Infallible;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};

use http::{HeaderValue, Request, Response};
use tonic::body::Body;
use tonic::server::NamedService;
use tonic::service::Routes;
use tower::Service;

/// A service of one name, as the generated code makes them.
pub trait Named:
    Service<Request<Body>, Response = Response<Body>, Error = Infallible, Future: Send + Unpin>
    + NamedService
    + Clone
    + Send
    + 'static
{
}

impl<S> Named for S where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible, Future: Send + Unpin>
        + NamedService
        + Clone
        + Send
        + 'static
{
}

/// The services of one worker.
#[derive(Clone, Debug)]
pub struct Services<S> {
    /// That which most calls are for.
    pub first: S,
    /// All others.
    pub others: Routes,
}

impl<S: Named> Service<Request<Body>> for Services<S> {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Answer<S::Future>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // Services of the generated code, and routers of such, always are.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let path = request.uri().path().strip_prefix('/');
        let method = path.and_then(|path| path.strip_prefix(S::NAME));
        if method.is_some_and(|method| method.starts_with('/')) {
            Answer::First(self.first.call(request))
        } else {
            Answer::Other(Box::new(self.others.call(request)))
        }
    }
}

/// The answer to a call.
#[derive(Debug)]
pub enum Answer<F> {
    /// Of the first service.
    First(F),
    /// Of another one.
    Other(Box<<Routes as Service<Request<Body>>>::Future>),
}

impl<F> Future for Answer<F>
where
    F: Future<Output = Result<Response<Body>, Infallible>> + Unpin,
{
    type Output = Result<Response<Body>, Infallible>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let answer = match self.get_mut() {
            Self::First(answer) => Pin::new(answer).poll(context),
            Self::Other(answer) => Pin::new(answer).poll(context),
        };
        answer.map_ok(too_large_is_exhausted)
    }
}

/// tonic says OUT_OF_RANGE of a message that is larger than allowed; gRPC, and the contract, RESOURCE_EXHAUSTED. No
/// service answers OUT_OF_RANGE itself.
fn too_large_is_exhausted(mut response: Response<Body>) -> Response<Body> {
    if let Some(status) = response.headers_mut().get_mut("grpc-status")
        && status == "11"
    {
        *status = HeaderValue::from_static("8");
    }
    response
}
