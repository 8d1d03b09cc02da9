//! The connections under every call: kept and used again, without proxies, redirects or repeats, and to no
//! address that may not be called.
//!
//! hyper speaks HTTP; which connection a call goes through is decided here. A connection is driven by the call
//! that uses it, in the call's own task: nothing has to be woken between a call and its connection, which took a
//! good part of a quick call's time. While it waits for its next call nobody drives it, so that it was closed
//! shows when that call is to be sent, which then goes through another.

use std::collections::HashMap;
use std::future::poll_fn;
use std::hash::{Hash, Hasher};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt as _;
use http::header::{ACCEPT_ENCODING, HOST, HeaderMap, HeaderValue, USER_AGENT};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{Response, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Frame, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use onward_core::problem::Problem;
use tokio::time::Instant;

use crate::connector::{Connector, Stream};
use crate::outbound::{Failed, Outbound};

/// Idle connections are dropped after this: less than the usual 60 s of servers and load
/// balancers, so that a call rarely meets a connection that was just closed.
const IDLE: Duration = Duration::from_secs(30);
/// How the program names itself to targets.
const NAME: HeaderValue = HeaderValue::from_static(concat!("onward/", env!("CARGO_PKG_VERSION")));
/// The packing that is understood.
pub(crate) const GZIP: &str = "gzip";

/// A call that can be sent again. In a box, as it goes through many hands.
pub(crate) type Request = Box<http::Request<Full<Bytes>>>;

/// An HTTP client that goes nowhere but where it may.
#[derive(Debug)]
pub(crate) struct Transport {
    connector: Connector,
    pool: Arc<Pool>,
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum Unsent {
    /// There was no connection.
    Unconnected(Failed),
    /// It broke.
    Broken,
}

impl Transport {
    /// A client with a pool of its own, which keeps up to `idle` connections to each host.
    ///
    /// # Errors
    /// `internal` when TLS cannot be set up on this machine.
    pub(crate) fn new(outbound: &Outbound, connect: Duration, idle: usize) -> Result<Self, Problem> {
        let connector = Connector::new(outbound, connect)?;
        Ok(Self { connector, pool: Arc::new(Pool { idle: Mutex::default(), most: idle }) })
    }

    /// Sends it once, and gives the answer's beginning.
    pub(crate) async fn send(&self, mut request: Request) -> Result<Answering, Unsent> {
        let place = addressed(&mut request)?;
        while let Some(connection) = self.pool.take(&place) {
            match self.through(connection, request).await {
                Ok(answering) => return Ok(answering),
                Err(Some(unsent)) => request = unsent,
                Err(None) => return Err(Unsent::Broken),
            }
        }
        // Rare, and large: what every call would have to keep room for.
        let connection = Box::pin(self.connect(place)).await?;
        self.through(connection, request).await.map_err(|_| Unsent::Broken)
    }

    /// The error has the call, when the connection was closed before anything of it was sent.
    fn through(
        &self,
        mut connection: Connection,
        request: Request,
    ) -> impl Future<Output = Result<Answering, Option<Request>>> {
        let pool = Arc::clone(&self.pool);
        // An async function would keep room for its arguments twice.
        async move {
            let answer = pin!(connection.sender.try_send_request(*request));
            let answer = connection.io.until(answer).await;
            let answer = answer.map_err(|mut broken| broken.take_message().map(Box::new))?;
            Ok(Answering { answer, connection, pool })
        }
    }

    async fn connect(&self, place: Place) -> Result<Connection, Unsent> {
        let stream = self.connector.connect(place.uri()).await.map_err(Unsent::Unconnected)?;
        // A request in one piece takes one plain write.
        let handshake = http1::Builder::new().writev(false).handshake(stream);
        let (sender, io) = handshake.await.map_err(|_| Unsent::Broken)?;
        Ok(Connection { place, sender, io: Io { driven: Some(Box::new(io)) } })
    }
}

/// An answer whose body is still to be read, and the connection that it comes through. Dropped before its end, it
/// takes the connection along.
#[derive(Debug)]
pub(crate) struct Answering {
    answer: Response<Incoming>,
    connection: Connection,
    pool: Arc<Pool>,
}

impl Answering {
    /// Status and headers.
    pub(crate) fn head(&self) -> &Response<Incoming> {
        &self.answer
    }

    /// The headers, to be changed.
    pub(crate) fn headers_mut(&mut self) -> &mut HeaderMap {
        self.answer.headers_mut()
    }

    /// The next piece of the body; `None` at its end.
    pub(crate) async fn piece(&mut self) -> Option<hyper::Result<Bytes>> {
        loop {
            match self.connection.io.until(self.answer.frame()).await?.map(Frame::into_data) {
                Ok(Ok(piece)) => return Some(Ok(piece)),
                // What follows a body is asked for by nobody.
                Ok(Err(_)) => {}
                Err(error) => return Some(Err(error)),
            }
        }
    }

    /// Nobody wants the rest: the connection waits for the next call, if it can take one.
    pub(crate) fn finish(self) -> Response<()> {
        let Self { answer, connection, pool } = self;
        let head = answer.map(drop);
        pool.put(connection);
        head
    }
}

/// Where a connection leads to. Written otherwise, it is another place.
#[derive(Debug, Clone)]
struct Place {
    scheme: Scheme,
    authority: Authority,
}

impl Place {
    fn written(&self) -> (&str, &str) {
        (self.scheme.as_str(), self.authority.as_str())
    }
}

impl PartialEq for Place {
    fn eq(&self, other: &Self) -> bool {
        self.written() == other.written()
    }
}

impl Eq for Place {}

/// As texts: an [`Authority`] is hashed byte by byte, for every call twice.
impl Hash for Place {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        self.written().hash(hasher);
    }
}

/// A connection for one call at a time.
#[derive(Debug)]
struct Connection {
    place: Place,
    sender: SendRequest<Full<Bytes>>,
    io: Io,
}

/// The side of a connection that reads and writes.
#[derive(Debug)]
struct Io {
    /// `None` when the connection is over: whoever waits for something of it is told by its end.
    driven: Option<Box<http1::Connection<Stream, Full<Bytes>>>>,
}

impl Io {
    /// Reads and writes until something has come of it, if it has not yet: one reading brings most answers whole.
    async fn until<F: Future + Unpin>(&mut self, mut something: F) -> F::Output {
        poll_fn(|context| {
            if let Poll::Ready(there) = something.poll_unpin(context) {
                return Poll::Ready(there);
            }
            self.go_on(context);
            something.poll_unpin(context)
        })
        .await
    }

    fn go_on(&mut self, context: &mut Context<'_>) {
        if self.driven.as_mut().is_some_and(|driven| driven.poll_unpin(context).is_ready()) {
            self.driven = None;
        }
    }
}

impl Connection {
    /// Whether it can take a call, as far as can be seen without waiting.
    fn is_free(&mut self) -> bool {
        self.io.go_on(&mut Context::from_waker(Waker::noop()));
        self.seemed_free()
    }

    /// Whether it could when it last read and wrote.
    fn seemed_free(&self) -> bool {
        self.io.driven.is_some() && self.sender.is_ready()
    }
}

/// Connections that wait for their next call.
#[derive(Debug)]
struct Pool {
    idle: Mutex<HashMap<Place, Vec<(Instant, Connection)>>>,
    /// To each place, at most.
    most: usize,
}

impl Pool {
    /// The one that has waited least, if one is left that can be used.
    fn take(&self, place: &Place) -> Option<Connection> {
        let mut idle = self.idle();
        let (since, connection) = idle.get_mut(place)?.pop()?;
        // The others have waited longer.
        (since.elapsed() < IDLE).then_some(connection)
    }

    fn put(self: Arc<Self>, mut connection: Connection) {
        // Whether it still is shows when a call is sent.
        if !connection.seemed_free() && !connection.is_free() {
            return;
        }
        let mut idle = self.idle();
        if idle.is_empty() {
            tokio::spawn(drop_idle(Arc::downgrade(&self)));
        }
        let now = Instant::now();
        match idle.get_mut(&connection.place) {
            Some(waiting) if waiting.len() < self.most => waiting.push((now, connection)),
            Some(_) => {}
            None => drop(idle.insert(connection.place.clone(), vec![(now, connection)])),
        }
    }

    fn idle(&self) -> MutexGuard<'_, HashMap<Place, Vec<(Instant, Connection)>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Drops what has waited too long, so that a job that waits for hours holds no connections meanwhile.
async fn drop_idle(pool: Weak<Pool>) {
    loop {
        tokio::time::sleep(IDLE).await;
        let Some(pool) = pool.upgrade() else { return };
        let mut idle = pool.idle();
        for waiting in idle.values_mut() {
            waiting.retain(|(since, _)| since.elapsed() < IDLE);
        }
        idle.retain(|_, waiting| !waiting.is_empty());
        if idle.is_empty() {
            return;
        }
    }
}

/// Where a call leads to; the call itself is then as it is written there.
fn addressed(request: &mut Request) -> Result<Place, Unsent> {
    let uri = std::mem::take(request.uri_mut());
    let http::uri::Parts { scheme, authority, path_and_query, .. } = uri.into_parts();
    let place = Place { scheme: scheme.ok_or(Unsent::Broken)?, authority: authority.ok_or(Unsent::Broken)? };
    *request.uri_mut() = path_and_query.map_or_else(Uri::default, Uri::from);
    let headers = request.headers_mut();
    headers.entry(HOST).or_insert_with(|| place.host());
    headers.entry(USER_AGENT).or_insert(NAME);
    headers.entry(ACCEPT_ENCODING).or_insert(HeaderValue::from_static(GZIP));
    Ok(place)
}

impl Place {
    /// As it is told to the target; the usual port is not named.
    fn host(&self) -> HeaderValue {
        let usual = if self.scheme == Scheme::HTTPS { 443 } else { 80 };
        let is_usual = self.authority.port_u16().is_none_or(|port| port == usual);
        let named = self.authority.as_str();
        // Who asks does not belong to where.
        let named = named.rsplit_once('@').map_or(named, |(_, named)| named);
        let text = if is_usual { self.authority.host() } else { named };
        HeaderValue::from_str(text).expect("a host is fit for a header")
    }

    fn uri(&self) -> Uri {
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(self.scheme.clone());
        parts.authority = Some(self.authority.clone());
        parts.path_and_query = Some(PathAndQuery::from_static("/"));
        Uri::from_parts(parts).expect("its parts were an address")
    }
}

#[cfg(test)]
mod tests;
