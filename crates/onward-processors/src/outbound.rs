//! Where calls may go: the guard against reaching into the network the server stands in.
//!
//! Two gates, both needed: an address written as a number never passes through name resolution, so
//! it is checked when a recipe is read, at every hop of a redirect, and once more before each connection; a name
//! is resolved by our own resolver, which gives the connection only addresses it has checked, and none at all
//! when one of them is refused. Proxies of the environment are not used: they would go round the gates.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::str::FromStr;
use std::task::{Context, Poll};

use hyper_util::client::legacy::connect::dns::Name;
use onward_core::processor::Answer;
use tower_service::Service;
use url::Url;

use crate::answers::failed;

/// Which addresses may be called.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Outbound {
    /// Public addresses, this machine and private networks: for a server that only its own user reaches,
    /// who may call them anyway. What hands out credentials (the local link) stays refused.
    #[default]
    Inside,
    /// Public addresses, and those networks which the server's owner has named.
    PublicOnly {
        /// Networks that are allowed although they are not public.
        allow: Vec<Cidr>,
    },
}

/// A network such as `10.1.0.0/16`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cidr {
    network: IpAddr,
    bits: u32,
}

/// The address may not be called.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{host}` may not be called from here: {why}")]
pub struct Refused {
    /// The host as it was written or resolved.
    pub host: String,
    /// What is wrong with it.
    pub why: &'static str,
}

/// The text is no network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a network is written like 10.1.0.0/16 or fd00::/8")]
pub struct BadCidr;

const LOOPBACK: &str = "it is this machine itself";
const PRIVATE: &str = "it is in a private network";
const LOCAL: &str = "it is on the local link, where cloud machines keep their credentials";
const SPECIAL: &str = "it is in a range that is not public";

/// Ranges that are not public, from the IANA special-purpose registries.
const BLOCKED_V4: [(Ipv4Addr, u32, &str); 15] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8, SPECIAL),
    (Ipv4Addr::new(10, 0, 0, 0), 8, PRIVATE),
    (Ipv4Addr::new(100, 64, 0, 0), 10, PRIVATE),
    (Ipv4Addr::new(127, 0, 0, 0), 8, LOOPBACK),
    (Ipv4Addr::new(169, 254, 0, 0), 16, LOCAL),
    (Ipv4Addr::new(172, 16, 0, 0), 12, PRIVATE),
    (Ipv4Addr::new(192, 0, 0, 0), 24, SPECIAL),
    (Ipv4Addr::new(192, 0, 2, 0), 24, SPECIAL),
    (Ipv4Addr::new(192, 88, 99, 0), 24, SPECIAL),
    (Ipv4Addr::new(192, 168, 0, 0), 16, PRIVATE),
    (Ipv4Addr::new(198, 18, 0, 0), 15, SPECIAL),
    (Ipv4Addr::new(198, 51, 100, 0), 24, SPECIAL),
    (Ipv4Addr::new(203, 0, 113, 0), 24, SPECIAL),
    (Ipv4Addr::new(224, 0, 0, 0), 4, SPECIAL),
    (Ipv4Addr::new(240, 0, 0, 0), 4, SPECIAL),
];

/// As above. Ranges that carry an IPv4 address inside (NAT64, 6to4, Teredo) are refused whole.
const BLOCKED_V6: [(Ipv6Addr, u32, &str); 13] = [
    (Ipv6Addr::LOCALHOST, 128, LOOPBACK),
    (Ipv6Addr::UNSPECIFIED, 96, SPECIAL),
    (Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96, SPECIAL),
    (Ipv6Addr::new(0x64, 0xff9b, 1, 0, 0, 0, 0, 0), 48, SPECIAL),
    (Ipv6Addr::new(0x100, 0, 0, 0, 0, 0, 0, 0), 64, SPECIAL),
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23, SPECIAL),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32, SPECIAL),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16, SPECIAL),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20, SPECIAL),
    (Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7, PRIVATE),
    (Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10, LOCAL),
    (Ipv6Addr::new(0xfec0, 0, 0, 0, 0, 0, 0, 0), 10, PRIVATE),
    (Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0), 8, SPECIAL),
];

