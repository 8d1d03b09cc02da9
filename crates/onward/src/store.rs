//! Which store and which kinds of work: the only lines that name them.

use std::sync::{Arc, OnceLock};

use onward_core::hook::Courier;
use onward_core::store::Store;
use onward_engine::Builder;
use onward_processors::{Commands, Guard, HookCourier, Outbound, SECRET_PREFIX, Secrets, Settings};
use onward_store::layered::LayeredStore;
use onward_store::open::{Mode, OpenError};
use onward_store::postgres;
use onward_store::redis::Redis;

use crate::config::{Config, RedisPlace};
use crate::exit_code::{Exit, Failure};
use crate::host::Opening;

/// Opens the store of the configuration, with a Redis beside it if there is one.
pub(crate) async fn open(
    config: &Config,
    opening: Opening,
) -> Result<(Arc<dyn Store>, Option<Redis>), Failure> {
    let ledger = open_ledger(config, opening).await?;
    let Some(RedisPlace { url, prefix }) = &config.redis else { return Ok((ledger, None)) };
    let redis = Redis::at(url, prefix).map_err(|error| Failure::new(Exit::Usage, error.to_string()))?;
    Ok((Arc::new(LayeredStore::new(ledger, redis.clone())), Some(redis)))
}

async fn open_ledger(config: &Config, opening: Opening) -> Result<Arc<dyn Store>, Failure> {
    let address = config.store.clone();
    let mode = match opening {
        Opening::Own => Mode::Serve,
        Opening::Beside => Mode::Join,
    };
    let opened = onward_store::open::connect(&address, mode).await;
    opened.map_err(|error| Failure::new(exit_of(&error), error.to_string()))
}

/// The names of the secrets that are set, without their prefix; the values stay where they are.
pub(crate) fn secret_names() -> Vec<String> {
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    names.filter_map(|name| name.strip_prefix(SECRET_PREFIX).map(str::to_owned)).collect()
}

/// Where recipes come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Author {
    /// The person at this terminal, who may run any program and call what he can reach anyway.
    Terminal,
    /// Whoever reaches the server: what its owner has named, and nothing more.
    Server,
}

/// Makes the processor of a recipe.
pub(crate) fn builder(config: &Config, author: Author) -> Builder {
    let settings = settings(config, author);
    Arc::new(move |recipe| onward_processors::build(recipe, &settings))
}

/// Who tells hooks. Addresses of hooks are addresses of recipes: they may be called where those may.
pub(crate) fn courier(config: &Config, author: Author) -> Result<Arc<dyn Courier>, Failure> {
    Ok(Arc::new(HookCourier::new(&settings(config, author))?))
}

/// As a person at the terminal would run a recipe, to look at it only: secrets that are not set have stand-ins, and
/// [`Secrets::stood_in`] names them.
pub(crate) fn looking(config: &Config) -> Result<(Builder, Arc<dyn Courier>, Secrets), Failure> {
    let secrets = Secrets::from_env().with_stand_ins();
    let settings = Settings { secrets: secrets.clone(), ..settings(config, Author::Terminal) };
    let courier = Arc::new(HookCourier::new(&settings)?);
    Ok((Arc::new(move |recipe| onward_processors::build(recipe, &settings)), courier, secrets))
}

fn settings(config: &Config, author: Author) -> Settings {
    let commands = config.commands.clone();
    let commands = match author {
        Author::Terminal => Commands::Any(commands),
        Author::Server => Commands::Named(commands),
    };
    // Only this machine reaches a server on loopback, so its user may also call what he can reach himself.
    let inside = author == Author::Terminal || config.listen.ip().is_loopback();
    let outbound =
        if inside { Outbound::Inside } else { Outbound::PublicOnly { allow: config.allowed.clone() } };
    Settings {
        secrets: Secrets::from_env(),
        outbound,
        commands,
        guard: guard(),
        public_url: config.public_url.clone(),
    }
}

/// The word by which this binary is told to stand guard over programs; no verb of a person's.
pub(crate) const GUARD: &str = "__guard";

/// One guard for all programs of this process.
fn guard() -> Guard {
    static ONE: OnceLock<Guard> = OnceLock::new();
    let guard = ONE.get_or_init(|| match std::env::current_exe() {
        Ok(binary) => Guard::started_by(vec![binary.into(), GUARD.into()]),
        Err(_) => Guard::default(),
    });
    guard.clone()
}

fn exit_of(error: &OpenError) -> Exit {
    match error {
        OpenError::Address(_) | OpenError::NotADatabase(_) | OpenError::Foreign(_) => Exit::Usage,
        OpenError::Postgres(error) => exit_of_postgres(error),
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

fn exit_of_postgres(error: &postgres::OpenError) -> Exit {
    use postgres::OpenError as Error;
    match error {
        Error::Address { .. } | Error::RootCertificate { .. } => Exit::Usage,
        Error::Unreachable { .. } | Error::Ipv6Only { .. } => Exit::Unreachable,
        Error::Login { .. } | Error::NotAllowed { .. } => Exit::NotAllowed,
        Error::Untrusted { .. } | Error::OtherHost { .. } => Exit::NotAllowed,
        Error::TransactionPooler { .. } => Exit::NotAllowed,
        Error::Newer { .. } | Error::Different { .. } | Error::Tls(_) | Error::Sql { .. } => Exit::Unexpected,
    }
}
