//! The frame of every page: head, header, toasts, dialogs and the live region.

use maud::{DOCTYPE, Markup, html};
use onward_core::clock::UnixMs;

use crate::web::assets;
use crate::web::parts::badge::icon;
use crate::web::parts::bar::patterns;
use crate::web::parts::flash::Flash;

/// The scripts of every page, so that the browser asks for all at once instead of one after another.
const MODULES: [&str; 8] =
    ["app.js", "actions.js", "keys.js", "leader.js", "patch.js", "stream.js", "time.js", "toast.js"];

/// A page's own parts.
pub(crate) struct Page<'a> {
    /// The title without the product's name.
    pub(crate) title: &'a str,
    /// Which one, for the navigation and the scripts.
    pub(crate) kind: Kind,
    /// The server's time, so that a wrong clock of the reader does not show.
    pub(crate) now: UnixMs,
    /// A message from the request before.
    pub(crate) flash: Option<&'a Flash>,
    /// What is inside `main`.
    pub(crate) body: Markup,
}

/// Which page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The list of jobs.
    Jobs,
    /// One job.
    Job,
    /// Its rows, or one of them.
    Rows,
    /// The form for a new job.
    NewJob,
    /// What was added.
    Creators,
    /// Checks.
    Health,
    /// What is in force.
    Settings,
    /// The screen in the room.
    Wall,
    /// About the API and its problems.
    Written,
    /// An error or a question.
    Other,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::Jobs => "jobs",
            Self::Job => "job",
            Self::Rows => "rows",
            Self::NewJob => "new-job",
            Self::Creators => "creators",
            Self::Health => "health",
            Self::Settings => "settings",
            Self::Wall => "wall",
            Self::Written => "written",
            Self::Other => "other",
        }
    }

    /// Whether the connection to the server is of interest there.
    fn is_live(self) -> bool {
        match self {
            Self::Jobs | Self::Job | Self::Wall => true,
            Self::Rows
            | Self::NewJob
            | Self::Creators
            | Self::Health
            | Self::Settings
            | Self::Written
            | Self::Other => false,
        }
    }

    /// Styles beyond those of the main page.
    fn styles(self) -> &'static [&'static str] {
        match self {
            Self::Jobs => &[],
            Self::Wall => &["wall.css"],
            Self::Job
            | Self::Rows
            | Self::NewJob
            | Self::Creators
            | Self::Health
            | Self::Settings
            | Self::Written
            | Self::Other => &["pages.css"],
        }
    }

    /// Scripts beyond those of every page.
    fn scripts(self) -> &'static [&'static str] {
        match self {
            Self::Job => &["rows.js"],
            Self::Rows => &["rows.js", "search-on.js"],
            Self::NewJob => &["new.js"],
            Self::Jobs
            | Self::Creators
            | Self::Health
            | Self::Settings
            | Self::Wall
            | Self::Written
            | Self::Other => &[],
        }
    }
}

/// The whole page.
#[must_use]
pub(crate) fn layout(page: &Page<'_>) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            (head(page.title, page.kind))
            body data-page=(page.kind.word()) data-now=(page.now.0) data-icons=(assets::href("sprite.svg")) {
                a.skip href="#main" { "Skip to the content" }
                (header(page.kind))
                div #toasts .toasts { @if let Some(flash) = page.flash { (flash.toast()) } }
                main #main tabindex="-1" { (page.body) }
                div #announce .vh role="status" aria-live="polite" {}
                (confirm_dialog())
                @if matches!(page.kind, Kind::Job | Kind::Rows) { dialog #drawer aria-label="Row" { div #drawer-body {} } }
                (keys_dialog())
                (patterns())
            }
        }
    }
}

fn head(title: &str, kind: Kind) -> Markup {
    html! {
        head {
            meta charset="utf-8";
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="color-scheme" content="light dark";
            title { (title) " – Onward" }
            link rel="icon" type="image/svg+xml" href=(assets::href("favicon.svg"));
            link rel="stylesheet" href=(assets::href("app.css"));
            @for style in kind.styles() { link rel="stylesheet" href=(assets::href(style)); }
            // Before the first paint, or a dark page would flash white.
            script src=(assets::href("theme.js")) {}
            script defer src=(assets::href("vendor/idiomorph.min.js")) {}
            @for module in MODULES.iter().skip(1) { link rel="modulepreload" href=(assets::href(module)); }
            script type="module" src=(assets::href(MODULES[0])) {}
            @for script in kind.scripts() { script type="module" src=(assets::href(script)) {} }
        }
    }
}

fn header(kind: Kind) -> Markup {
    let link = |href: &str, text: &str, own: Kind| {
        let current = (kind == own).then_some("page");
        html! { a href=(href) aria-current=[current] { (text) } }
    };
    html! {
        header.top {
            a.brand href="/" { (logo()) "Onward" }
            nav aria-label="Main" {
                (link("/", "Jobs", Kind::Jobs))
                (link("/jobs/new", "New job", Kind::NewJob))
                (link("/creators", "Creators", Kind::Creators))
                (link("/health", "Health", Kind::Health))
                (link("/settings", "Settings", Kind::Settings))
            }
            div.live {
                @if kind.is_live() {
                    span #conn .pill data-state="off" { span.dot {} span.text { "Not live" } }
                    button #pause .small type="button" aria-pressed="false" hidden { "Pause updates" }
                }
                button #theme .small type="button" hidden { (icon("monitor")) span { "Auto" } span.vh { " colours" } }
                button #help .small type="button" hidden aria-label="Keyboard shortcuts" { (icon("keyboard")) }
            }
        }
    }
}

fn logo() -> Markup {
    html! {
        svg.logo aria-hidden="true" viewBox="0 0 24 24" width="24" height="24" {
            rect width="24" height="24" rx="6" {}
            path d="M6 8h6M6 12h9M6 16h4M14 7l5 5-5 5" {}
        }
    }
}

fn confirm_dialog() -> Markup {
    html! {
        dialog #confirm aria-labelledby="confirm-title" aria-describedby="confirm-text" {
            form method="dialog" {
                h2 #confirm-title {}
                p #confirm-text {}
                div.acts {
                    button #confirm-no type="submit" value="no" autofocus {}
                    button #confirm-yes type="submit" value="yes" {}
                }
            }
        }
    }
}

fn keys_dialog() -> Markup {
    let keys = [
        ("/", "Search"),
        ("n", "New job"),
        ("j k", "Next, previous job"),
        ("Enter", "Show Details of the job"),
        ("r", "Resume or Restart the job"),
        ("c", "Cancel the job"),
        ("p", "Pause or go on with updates"),
        ("?", "This list"),
    ];
    html! {
        dialog #keys aria-labelledby="keys-title" {
            form method="dialog" {
                h2 #keys-title { "Keyboard" }
                dl { @for (key, what) in keys { div { dt { @for one in key.split(' ') { kbd { (one) } " " } } dd { (what) } } } }
                label { input #keys-on type="checkbox" checked; " Use these keys" }
                div.acts { button type="submit" autofocus { "Close" } }
            }
        }
    }
}
