//! The connections under every call: kept and used again, without proxies, redirects or repeats, and to no
//! address that may not be called.
//!
//! hyper speaks HTTP; which connection a call goes through is decided here. A connection is driven by the call
//! that uses it, in the call's own task: nothing has to be woken between a call and its connection, which took a
//! good part of a quick call's time. While it waits for its next call nobody drives it, so that it was closed
//! shows when it is taken.

use std::collections::HashMap;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Waker};
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, HOST, HeaderValue, USER_AGENT};
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

/// A call that can be sent again.
pub(crate) type Request = http::Request<Bytes>;

/// The same as it is written to a connection.
type Written = http::Request<Full<Bytes>>;

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
    pub(crate) async fn send(&self, request: Request) -> Result<Answering, Unsent> {
        let (place, mut request) = addressed(request)?;
        while let Some(connection) = self.pool.take(&place) {
            match self.through(connection, &place, request).await {
                Ok(answering) => return Ok(answering),
                Err(Some(unsent)) => request = unsent,
                Err(None) => return Err(Unsent::Broken),
            }
        }
        // Rare, and large: what every call would have to keep room for.
        let connection = Box::pin(self.connect(&place)).await?;
        self.through(connection, &place, request).await.map_err(|_| Unsent::Broken)
    }

    /// The error has the call, when the connection was closed before anything of it was sent.
    async fn through(
        &self,
        mut connection: Connection,
        place: &Place,
        request: Written,
    ) -> Result<Answering, Option<Written>> {
        let answer = connection.sender.try_send_request(request);
        let answer = connection.io.until(answer).await.map_err(|mut broken| broken.take_message())?;
        let (head, body) = answer.into_parts();
        let (head, pool) = (Response::from_parts(head, ()), Arc::clone(&self.pool));
        Ok(Answering { head, body, connection, place: place.clone(), pool })
    }

    async fn connect(&self, place: &Place) -> Result<Connection, Unsent> {
        let stream = self.connector.connect(place.uri()).await.map_err(Unsent::Unconnected)?;
        let (sender, io) = http1::handshake(stream).await.map_err(|_| Unsent::Broken)?;
        Ok(Connection { sender, io: Io { driven: Box::pin(io), is_over: false } })
    }
}

/// An answer whose body is still to be read, and the connection that it comes through. Dropped before its end, it
/// takes the connection along.
#[derive(Debug)]
pub(crate) struct Answering {
    head: Response<()>,
    body: Incoming,
    connection: Connection,
    place: Place,
    pool: Arc<Pool>,
}

impl Answering {
    /// Status and headers.
    pub(crate) fn head(&self) -> &Response<()> {
        &self.head
    }

    /// Status and headers, to be changed or taken.
    pub(crate) fn head_mut(&mut self) -> &mut Response<()> {
        &mut self.head
    }

    /// The next piece of the body; `None` at its end.
    pub(crate) async fn piece(&mut self) -> Option<hyper::Result<Bytes>> {
        loop {
            match self.connection.io.until(self.body.frame()).await?.map(Frame::into_data) {
                Ok(Ok(piece)) => return Some(Ok(piece)),
                // What follows a body is asked for by nobody.
                Ok(Err(_)) => {}
                Err(error) => return Some(Err(error)),
            }
        }
    }

    /// Nobody wants the rest: the connection waits for the next call, if it can take one.
    pub(crate) fn finish(self) -> Response<()> {
        let Self { head, body, connection, place, pool } = self;
        drop(body);
        pool.put(place, connection);
        head
    }
}

/// Where a connection leads to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Place {
    scheme: Scheme,
    authority: Authority,
}

/// A connection for one call at a time.
#[derive(Debug)]
struct Connection {
    sender: SendRequest<Full<Bytes>>,
    io: Io,
}

/// The side of a connection that reads and writes.
#[derive(Debug)]
struct Io {
    driven: Pin<Box<http1::Connection<Stream, Full<Bytes>>>>,
    is_over: bool,
}

impl Io {
    /// Reads and writes until something has come of it. When the connection is over, whoever waits for something of
    /// it is told.
    async fn until<F: Future>(&mut self, something: F) -> F::Output {
        let mut something = pin!(something);
        poll_fn(|context| {
            self.go_on(context);
            something.as_mut().poll(context)
        })
        .await
    }

    fn go_on(&mut self, context: &mut Context<'_>) {
        self.is_over = self.is_over || self.driven.as_mut().poll(context).is_ready();
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
        !self.io.is_over && self.sender.is_ready()
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
        loop {
            let (since, mut connection) = self.idle().get_mut(place)?.pop()?;
            if since.elapsed() < IDLE && connection.is_free() {
                return Some(connection);
            }
        }
    }

    fn put(self: Arc<Self>, place: Place, mut connection: Connection) {
        // Whether it still is shows when it is taken.
        if !connection.seemed_free() && !connection.is_free() {
            return;
        }
        let mut idle = self.idle();
        if idle.is_empty() {
            tokio::spawn(drop_idle(Arc::downgrade(&self)));
        }
        let waiting = idle.entry(place).or_default();
        if waiting.len() < self.most {
            waiting.push((Instant::now(), connection));
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

/// Where a call leads to, and the call as it is written there.
fn addressed(request: Request) -> Result<(Place, Written), Unsent> {
    let (mut head, body) = request.into_parts();
    let http::uri::Parts { scheme, authority, path_and_query, .. } = head.uri.into_parts();
    let place = Place { scheme: scheme.ok_or(Unsent::Broken)?, authority: authority.ok_or(Unsent::Broken)? };
    head.uri = path_and_query.map_or_else(Uri::default, Uri::from);
    head.headers.entry(HOST).or_insert_with(|| place.host());
    head.headers.entry(USER_AGENT).or_insert(NAME);
    head.headers.entry(ACCEPT_ENCODING).or_insert(HeaderValue::from_static(GZIP));
    Ok((place, http::Request::from_parts(head, Full::new(body))))
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
