//! The call of a row as it goes out, for people: secrets are named, never shown.

use std::fmt::Write as _;

use onward_core::input::Columns;
use onward_core::job::Job;
use onward_core::key::clean_handle;
use onward_core::recipe::{Command, Method, Recipe, WorkKind};
use onward_engine::RowLook;
use serde_json::{Map, Value};

use crate::web::filter::encoded;

/// A call that can be made by hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Request {
    /// Method and address, or the program and its arguments.
    pub(crate) line: String,
    /// Headers, in order; values of secrets are replaced by the name of their variable.
    pub(crate) headers: Vec<(String, String)>,
    /// What is sent along.
    pub(crate) body: Option<String>,
    /// The same as a command for a shell.
    pub(crate) shell: String,
}

/// The call of this row, if its work makes one.
pub(crate) fn of(job: &Job, row: &RowLook) -> Option<Request> {
    let recipe = Recipe::from_json(&job.recipe).ok()?;
    let header: Vec<String> = row.fields.iter().map(|(name, _)| name.to_string()).collect();
    let columns = onward_intake::columns(&header, &recipe).ok()?;
    let values = Values { recipe: &recipe, columns: &columns, row };
    let generation = row.ledger.as_ref().map_or(job.generation, |record| record.generation);
    let key = format!("{}/{}/{generation}", job.id, row.index.row());
    match recipe.work.kind {
        WorkKind::Creators => {
            let fetch = recipe.fetch.as_ref()?;
            let url = filled(&fetch.url, |name| Some(encoded(&values.get(name)?)))?;
            let own =
                fetch.headers.iter().map(|(name, value)| Some((name.clone(), header_value(value, &values)?)));
            let mut headers: Vec<_> = own.collect::<Option<_>>()?;
            headers.push(("idempotency-key".to_owned(), key));
            Some(http("GET", &url, headers, None))
        }
        WorkKind::Http => {
            let work = &recipe.work;
            let url = filled(work.url.as_ref()?, |name| Some(encoded(&values.get(name)?)))?;
            let method = method(work.method.unwrap_or(Method::Post));
            let own =
                work.headers.iter().map(|(name, text)| Some((name.clone(), header_value(text, &values)?)));
            let mut headers: Vec<_> = own.collect::<Option<_>>()?;
            let body = match &work.body {
                Some(template) => Some(filled(template, |name| Some(escaped_json(&values.get(name)?)))?),
                None => (method != "GET").then(|| body(job, row, &columns)),
            };
            if body.is_some() && !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
                headers.push(("content-type".to_owned(), "application/json".to_owned()));
            }
            headers.push(("idempotency-key".to_owned(), key));
            Some(http(method, &url, headers, body))
        }
        WorkKind::Command => {
            // A named command stands in the server's own configuration, which is no page's to show.
            let words = match recipe.work.command.as_ref()? {
                Command::Named(_) => return None,
                Command::Argv(words) => words.iter().map(|word| quoted(&braces(word, &values))),
            };
            let line = words.collect::<Vec<String>>().join(" ");
            let body = body(job, row, &columns);
            let shell = format!("printf '%s' {} | {line}", quoted(&body));
            Some(Request { line, headers: Vec::new(), body: Some(body), shell })
        }
    }
}

fn method(method: Method) -> &'static str {
    match method {
        Method::Get => "GET",
        Method::Post => "POST",
        Method::Put => "PUT",
        Method::Patch => "PATCH",
        Method::Delete => "DELETE",
    }
}

/// A text as it stands inside a JSON string.
fn escaped_json(text: &str) -> String {
    let quoted = Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

struct Values<'a> {
    recipe: &'a Recipe,
    columns: &'a Columns,
    row: &'a RowLook,
}

impl Values<'_> {
    /// A field as the call has it: a handle is cleaned where it is part of the key.
    fn get(&self, name: &str) -> Option<String> {
        let at = self.columns.position(name)?;
        let (_, value) = self.row.fields.get(at)?;
        let is_key =
            self.recipe.work.kind == WorkKind::Creators && self.recipe.key.iter().any(|key| key == name);
        Some(if is_key { clean_handle(value) } else { value.clone() })
    }
}

fn http(method: &str, url: &str, headers: Vec<(String, String)>, body: Option<String>) -> Request {
    let mut shell = format!("curl -i {}", quoted(url));
    if method != "GET" {
        let _ = write!(shell, " -X {method}");
    }
    for (name, value) in &headers {
        // Double quotes let the shell put a secret in from its variable.
        let _ = write!(shell, " \\\n  -H \"{}\"", double_quoted(&format!("{name}: {value}")));
    }
    if let Some(body) = &body {
        let _ = write!(shell, " \\\n  --data-raw {}", quoted(body));
    }
    Request { line: format!("{method} {url}"), headers, body, shell }
}