/// Names under which clouds hand out credentials; refused even where they resolve to something else.
const METADATA_NAMES: [&str; 2] = ["metadata.google.internal", "metadata.goog"];

impl Outbound {
    /// Checks scheme, user name and host of a URL, whatever form the host is written in.
    ///
    /// # Errors
    /// [`Refused`], with the reason.
    pub fn check_url(&self, url: &Url) -> Result<(), Refused> {
        let host = url.host_str().unwrap_or_default();
        let refused = |why| Err(Refused { host: host.to_owned(), why });
        if !matches!(url.scheme(), "http" | "https") {
            let host = format!("{}:", url.scheme());
            return Err(Refused { host, why: "only http and https addresses are called" });
        }
        if !url.username().is_empty() || url.password().is_some() {
            return refused("an address with a user name in it is refused; use a header");
        }
        if host.is_empty() {
            return refused("the address names no host");
        }
        self.check_host(host)
    }

    /// Checks a host as an address holds it, in small letters.
    pub(crate) fn check_host(&self, host: &str) -> Result<(), Refused> {
        if METADATA_NAMES.contains(&host.trim_end_matches('.')) {
            return Err(Refused { host: host.to_owned(), why: LOCAL });
        }
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        bare.parse().map_or(Ok(()), |ip| self.check_ip(ip))
    }

    /// Checks one address.
    ///
    /// # Errors
    /// [`Refused`], with the range it is in.
    pub fn check_ip(&self, ip: IpAddr) -> Result<(), Refused> {
        // `::ffff:10.0.0.1` reaches 10.0.0.1, so that is what is looked at.
        let ip = ip.to_canonical();
        let Some(why) = blocked(ip) else { return Ok(()) };
        let allowed = match self {
            Self::Inside => why == LOOPBACK || why == PRIVATE,
            Self::PublicOnly { allow } => allow.iter().any(|cidr| cidr.contains(ip)),
        };
        if allowed { Ok(()) } else { Err(Refused { host: ip.to_string(), why }) }
    }
}

impl From<Refused> for Answer {
    fn from(refused: Refused) -> Self {
        failed("blocked-address", refused.to_string())
    }
}

impl Cidr {
    /// Whether the address is in the network.
    #[must_use]
    pub fn contains(self, ip: IpAddr) -> bool {
        match (self.network, ip.to_canonical()) {
            (IpAddr::V4(network), IpAddr::V4(ip)) => same_v4(network, ip, self.bits),
            (IpAddr::V6(network), IpAddr::V6(ip)) => same_v6(network, ip, self.bits),
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

impl FromStr for Cidr {
    type Err = BadCidr;
    fn from_str(text: &str) -> Result<Self, BadCidr> {
        let (network, bits) = text.trim().split_once('/').ok_or(BadCidr)?;
        let network: IpAddr = network.parse().map_err(|_| BadCidr)?;
        let bits = bits.parse().map_err(|_| BadCidr)?;
        if bits > if network.is_ipv4() { 32 } else { 128 } {
            return Err(BadCidr);
        }
        Ok(Self { network, bits })
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.network, self.bits)
    }
}

/// Why there is no connection; [`Refused`] is found among its causes.
pub(crate) type Failed = Box<dyn std::error::Error + Send + Sync>;

/// Resolves names for the HTTP client and gives it only addresses that may be called.
#[derive(Debug, Clone)]
pub(crate) struct Guard(pub(crate) Outbound);

impl Service<Name> for Guard {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = Failed;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Failed>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Failed>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let outbound = self.0.clone();
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            // One refused address refuses the name: a name that is half inside is a trick.
            for address in &found {
                outbound.check_ip(address.ip())?;
            }
            Ok(found.into_iter())
        })
    }
}

fn blocked(ip: IpAddr) -> Option<&'static str> {
    match ip {
        IpAddr::V4(ip) => {
            BLOCKED_V4.iter().find(|(network, bits, _)| same_v4(*network, ip, *bits)).map(|found| found.2)
        }
        IpAddr::V6(ip) => {
            BLOCKED_V6.iter().find(|(network, bits, _)| same_v6(*network, ip, *bits)).map(|found| found.2)
        }
    }
}

