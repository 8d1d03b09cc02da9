//! Ctrl-C and the polite kill: told apart by how often they came.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::exit_code::{Exit, Failure};

/// SIGINT and SIGTERM, from the moment of creation on.
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    /// Takes both signals over; from now on they end nothing by themselves.
    pub(crate) fn take() -> Result<Self, Failure> {
        let refused = |error| Failure::new(Exit::Unexpected, format!("failed to listen for Ctrl-C: {error}"));
        let interrupt = signal(SignalKind::interrupt()).map_err(refused)?;
        let terminate = signal(SignalKind::terminate()).map_err(refused)?;
        Ok(Self { interrupt, terminate })
    }

    /// Waits for the next of them.
    pub(crate) async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
