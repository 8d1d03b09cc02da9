//! Where things are: flags, then the environment, then `onward.toml`, then the defaults.
//!
//! `onward.toml` is read from the current directory and from the data folder; what both say, the
//! current directory decides. Paths in a file count from the folder the file is in.

mod told;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZero;
use std::path::{Path, PathBuf};

use onward_core::recipe::Hook;
use onward_processors::{Cidr, NamedCommand};
use onward_store::open::is_shared;
use serde::Deserialize;

use crate::args::Places;
use crate::exit_code::{Exit, Failure};

/// The port of the dashboard and the API, unless set otherwise.
const DEFAULT_PORT: u16 = 7313;
/// The folder of the demo, below the current directory.
const DEMO_DIR: &str = ".onward/demo";

/// What the command runs with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Config {
    /// The store's address.
    pub(crate) store: String,
    /// The Redis beside it, if there is one.
    pub(crate) redis: Option<RedisPlace>,
    /// Where a server listens.
    pub(crate) listen: SocketAddr,
    /// The folder for the store and the server's notes.
    pub(crate) data_dir: PathBuf,
    /// Programs that recipes may name.
    pub(crate) commands: BTreeMap<String, NamedCommand>,
    /// Networks that are not public and may be called all the same.
    pub(crate) allowed: Vec<Cidr>,
    /// Further host names the server answers to, such as a reverse proxy's.
    pub(crate) hosts: Vec<String>,
    /// The most clients of the event streams at one time, unless it is the usual number.
    pub(crate) max_streams: Option<usize>,
    /// Where others reach the server, without a slash at the end.
    pub(crate) public_url: Option<String>,
    /// The hook that every job made here is given.
    pub(crate) hook: Option<Hook>,
}

/// Where a Redis is, and what our keys there begin with.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct RedisPlace {
    /// Its address, which may carry a password.
    pub(crate) url: String,
    /// The prefix.
    pub(crate) prefix: String,
}

impl std::fmt::Debug for RedisPlace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RedisPlace").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

impl Config {
    /// The file of the store, where it is one.
    pub(crate) fn store_file(&self) -> Option<&Path> {
        self.store.strip_prefix(SQLITE).map(Path::new)
    }

    /// Whether there may be something in the store already: a file is there or not, a server has to be
    /// asked.
    pub(crate) fn store_may_exist(&self) -> bool {
        self.store_file().is_none_or(Path::exists)
    }

    /// The store's address without user, password and parameters: for messages, and for the note that a
    /// server leaves.
    pub(crate) fn store_shown(&self) -> String {
        if !is_shared(&self.store) {
            return self.store.clone();
        }
        let base = self.store.split('?').next().unwrap_or_default();
        let (scheme, rest) = base.split_once("://").unwrap_or_default();
        let place = rest.rsplit_once('@').map_or(rest, |(_, place)| place);
        format!("{scheme}://{place}")
    }
}

/// What begins the address of an SQLite store.
const SQLITE: &str = "sqlite:";

/// Which default data folder a verb has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Home {
    /// The person's data folder.
    Person,
    /// `.onward/demo` below the current directory.
    Demo,
}

/// What of the surroundings takes part, passed in so that tests need none of it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Surroundings {
    /// The current directory.
    pub(crate) current_dir: PathBuf,
    /// `XDG_DATA_HOME`.
    pub(crate) xdg_data_home: Option<PathBuf>,
    /// `HOME`.
    pub(crate) home: Option<PathBuf>,
}

impl Surroundings {
    /// Those of this process.
    pub(crate) fn of_process() -> Result<Self, Failure> {
        let current_dir = std::env::current_dir().map_err(|error| {
            Failure::new(Exit::Usage, format!("failed to find the current directory: {error}"))
        })?;
        let absolute = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        Ok(Self { current_dir, xdg_data_home: absolute("XDG_DATA_HOME"), home: absolute("HOME") })
    }
}

