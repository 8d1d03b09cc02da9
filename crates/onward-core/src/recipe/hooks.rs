//! `[[hooks]]`: whose server is told when a job is done, stops or stands still.

use serde::{Deserialize, Serialize};

use super::fields::{Fields, Findings, nearest, text};
use super::tree::{Node, Value};
use crate::hook::HookEvent;

/// Hooks of one recipe, at most: each is a call for every turn of the job, and one receiver can tell others.
pub const MAX_HOOKS: usize = 5;
/// Secrets of one hook, at most: the one in use and the one it is replaced by.
const MAX_SECRETS: usize = 2;

/// One server that is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hook {
    /// The address.
    pub url: String,
    /// What it is told of.
    #[serde(default = "every_event")]
    pub on: Vec<HookEvent>,
    /// What deliveries are signed with: `{{ secret.NAME }}`, one, or two while one replaces the other.
    pub secret: Vec<String>,
}

fn every_event() -> Vec<HookEvent> {
    HookEvent::ALL.to_vec()
}

impl Hook {
    /// A hook that no recipe names: `secrets` are the names behind `ONWARD_SECRET_`.
    ///
    /// # Errors
    /// What is wrong, in a sentence that begins with the key.
    pub fn standing(url: &str, on: &[HookEvent], secrets: &[String]) -> Result<Self, String> {
        if let Some(wrong) = wrong_address(url) {
            return Err(format!("`url` {wrong}"));
        }
        let secret: Vec<String> = secrets.iter().map(|name| format!("{{{{ secret.{name} }}}}")).collect();
        if !(1..=MAX_SECRETS).contains(&secret.len()) || secret.iter().any(|text| secret_name(text).is_none())
        {
            // What stands there may be the secret itself, and is not repeated.
            return Err(format!(
                "`secret` must be the NAME of a variable ONWARD_SECRET_NAME, or a list of {MAX_SECRETS} such names \
                 while one replaces the other"
            ));
        }
        let on = if on.is_empty() { &HookEvent::ALL[..] } else { on };
        let on = HookEvent::ALL.into_iter().filter(|event| on.contains(event)).collect();
        Ok(Self { url: url.to_owned(), on, secret })
    }

    /// The names of its secrets: `ONWARD_SECRET_NAME` holds the value.
    pub fn secret_names(&self) -> impl Iterator<Item = &str> {
        self.secret.iter().filter_map(|text| secret_name(text))
    }
}

/// The name in `{{ secret.NAME }}`, when the text is that and nothing else.
fn secret_name(text: &str) -> Option<&str> {
    let inside = text.trim().strip_prefix("{{")?.strip_suffix("}}")?.trim();
    let name = inside.strip_prefix("secret.")?;
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    (!name.is_empty() && name.chars().all(plain)).then_some(name)
}

/// What is wrong with the address of a hook before anybody looks where it leads.
fn wrong_address(url: &str) -> Option<&'static str> {
    if !(url.starts_with("https://") || url.starts_with("http://")) {
        Some("must begin with https:// or http://")
    } else if url.contains("{{") {
        Some("is the same for every job; a template has no place in it")
    } else {
        None
    }
}

/// All hooks of a recipe.
pub(super) fn hooks(node: &Node, findings: &mut Findings<'_>) -> Vec<Hook> {
    let Value::List(items) = &node.value else {
        let message =
            format!("`hooks` must be a list of tables, each begun with [[hooks]], not {}", node.value.kind());
        findings.add(node.at, "hooks", message);
        return Vec::new();
    };
    if items.len() > MAX_HOOKS {
        findings.add(node.at, "hooks", format!("{} hooks; allowed are {MAX_HOOKS}", items.len()));
    }
    let tables = items.iter().take(MAX_HOOKS).enumerate();
    tables.filter_map(|(at, item)| hook(item, &format!("hooks.{at}"), findings)).collect()
}

