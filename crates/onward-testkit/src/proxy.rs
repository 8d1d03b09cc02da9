//! A proxy between a program and a server it needs, to cut them off from each other in every way a
//! network does.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Result;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

/// What the network does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weather {
    /// Everything passes.
    Fair,
    /// Everything passes, this much later.
    Slow(Duration),
    /// Nothing passes either way, and nobody is told.
    BlackHole,
    /// What the program says arrives; what the server answers does not.
    OneWay,
    /// Open connections are cut, and new ones too, as soon as they are made.
    Reset,
}

impl Weather {
    /// Whether what the program says arrives.
    fn carries_questions(self) -> bool {
        matches!(self, Self::Fair | Self::Slow(_) | Self::OneWay)
    }

    /// Whether what the server answers arrives. What waited for that is lost with its connection.
    fn carries_answers(self) -> bool {
        matches!(self, Self::Fair | Self::Slow(_))
    }
}

/// The proxy. It ends when dropped.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    weather: watch::Sender<Weather>,
    sent: Arc<AtomicU64>,
    task: JoinHandle<()>,
}

impl Proxy {
    /// A proxy on a free port in front of a server on this machine.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn before(port: u16) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (weather, seen) = watch::channel(Weather::Fair);
        let sent = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&sent);
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                connections.spawn(carry(client, port, seen.clone(), Arc::clone(&counted)));
            }
        });
        Ok(Self { address, weather, sent, task })
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Bytes that programs have sent through it.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Changes what the network does, for open connections too.
    pub fn set(&self, weather: Weather) {
        self.weather.send_replace(weather);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn carry(client: TcpStream, port: u16, weather: watch::Receiver<Weather>, sent: Arc<AtomicU64>) {
    let Ok(server) = TcpStream::connect(("127.0.0.1", port)).await else { return };
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let (mut cut, answered) = (weather.clone(), AtomicU64::new(0));
    tokio::select! {
        () = copy(from_client, to_server, weather.clone(), &sent, Weather::carries_questions) => {}
        () = copy(from_server, to_client, weather, &answered, Weather::carries_answers) => {}
        _ = cut.wait_for(|weather| *weather == Weather::Reset) => {}
    }
}

/// Carries bytes one way. What comes while it does not pass waits until it does, as TCP would have it.
async fn copy(
    mut from: impl AsyncReadExt + Unpin,
    mut to: impl AsyncWriteExt + Unpin,
    mut weather: watch::Receiver<Weather>,
    carried: &AtomicU64,
    passes: impl Fn(Weather) -> bool,
) {
    let mut buffer = vec![0; 16 * 1_024];
    loop {
        let Ok(read @ 1..) = from.read(&mut buffer).await else { return };
        let Ok(now) = weather.wait_for(|weather| passes(*weather)).await.map(|now| *now) else { return };
        carried.fetch_add(read as u64, Ordering::Relaxed);
        if let Weather::Slow(time) = now {
            tokio::time::sleep(time).await;
        }
        if to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}

/// An answer that was on its way when a connection is cut is lost, whichever of the two is noticed first.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_is_held_back_does_not_slip_through_as_the_connection_is_cut() {
    let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = Proxy::before(server.local_addr().unwrap().port()).await.unwrap();
    for _ in 0..50 {
        proxy.set(Weather::Fair);
        let mut program = TcpStream::connect(proxy.address).await.unwrap();
        let (mut peer, _) = server.accept().await.unwrap();
        program.write_all(b"?").await.unwrap();
        peer.read_exact(&mut [0]).await.unwrap();
        peer.write_all(b"ok").await.unwrap();
        program.read_exact(&mut [0; 2]).await.unwrap();
        proxy.set(Weather::OneWay);
        peer.write_all(b"lost").await.unwrap();
        program.write_all(b"?").await.unwrap();
        peer.read_exact(&mut [0]).await.unwrap();
        proxy.set(Weather::Reset);
        let mut arrived = Vec::new();
        // Cut off either with a reset or in order: what counts is that nothing came.
        let _ = program.read_to_end(&mut arrived).await;
        assert_eq!(arrived, b"", "{}", String::from_utf8_lossy(&arrived));
    }
}
