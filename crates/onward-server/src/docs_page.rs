//! `/docs`: the API for people, made from the same table as `/openapi.json`. No script, no CDN.

use axum::response::Html;
use maud::{Markup, html};

use crate::openapi::{Body, Operation, Reply, operations};
use crate::web::written_page;

/// `GET /docs`.
pub(crate) async fn handle() -> Html<String> {
    Html(all().into_string())
}

fn all() -> Markup {
    let mut tags: Vec<&str> = Vec::new();
    for operation in operations() {
        if !tags.contains(&operation.tag()) {
            tags.push(operation.tag());
        }
    }
    written_page(
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
                @for operation in operations().filter(|operation| operation.tag() == tag) {
                    (describe(operation))
                }
            }
        },
    )
}

fn describe(operation: &Operation) -> Markup {
    let method = operation.method.to_uppercase();
    html! {
        section id=(operation.id) {
            h3 { code { (method) " " (operation.path) } }
            p { (operation.summary) }
            pre tabindex="0" aria-label={ "Example of " (operation.id) } { code { (curl(operation)) } }
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
        Body::File => " -F file=@creators.csv",
    };
    format!("curl -s{method}{body} {address}")
}
