//! Pages for what went wrong: what, why, and what to do next.

use maud::{Markup, html};
use onward_core::problem::Problem;

use crate::clock;
use crate::web::parts::badge::icon;
use crate::web::parts::layout::{Kind, Page, layout};

/// A problem as a page for browsers. `advice` says what a person can do about it.
#[must_use]
pub fn page(problem: &Problem, request_id: &str, advice: &str) -> Markup {
    let body = render(problem, request_id, advice);
    layout(&Page { title: problem.code.title(), kind: Kind::Other, now: clock::now(), flash: None, body })
}

fn render(problem: &Problem, request_id: &str, advice: &str) -> Markup {
    html! {
        div.empty {
            p.big-sign { (icon(sign(problem.code.status()))) }
            h1 { (problem.code.title()) }
            p { (sentence(&problem.detail)) }
            @if !advice.is_empty() { p { (advice) } }
            p.acts { a.btn href="/" { "All jobs" } a.btn href="/jobs/new" { (icon("plus")) "New job" } }
            p.request {
                "Code " a href={ "/problems/" (problem.code) } { (problem.code) }
                " · request " code { (request_id) }
            }
        }
    }
}

fn sign(status: u16) -> &'static str {
    match status {
        404 | 410 => "search",
        500.. => "circle-x",
        _ => "circle-alert",
    }
}

/// Details begin in lower case so that they fit behind "failed to"; a page begins with a capital.
fn sentence(detail: &str) -> String {
    let mut letters = detail.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use onward_core::problem::Code;

    use super::*;

    #[test]
    fn a_problem_says_what_to_do_and_leads_back() {
        let problem = Problem::new(Code::NotFound, "no <b>");
        let text = page(&problem, "r1", "Look at the list.").into_string();
        assert!(text.contains("There is nothing here") && text.contains("href=\"/\""), "{text}");
        assert!(text.contains("No &lt;b&gt;") && text.contains("r1"), "{text}");
        assert!(text.contains("Look at the list."), "{text}");
    }
}