fn hook(node: &Node, path: &str, findings: &mut Findings<'_>) -> Option<Hook> {
    let mut fields = Fields::of(node, path, findings)?;
    let url_at = fields.place("url").unwrap_or(node.at);
    let url = super::read::required(&mut fields, "url", "the address that is told", findings);
    if let Some(message) = url.as_deref().and_then(wrong_address) {
        findings.add(url_at, &format!("{path}.url"), format!("`{path}.url` {message}"));
    }
    let on = match fields.take("on") {
        Some(node) => events(node, &format!("{path}.on"), findings),
        None => every_event(),
    };
    let secret_path = format!("{path}.secret");
    let secret = match fields.take("secret") {
        Some(node) => secrets(node, &secret_path, findings),
        None => {
            let message = format!(
                "`{secret_path}` is missing: what deliveries are signed with, such as \"{{{{ secret.HOOK }}}}\""
            );
            findings.add(node.at, &secret_path, message);
            Vec::new()
        }
    };
    fields.end(findings);
    Some(Hook { url: url?, on, secret })
}

/// Several texts, or one; with the place of each.
fn listed<'n>(node: &'n Node, path: &str, findings: &mut Findings<'_>) -> Vec<(&'n Node, String)> {
    let items = match &node.value {
        Value::List(items) => items.iter().collect(),
        Value::Text(_)
        | Value::Whole(_)
        | Value::Decimal(_)
        | Value::Bool(_)
        | Value::Table(_)
        | Value::Other(_) => vec![node],
    };
    items.into_iter().filter_map(|item| Some((item, text(item, path, findings)?))).collect()
}

fn events(node: &Node, path: &str, findings: &mut Findings<'_>) -> Vec<HookEvent> {
    let words = HookEvent::ALL.map(HookEvent::word);
    let mut asked = Vec::new();
    for (item, word) in listed(node, path, findings) {
        match HookEvent::ALL.into_iter().find(|event| event.word() == word) {
            Some(event) => asked.push(event),
            None => {
                let message = format!("`{path}` has {word:?}; allowed are {}", words.join(", "));
                findings.add_near(item.at, path, message, nearest(&word, &words));
            }
        }
    }
    if let Value::List(items) = &node.value
        && items.is_empty()
    {
        findings.add(node.at, path, format!("`{path}` is empty; leave it out to be told of everything"));
    }
    // In one order and each once, so that two recipes that mean the same are the same.
    HookEvent::ALL.into_iter().filter(|event| asked.contains(event)).collect()
}

fn secrets(node: &Node, path: &str, findings: &mut Findings<'_>) -> Vec<String> {
    let mut secrets = Vec::new();
    for (item, text) in listed(node, path, findings) {
        match secret_name(&text) {
            Some(name) => secrets.push(format!("{{{{ secret.{name} }}}}")),
            None => {
                // What stands there may be the secret itself, and is not repeated.
                let message = format!(
                    "`{path}` must be \"{{{{ secret.NAME }}}}\", and the secret in ONWARD_SECRET_NAME where the \
                     server runs: recipes are stored and shown"
                );
                findings.add(item.at, path, message);
            }
        }
    }
    if let Value::List(items) = &node.value {
        match items.len() {
            0 => findings.add(node.at, path, format!("`{path}` is empty; a delivery needs a signature")),
            1..=MAX_SECRETS => {}
            more => findings.add(
                node.at,
                path,
                format!(
                    "`{path}` has {more} secrets; {MAX_SECRETS} may be in use while one replaces the other"
                ),
            ),
        }
    }
    secrets
}

#[cfg(test)]
mod tests {
    use super::super::Recipe;
    use super::*;

    const WORK: &str = "[work]\nkind = \"creators\"\n";

    fn parse(hooks: &str) -> Result<Recipe, Vec<String>> {
        Recipe::parse(&format!("{WORK}{hooks}")).map_err(|problem| {
            let list = problem.facts["errors"].as_array().expect("a list").clone();
            list.iter()
                .map(|one| {
                    format!(
                        "{}: {}",
                        one["path"].as_str().unwrap_or(""),
                        one["message"].as_str().unwrap_or("")
                    )
                })
                .collect()
        })
    }

