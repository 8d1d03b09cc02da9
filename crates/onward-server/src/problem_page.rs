//! The pages about problem codes: what each means and what to do.

use axum::Json;
use axum::extract::Path;
use axum::http::HeaderMap;
use axum::response::{Html, IntoResponse, Response};
use maud::{Markup, html};
use onward_core::problem::Code;
use serde_json::json;

use crate::advice::what_to_do;
use crate::problem::{Failure, Wants};
use crate::web::written_page;

/// `GET /problems/{code}`: what the code means and what to do.
pub(crate) async fn show(Path(word): Path<String>, headers: HeaderMap) -> Result<Response, Failure> {
    let code = Code::ALL.iter().copied().find(|code| code.word() == word);
    let code =
        code.ok_or_else(|| Failure::new(Code::NotFound, "No problem has this code; see /problems."))?;
    match Wants::of(&headers) {
        Wants::Page => Ok(Html(written_page(code.title(), about(code)).into_string()).into_response()),
        Wants::Json => {
            let (code, title, status, exit) = (code.word(), code.title(), code.status(), code.exit());
            let body = json!({ "code": code, "title": title, "status": status, "exit_code": exit,
                "what_to_do": what_to_do_of(code) });
            Ok(Json(body).into_response())
        }
    }
}

/// `GET /problems`: all codes.
pub(crate) async fn list() -> Html<String> {
    Html(all().into_string())
}

fn all() -> Markup {
    written_page(
        "Problems",
        html! {
            h1 { "Problems" }
            p { "Every answer that is no success names one of these codes." }
            div.scroll tabindex="0" role="region" aria-label="Codes" { table {
                thead { tr { th scope="col" { "Code" } th scope="col" { "Status" } th scope="col" { "Exit code" } th scope="col" { "What happened" } } }
                tbody {
                    @for code in Code::ALL {
                        tr {
                            td { a href={ "/problems/" (code) } { code { (code) } } }
                            td { (code.status()) }
                            td { (code.exit()) }
                            td { (code.title()) }
                        }
                    }
                }
            } }
        },
    )
}

fn about(code: Code) -> Markup {
    html! {
        h1 { (code.title()) }
        p { "Code " code { (code) } " · HTTP status " (code.status()) " · exit code " (code.exit()) }
        h2 { "What to do" }
        p { (what_to_do(code)) }
        p { a href="/problems" { "All codes" } " · " a href="/docs" { "The API" } }
    }
}

fn what_to_do_of(word: &str) -> &'static str {
    Code::ALL.iter().find(|code| code.word() == word).map_or("", |code| what_to_do(*code))
}
