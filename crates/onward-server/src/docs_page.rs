//! `/docs`: the API for people, made from the same table as `/openapi.json`. No script, no CDN.

use axum::http::header;
use axum::response::{Html, IntoResponse};
use maud::{Markup, html};

use crate::openapi::{Body, OPERATIONS, Operation, Reply};
use crate::problem_page::page;

/// `GET /docs`.
pub(crate) async fn handle() -> Html<String> {
    Html(all().into_string())
}

fn all() -> Markup {
    let mut tags: Vec<&str> = OPERATIONS.iter().map(Operation::tag).collect();
    tags.dedup();
    page(
        "API",
        html! {
            h1 { "The Onward API" }
            p {
                "JSON over HTTP. Errors are " a href="/problems" { "problem documents" } " (RFC 9457). "
                "Every POST honours " code { "Idempotency-Key" } ". For programs: "
                a href="/openapi.json" { "openapi.json" } "."
            }
            @for tag in tags {
                h2 { (tag) }
                @for operation in OPERATIONS.iter().filter(|operation| operation.tag() == tag) {
                    (describe(operation))
                }
            }
        },
    )
}

/// `GET /docs/style.css`.
pub(crate) async fn style() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::CACHE_CONTROL, "no-cache")], STYLE)
}

fn describe(operation: &Operation) -> Markup {
    let method = operation.method.to_uppercase();
    html! {
        section id=(operation.id) {
            h3 { code { (method) " " (operation.path) } }
            p { (operation.summary) }
            pre { code { (curl(operation)) } }
            @if !operation.params.is_empty() {
                dl {
                    @for (place, name, text) in operation.params.iter().map(|param| param.parts()) {
                        dt { code { (name) } " (" (place) ")" }
                        dd { (text) }
                    }
                }
            }
            p {
                "Success: " (operation.status) ", " (reply(operation.reply)) ". "
                @if !operation.problems.is_empty() {
                    "Problems: "
                    @for (at, code) in operation.problems.iter().enumerate() {
                        @if at > 0 { ", " }
                        a href={ "/problems/" (code) } { (code) } " (" (code.status()) ")"
                    }
                    "."
                }
            }
        }
    }
}

fn reply(reply: Reply) -> String {
    match reply {
        Reply::Json(schema) => format!("{schema} as JSON"),
        Reply::Object(text) => format!("JSON with {text}"),
        Reply::Empty => "nothing".to_owned(),
        Reply::Other(kind, text) => format!("{kind}: {text}"),
    }
}

fn curl(operation: &Operation) -> String {
    let address =
        format!("http://127.0.0.1:7313{}", operation.path.replace("{id}", "$ID").replace("{code}", "$CODE"));
    let method = match operation.method {
        "get" => String::new(),
        other => format!(" -X {}", other.to_uppercase()),
    };
    let body = match operation.body {
        Body::None => "",
        Body::Json(_) => " -H 'content-type: application/json' -d '{}'",
        Body::Upload => " -F file=@creators.csv -F recipe=@creators.toml",
        Body::Head => " -F file=@head.csv",
    };
    format!("curl -s{method}{body} {address}")
}

const STYLE: &str = "\
:root { color-scheme: light dark; --line: #8884; --soft: #8882; }
body { margin: 0; font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 60rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; overflow-wrap: anywhere; }
h1 { line-height: 1.2; }
h2 { margin-top: 2.5rem; border-bottom: 1px solid var(--line); }
h3 { margin: 2rem 0 0.25rem; font-size: 1rem; }
code, pre { font: 0.9em/1.5 ui-monospace, monospace; }
pre { padding: 0.5rem 0.75rem; background: var(--soft); border-radius: 6px; white-space: pre-wrap; }
table { border-collapse: collapse; width: 100%; }
th, td { padding: 0.3rem 0.5rem; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
dt { margin-top: 0.5rem; }
dd { margin: 0 0 0 1.5rem; }
.small { font-size: 0.9em; }
";