fn body(job: &Job, row: &RowLook, columns: &Columns) -> String {
    let value = |at: usize| row.fields.get(at).map(|(_, value)| Value::from(value.as_str()));
    let fields: Map<String, Value> =
        columns.own().iter().filter_map(|(name, at)| Some((name.to_string(), value(*at)?))).collect();
    serde_json::json!({ "job_id": job.id.to_string(), "row": row.index.row(), "attempt": 1, "key": row.key, "fields": fields })
        .to_string()
}

/// Replaces each `{{ name }}`; `None` when one cannot be, or is more than a name.
fn filled(template: &str, value: impl Fn(&str) -> Option<String>) -> Option<String> {
    let mut text = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        let (name, tail) = after.split_once("}}")?;
        text.push_str(before);
        text.push_str(&value(name.trim())?);
        rest = tail;
    }
    text.push_str(rest);
    Some(text)
}

fn header_value(template: &str, values: &Values<'_>) -> Option<String> {
    filled(template, |name| match name.strip_prefix("secret.") {
        Some(secret) => Some(format!("$ONWARD_SECRET_{secret}")),
        None => values.get(name),
    })
}

/// `{column}` in a word of a command.
fn braces(word: &str, values: &Values<'_>) -> String {
    let mut text = String::new();
    let mut rest = word;
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(before);
        match after.split_once('}').and_then(|(name, tail)| Some((values.get(name.trim())?, tail))) {
            Some((value, tail)) => {
                text.push_str(&value);
                rest = tail;
            }
            None => {
                text.push('{');
                rest = after;
            }
        }
    }
    text + rest
}

/// A word for a shell that changes nothing in it.
fn quoted(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._/:=@%+,".contains(&byte);
    if !text.is_empty() && text.bytes().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

/// The inside of double quotes; only the variable of a secret is left to the shell.
fn double_quoted(text: &str) -> String {
    let mut safe = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("$ONWARD_SECRET_") {
        safe.push_str(&escaped(before));
        safe.push_str("$ONWARD_SECRET_");
        rest = after;
    }
    safe + &escaped(rest)
}

fn escaped(text: &str) -> String {
    text.chars().fold(String::new(), |mut safe, letter| {
        if matches!(letter, '"' | '\\' | '$' | '`') {
            safe.push('\\');
        }
        safe.push(letter);
        safe
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use onward_core::id::RowIndex;

    use super::*;
    use crate::web::sample;

    fn look(handle: &str) -> RowLook {
        let fields =
            vec![(Arc::from("Instagram name"), handle.to_owned()), (Arc::from("note"), "a'b".to_owned())];
        let key = "anna".to_owned();
        RowLook { index: RowIndex(6), key, ledger: None, history: Vec::new(), fields, line: Some(8) }
    }

    fn job(recipe: &str) -> Job {
        let mut job = sample::failed().job;
        job.recipe = Arc::from(Recipe::parse(recipe).unwrap().to_json());
        job
    }

    #[test]
    fn a_look_up_can_be_copied_and_never_holds_a_secret() {
        let job = job(
            "key = [\"handle\"]\n[columns]\nhandle = \"Instagram name\"\n[work]\nkind = \"creators\"\n[fetch]\n\
             url = \"https://api.example.com/c/{{ handle }}\"\n\
             headers = { authorization = \"Bearer {{ secret.KEY }}\", x = \"{{ note }}\" }\n",
        );
        let request = of(&job, &look("@Anna Ä")).unwrap();
        assert_eq!(request.line, "GET https://api.example.com/c/Anna%20%C3%84");
        assert_eq!(request.headers[0].1, "Bearer $ONWARD_SECRET_KEY");
        assert!(
            request.shell.contains("-H \"authorization: Bearer $ONWARD_SECRET_KEY\""),
            "{}",
            request.shell
        );
        assert!(request.shell.contains(&format!("idempotency-key: {}/7/1", job.id)), "{}", request.shell);
    }

    #[test]
    fn values_of_a_row_can_do_nothing_in_a_shell() {
        let job = job(
            "[work]\nkind = \"command\"\ncommand = [\"do\", \"--n={note}\", \"{other}\"]\nmode = \"row\"\n",
        );
        let request = of(&job, &look("$(rm)")).unwrap();
        assert!(request.shell.ends_with(r"| do '--n=a'\''b' '{other}'"), "{}", request.shell);
        assert_eq!(double_quoted("a$(b)`c`\"$ONWARD_SECRET_K"), "a\\$(b)\\`c\\`\\\"$ONWARD_SECRET_K");
    }

    #[test]
    fn a_call_of_ones_own_names_the_row_as_it_goes_out() {
        let job = job("key = [\"note\"]\n[work]\nkind = \"http\"\nurl = \"https://api.example.com/rows\"\n");
        let sent: Value = serde_json::from_str(&of(&job, &look("x")).unwrap().body.unwrap()).unwrap();
        assert_eq!((&sent["key"], &sent["row"]), (&"anna".into(), &7.into()), "{sent}");
    }

    #[test]
    fn work_that_calls_nobody_has_no_call() {
        assert_eq!(of(&job("[work]\nkind = \"creators\"\n"), &look("anna")), None);
    }
}