    #[test]
    fn hooks_are_read_and_written_back() {
        let recipe = parse(
            "[[hooks]]\nurl = 'https://a.example/x'\nsecret = '{{secret.ONE}}'\n\
             [[hooks]]\nurl = 'http://b.example'\non = ['stuck', 'failed', 'stuck']\n\
             secret = ['{{ secret.NEW }}', '{{ secret.OLD }}']\n",
        )
        .expect("it is a recipe");
        assert_eq!(recipe.hooks[0].on, HookEvent::ALL);
        assert_eq!(recipe.hooks[0].secret_names().collect::<Vec<_>>(), ["ONE"]);
        assert_eq!(recipe.hooks[1].on, [HookEvent::Failed, HookEvent::Stuck]);
        assert_eq!(recipe.hooks[1].secret_names().collect::<Vec<_>>(), ["NEW", "OLD"]);
        let json = recipe.to_json();
        assert_eq!(Recipe::from_json(&json), Ok(recipe.clone()));
        assert_eq!(serde_json::from_str::<Recipe>(&json).expect("serde reads it as well"), recipe);
    }

    #[test]
    fn a_hook_is_no_part_of_the_work() {
        let with =
            parse("[[hooks]]\nurl = 'https://a.example'\nsecret = '{{ secret.A }}'\n").expect("a recipe");
        let without = parse("").expect("a recipe");
        assert_ne!(with.to_json(), without.to_json());
        assert_eq!(with.work_json(), without.work_json());
        assert_eq!(without.work_json(), without.to_json(), "what was stored before is found again");
    }

    #[test]
    fn everything_wrong_with_a_hook_is_said() {
        for (hooks, said) in [
            ("[hooks]\nurl = 'x'\n", "begun with [[hooks]]"),
            ("[[hooks]]\nsecret = '{{ secret.A }}'\n", "`hooks.0.url` is missing"),
            ("[[hooks]]\nurl = 'ftp://a'\nsecret = '{{ secret.A }}'\n", "must begin with https://"),
            ("[[hooks]]\nurl = 'https://a/{{ x }}'\nsecret = '{{ secret.A }}'\n", "a template has no place"),
            ("[[hooks]]\nurl = 'https://a'\n", "`hooks.0.secret` is missing"),
            ("[[hooks]]\nurl = 'https://a'\nsecret = []\n", "a delivery needs a signature"),
            ("[[hooks]]\nurl = 'https://a'\nsecret = 'whsec_c2VjcmV0'\n", "ONWARD_SECRET_NAME"),
            (
                "[[hooks]]\nurl = 'https://a'\nsecret = ['{{secret.A}}', '{{secret.B}}', '{{secret.C}}']\n",
                "3 secrets",
            ),
            ("[[hooks]]\nurl = 'https://a'\nsecret = '{{ secret.A }}'\non = []\n", "leave it out"),
            (
                "[[hooks]]\nurl = 'https://a'\nsecret = '{{ secret.A }}'\non = ['done']\n",
                "allowed are completed",
            ),
            ("[[hooks]]\nurl = 'https://a'\nsecret = '{{ secret.A }}'\nmethod = 'GET'\n", "not a key"),
        ] {
            let errors = parse(hooks).expect_err(hooks);
            assert!(errors.iter().any(|error| error.contains(said)), "{hooks}: {errors:?}");
            assert!(
                !errors.iter().any(|error| error.contains("c2VjcmV0")),
                "a secret is repeated: {errors:?}"
            );
        }
        let six = "[[hooks]]\nurl = 'https://a'\nsecret = '{{ secret.A }}'\n".repeat(6);
        assert!(parse(&six).expect_err("six are too many")[0].contains("allowed are 5"));
    }
}