/// Merges flags and environment (`places`), files and defaults.
pub(crate) fn load(places: &Places, home: Home, around: &Surroundings) -> Result<Config, Failure> {
    let here = read(&around.current_dir)?;
    let data_dir = match (&places.data_dir, &here.data_dir, home) {
        (Some(given), _, _) => around.current_dir.join(given),
        (None, Some(written), Home::Person) => written.clone(),
        (None, _, Home::Demo) => around.current_dir.join(DEMO_DIR),
        (None, None, Home::Person) => default_data_dir(around)?,
    };
    let there = if data_dir == around.current_dir { File::default() } else { read(&data_dir)? };
    let redis = places.redis.clone().or(here.redis).or(there.redis);
    let prefix = places.redis_prefix.clone().or(here.redis_prefix).or(there.redis_prefix);
    let prefix = prefix.unwrap_or_else(|| onward_store::redis::PREFIX.to_owned());
    let redis = redis.map(|url| RedisPlace { url, prefix });
    if let Some(RedisPlace { url, prefix }) = &redis {
        onward_store::redis::Redis::at(url, prefix)
            .map_err(|error| Failure::new(Exit::Usage, error.to_string()))?;
    }
    let store = match &places.store {
        Some(given) => Some(store_address(given, &around.current_dir)?),
        None => match home {
            Home::Person => here.store.or(there.store),
            Home::Demo => None,
        },
    };
    let mut store = store.unwrap_or_else(|| format!("{SQLITE}{}", data_dir.join("onward.db").display()));
    if let Some(root) = here.sslrootcert.or(there.sslrootcert)
        && is_shared(&store)
        && !store.contains("sslrootcert=")
    {
        let joint = if store.contains('?') { '&' } else { '?' };
        store.push_str(&format!("{joint}sslrootcert={}", root.display()));
    }
    let listen = places.listen.or(here.listen).or(there.listen);
    let listen = listen.unwrap_or_else(|| SocketAddr::from((Ipv4Addr::LOCALHOST, DEFAULT_PORT)));
    let mut commands = there.commands;
    commands.extend(here.commands);
    let commands = commands.into_iter().map(|(name, command)| (name, command.into())).collect();
    let outbound = here.outbound.or(there.outbound).unwrap_or_default();
    let allowed = outbound.allow.iter().map(|text| network(text)).collect::<Result<_, _>>()?;
    let server = here.server.or(there.server).unwrap_or_default();
    let (mut hosts, max_streams) = (server.hosts, server.max_streams.map(NonZero::get));
    let public_url = places.public_url.clone().or(here.public_url).or(there.public_url);
    let public = public_url.map(|text| told::public(&text)).transpose()?;
    hosts.extend(public.iter().map(|public| public.host.clone()));
    let public_url = public.map(|public| public.url);
    let hook = told::hook(places.hook.as_deref(), here.hook.or(there.hook))?;
    Ok(Config { store, redis, listen, data_dir, commands, allowed, hosts, max_streams, public_url, hook })
}

/// The keys of `onward.toml`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    store: Option<String>,
    /// The root certificate of a database on another machine.
    sslrootcert: Option<PathBuf>,
    redis: Option<String>,
    redis_prefix: Option<String>,
    listen: Option<SocketAddr>,
    data_dir: Option<PathBuf>,
    #[serde(default)]
    commands: BTreeMap<String, CommandTable>,
    public_url: Option<String>,
    hook: Option<told::HookTable>,
    outbound: Option<OutboundTable>,
    server: Option<ServerTable>,
}

/// `[server]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ServerTable {
    #[serde(default)]
    hosts: Vec<String>,
    max_streams: Option<NonZero<usize>>,
}

/// `[commands.NAME]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CommandTable {
    argv: Vec<String>,
    #[serde(default)]
    env: Vec<String>,
}

impl From<CommandTable> for NamedCommand {
    fn from(table: CommandTable) -> Self {
        Self { argv: table.argv, env: table.env }
    }
}

/// `[outbound]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct OutboundTable {
    #[serde(default)]
    allow: Vec<String>,
}

fn network(text: &str) -> Result<Cidr, Failure> {
    text.parse().map_err(|error| {
        Failure::new(Exit::Usage, format!("`{text}` in `allow` of [outbound] is no network: {error}"))
    })
}

fn read(folder: &Path) -> Result<File, Failure> {
    let path = folder.join("onward.toml");
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if is_absent(&error) => return Ok(File::default()),
        Err(error) => {
            return Err(Failure::new(Exit::Usage, format!("failed to read {}: {error}", path.display())));
        }
    };
    let mut file: File = toml::from_str(&text).map_err(|error| {
        Failure::new(
            Exit::Usage,
            format!("{} has an error\n{}", path.display(), error.to_string().trim_end()),
        )
        .hint("its keys are store, sslrootcert, redis, redis_prefix, listen, data_dir, public_url, [hook], [commands.NAME], [outbound] and [server]")
    })?;
    file.data_dir = file.data_dir.map(|written| folder.join(written));
    file.sslrootcert = file.sslrootcert.map(|written| folder.join(written));
    file.store = file.store.map(|written| store_address(&written, folder)).transpose()?;
    Ok(file)
}

/// A folder that is a file has no `onward.toml` either; whoever needs the folder says so.
fn is_absent(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory)
}

/// The address with an absolute path, so that it names the same store from everywhere.
pub(crate) fn store_address(given: &str, folder: &Path) -> Result<String, Failure> {
    if let Some(path) = given.strip_prefix(SQLITE).filter(|path| !path.is_empty()) {
        let path = path.strip_prefix("//").unwrap_or(path);
        return Ok(format!("{SQLITE}{}", folder.join(path).display()));
    }
    if is_shared(given) {
        return Ok(given.to_owned());
    }
    // The address may carry a password: only its scheme is repeated.
    let scheme = given.split(':').next().unwrap_or_default();
    let message = if given.contains(':') {
        format!("a ledger is kept in SQLite or PostgreSQL; `{scheme}:` is neither")
    } else {
        "a store's address begins with its kind".to_owned()
    };
    Err(Failure::new(Exit::Usage, message)
        .hint("write --store sqlite:PATH or postgres://USER:PASSWORD@HOST/DATABASE, or leave it out"))
}

fn default_data_dir(around: &Surroundings) -> Result<PathBuf, Failure> {
    let share = match (&around.xdg_data_home, &around.home) {
        (Some(xdg), _) => xdg.clone(),
        (None, Some(home)) => home.join(".local/share"),
        (None, None) => {
            let message = "neither XDG_DATA_HOME nor HOME is set, so there is no default data folder";
            return Err(Failure::new(Exit::Usage, message).hint("say where with --data-dir FOLDER"));
        }
    };
    Ok(share.join("onward"))
}

#[cfg(test)]
mod tests;