fn same_v4(network: Ipv4Addr, ip: Ipv4Addr, bits: u32) -> bool {
    let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
    network.to_bits() & mask == ip.to_bits() & mask
}

fn same_v6(network: Ipv6Addr, ip: Ipv6Addr, bits: u32) -> bool {
    let mask = u128::MAX.checked_shl(128 - bits).unwrap_or(0);
    network.to_bits() & mask == ip.to_bits() & mask
}

#[cfg(test)]
mod tests {
    use super::*;

    fn public() -> Outbound {
        Outbound::PublicOnly { allow: vec![] }
    }

    #[test]
    fn every_way_to_write_an_inside_address_is_refused() {
        for url in [
            "file:///etc/passwd",
            "gopher://example.com/",
            "ftp://example.com/",
            "http://127.0.0.1/",
            "http://127.1/",
            "http://2130706433/",
            "http://0x7f.1/",
            "http://0177.0.0.1/",
            "http://0/",
            "http://[::1]/",
            "http://[::]/",
            "http://[::ffff:127.0.0.1]/",
            "http://[::ffff:169.254.169.254]/",
            "http://[::127.0.0.1]/",
            "http://[64:ff9b::7f00:1]/",
            "http://[2002:7f00:1::]/",
            "http://[fd00::1]/",
            "http://[fe80::1]/",
            "http://169.254.169.254/latest/meta-data",
            "http://metadata.google.internal/",
            "http://METADATA.google.internal./",
            "http://10.0.0.1/",
            "http://100.64.0.1/",
            "http://172.31.255.255/",
            "http://192.168.1.1/",
            "http://198.18.0.1/",
            "http://224.0.0.1/",
            "http://255.255.255.255/",
            "http://user@example.com/",
            "http://user:password@example.com/",
        ] {
            let url = Url::parse(url).unwrap();
            assert!(public().check_url(&url).is_err(), "{url}");
        }
    }

    #[test]
    fn public_addresses_are_let_through() {
        for url in [
            "https://example.com/",
            "http://1.1.1.1/",
            "http://172.32.0.1/",
            "http://100.128.0.1/",
            "https://[2606:4700:4700::1111]/",
        ] {
            assert_eq!(public().check_url(&Url::parse(url).unwrap()), Ok(()), "{url}");
        }
    }

    #[test]
    fn a_server_of_one_user_may_call_what_its_user_may_call_but_no_credentials() {
        let check = |url: &str| Outbound::Inside.check_url(&Url::parse(url).unwrap());
        for url in
            ["http://127.0.0.1:7314/", "http://[::1]/", "http://[::ffff:127.0.0.1]/", "http://10.0.0.1/"]
        {
            assert_eq!(check(url), Ok(()), "{url}");
        }
        for url in
            ["http://169.254.169.254/", "http://[fe80::1]/", "http://metadata.goog/", "http://0.0.0.0/"]
        {
            assert!(check(url).is_err(), "{url}");
        }
    }

    #[test]
    fn named_networks_are_let_through() {
        let outbound = Outbound::PublicOnly { allow: vec!["10.1.0.0/16".parse().unwrap()] };
        assert_eq!(outbound.check_ip("10.1.2.3".parse().unwrap()), Ok(()));
        assert_eq!(outbound.check_ip("::ffff:10.1.2.3".parse().unwrap()), Ok(()));
        assert!(outbound.check_ip("10.2.0.1".parse().unwrap()).is_err());
        for bad in ["10.0.0.0", "10.0.0.0/33", "x/8", "::/129", ""] {
            assert_eq!(bad.parse::<Cidr>(), Err(BadCidr), "{bad}");
        }
    }

    #[tokio::test]
    async fn a_name_that_leads_inside_gets_no_address() {
        let resolve = async |outbound: Outbound| Guard(outbound).call("localhost".parse().unwrap()).await;
        let error = resolve(public()).await.expect_err("localhost is inside");
        assert!(error.is::<Refused>(), "{error}");
        assert!(resolve(Outbound::Inside).await.is_ok());
    }
}
