//! What others are told: where they reach the server, and the hook of all jobs.

use onward_core::hook::HookEvent;
use onward_core::recipe::Hook;
use reqwest::Url;
use serde::Deserialize;

use crate::exit_code::{Exit, Failure};

/// The secret of the hook of all jobs, unless another is named.
const SECRET: &str = "HOOK";

/// Where others reach the server.
pub(super) struct Public {
    /// Its address, without a slash at the end.
    pub(super) url: String,
    /// The name it is asked by.
    pub(super) host: String,
}

/// `[hook]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HookTable {
    url: Option<String>,
    #[serde(default)]
    on: Vec<HookEvent>,
    secret: Option<Names>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Names {
    One(String),
    Two(Vec<String>),
}

/// Reads the address that others know. What may be secret in it is not repeated.
pub(super) fn public(text: &str) -> Result<Public, Failure> {
    let wrong = |why: &str| {
        Failure::new(Exit::Usage, format!("the public URL {why}")).hint(
            "write it as --public-url https://onward.example.org, as ONWARD_PUBLIC_URL, or as public_url in onward.toml",
        )
    };
    let url = Url::parse(text.trim()).map_err(|error| wrong(&format!("is no address: {error}")))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(wrong("must begin with https:// or http://"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong("has a user or a password in it; links are shown to everybody who is told"));
    }
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
        return Err(wrong("has something after the name; the dashboard is at the top of its address"));
    }
    let host = url.host_str().unwrap_or_default().to_owned();
    Ok(Public { url: url.as_str().trim_end_matches('/').to_owned(), host })
}

/// The hook of all jobs: its address from the flag or the environment, the rest from the file.
pub(super) fn hook(flag: Option<&str>, table: Option<HookTable>) -> Result<Option<Hook>, Failure> {
    let wrong = |why: &str| {
        Failure::new(Exit::Usage, format!("the hook of all jobs cannot be used: {why}"))
            .hint("write --hook https://…, ONWARD_HOOK, or url, on and secret under [hook] in onward.toml")
    };
    let is_said = table.is_some();
    let table = table.unwrap_or_default();
    let Some(url) = flag.map(str::to_owned).or(table.url) else {
        return if is_said { Err(wrong("[hook] has no `url`")) } else { Ok(None) };
    };
    match Url::parse(&url) {
        Ok(parsed) if !parsed.username().is_empty() || parsed.password().is_some() => {
            return Err(wrong(
                "its address has a user or a password in it, and addresses are stored and shown",
            ));
        }
        Ok(_) => {}
        Err(error) => return Err(wrong(&format!("its address is none: {error}"))),
    }
    let names = match table.secret {
        None => vec![SECRET.to_owned()],
        Some(Names::One(name)) => vec![name],
        Some(Names::Two(names)) => names,
    };
    Hook::standing(&url, &table.on, &names).map(Some).map_err(|why| wrong(&why))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_address_is_a_name_and_nothing_more() {
        for (given, url, host) in [
            ("https://onward.example.org", "https://onward.example.org", "onward.example.org"),
            (" http://Onward.Example.org:8080/ ", "http://onward.example.org:8080", "onward.example.org"),
        ] {
            let public = public(given).unwrap();
            assert_eq!((public.url.as_str(), public.host.as_str()), (url, host));
        }
        for (given, said) in [
            ("onward.example.org", "is no address"),
            ("ftp://onward.example.org", "must begin with https://"),
            ("https://anna:canary@onward.example.org", "has a user or a password"),
            ("https://onward.example.org/app", "something after the name"),
            ("https://onward.example.org/?a=1", "something after the name"),
        ] {
            let Err(failure) = public(given) else { panic!("{given} was taken") };
            assert!(failure.message.contains(said), "{failure}");
            assert!(!failure.message.contains("canary"), "{failure}");
        }
    }

    fn table(text: &str) -> Option<HookTable> {
        Some(toml::from_str(text).unwrap())
    }

    #[test]
    fn the_hook_of_all_jobs_is_an_address_and_names_of_secrets() {
        assert_eq!(hook(None, None).unwrap(), None);
        let plain = hook(Some("https://a.example/x"), None).unwrap().unwrap();
        assert_eq!((plain.url.as_str(), plain.on.as_slice()), ("https://a.example/x", &HookEvent::ALL[..]));
        assert_eq!(plain.secret_names().collect::<Vec<_>>(), ["HOOK"]);
        let all = "url = 'https://b.example'\non = ['stuck', 'failed']\nsecret = ['NEW', 'OLD']";
        let written = hook(None, table(all)).unwrap().unwrap();
        assert_eq!(written.on, [HookEvent::Failed, HookEvent::Stuck]);
        assert_eq!(written.secret_names().collect::<Vec<_>>(), ["NEW", "OLD"]);
        let flagged = hook(Some("https://a.example"), table(all)).unwrap().unwrap();
        assert_eq!((flagged.url.as_str(), flagged.on.len()), ("https://a.example", 2));
    }

    #[test]
    fn what_is_wrong_with_the_hook_of_all_jobs_is_said_without_what_may_be_secret() {
        for (text, said) in [
            ("on = ['failed']", "has no `url`"),
            ("url = 'nowhere'", "its address is none"),
            ("url = 'ftp://a.example'", "must begin with https://"),
            ("url = 'https://anna:canary@a.example'", "a user or a password"),
            ("url = 'https://a.example'\nsecret = 'whsec_canary='", "ONWARD_SECRET_NAME"),
            ("url = 'https://a.example'\nsecret = ['A', 'B', 'C']", "ONWARD_SECRET_NAME"),
        ] {
            let failure = hook(None, table(text)).unwrap_err();
            assert!(failure.message.contains(said), "{text}: {failure}");
            assert!(!failure.message.contains("canary"), "{failure}");
        }
    }
}
