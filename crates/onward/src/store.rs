//! Which store and which kinds of work: the only lines that name them.

use std::sync::Arc;

use onward_core::store::Store;
use onward_engine::Builder;
use onward_processors::{Outbound, Secrets, Settings};
use onward_store::open::{Mode, OpenError};

use crate::config::Config;
use crate::exit_code::{Exit, Failure};
use crate::host::Opening;

/// Opens the store of the configuration.
pub(crate) async fn open(config: &Config, opening: Opening) -> Result<Arc<dyn Store>, Failure> {
    let address = config.store.clone();
    let mode = match opening {
        Opening::Own => Mode::Serve,
        Opening::Beside => Mode::Join,
    };
    let opened = tokio::task::spawn_blocking(move || onward_store::open::open(&address, mode)).await;
    let opened = opened.map_err(|error| {
        Failure::new(Exit::Unexpected, format!("failed to open the store {}: {error}", config.store))
    })?;
    opened.map_err(|error| Failure::new(exit_of(&error), error.to_string()))
}

/// Makes the processor of a recipe.
pub(crate) fn builder() -> Builder {
    // Only this machine reaches the server, so its user may also call what runs on this machine.
    let settings = Settings { secrets: Secrets::from_env(), outbound: Outbound::LoopbackAllowed };
    Arc::new(move |recipe| onward_processors::build(recipe, &settings))
}

fn exit_of(error: &OpenError) -> Exit {
    match error {
        OpenError::Address(_) | OpenError::NotADatabase(_) | OpenError::Foreign(_) => Exit::Usage,
        OpenError::Held { .. } => Exit::Conflict,
        OpenError::Network { .. } | OpenError::ReadOnly(_) => Exit::NotAllowed,
        OpenError::Lost { .. } => Exit::NotFound,
        OpenError::Locked { .. } => Exit::Unreachable,
        OpenError::Io { error, .. } if error.kind() == std::io::ErrorKind::PermissionDenied => {
            Exit::NotAllowed
        }
        OpenError::Damaged { .. }
        | OpenError::Newer { .. }
        | OpenError::Different { .. }
        | OpenError::OldLibrary(_)
        | OpenError::Io { .. }
        | OpenError::Sql { .. } => Exit::Unexpected,
    }
}
