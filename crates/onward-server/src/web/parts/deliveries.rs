//! What the hooks of a job were told, with a button to tell them again.

use maud::{Markup, html};
use onward_core::clock::UnixMs;
use onward_core::hook::{Delivery, DeliveryState, hooks_of};
use onward_core::job::Job;
use onward_core::recipe::Hook;

use crate::web::format::{Relative, count, relative};
use crate::web::parts::badge::icon;

/// Deliveries shown; the rest can be had from the API.
pub(crate) const SHOWN: usize = 10;

/// Most receivers have answered after this, in milliseconds.
const ANSWERS_AFTER_MS: u64 = 1_500;

/// The panel; nothing when the job has no hooks.
#[must_use]
pub(crate) fn deliveries(job: &Job, found: &[Delivery], now: UnixMs) -> Markup {
    let hooks = hooks_of(&job.recipe);
    html! {
        @if !hooks.is_empty() {
            section.panel #deliveries data-due=[due(found, now).map(|due| due.0)] {
                h2 { "Hooks" }
                @if found.is_empty() {
                    p { "Nobody was told anything yet. When this job is done, fails, is held or stands still, a signed
                         delivery goes out and stands here:" }
                    ul.plain { @for hook in &hooks { li { code { (hook.url) } " " span.quiet { "on " (words(hook)) } } } }
                } @else {
                    ol.timeline {
                        @for delivery in found.iter().take(SHOWN) { li { (line(job, &hooks, delivery, now)) } }
                    }
                    @if found.len() > SHOWN {
                        p.hint { "and more: " a href={ "/api/v1/jobs/" (job.id) "/deliveries" } { "all of them" } }
                    }
                }
            }
        }
    }
}

/// When another look tells more: a delivery is no event of a job, so whoever shows it asks again, but only
/// while one is under way or about to be sent. `None`: all of them have come to their end.
fn due(found: &[Delivery], now: UnixMs) -> Option<UnixMs> {
    let waiting = found.iter().filter(|delivery| delivery.state == DeliveryState::Waiting);
    let sent =
        waiting.map(|delivery| delivery.next_at.filter(|_| delivery.held_until.is_none()).unwrap_or(now));
    sent.min().map(|sent| sent.max(now).plus_ms(ANSWERS_AFTER_MS))
}

fn line(job: &Job, hooks: &[Hook], delivery: &Delivery, now: UnixMs) -> Markup {
    let url =
        usize::try_from(delivery.new.hook).ok().and_then(|at| hooks.get(at)).map(|hook| hook.url.as_str());
    html! {
        (icon(sign(delivery.state)))
        div {
            b { (delivery.new.event.word()) } " to " code { (url.unwrap_or("a hook that the recipe does not have")) }
            p {
                (stands(delivery)) ", "
                @if delivery.tries == 1 { "1 call" } @else { (count(delivery.tries.into())) " calls" }
                @if !delivery.message.is_empty() { ", the last one: " (delivery.message) }
                @if let (None, Some(next)) = (delivery.held_until, delivery.next_at) {
                    @if delivery.tries > 0 { " · again " (relative(next, now, Relative::In)) }
                }
            }
            @if delivery.held_until.is_none() {
                form method="post" action={ "/jobs/" (job.id) "/deliver" } {
                    button.btn name="delivery" value=(delivery.new.id) { (icon("refresh-cw")) "Send again now" }
                }
            }
        }
        span.quiet { (relative(delivery.new.notice.at, now, Relative::Ago)) }
    }
}

/// What a hook is told of.
pub(crate) fn words(hook: &Hook) -> String {
    hook.on.iter().map(|event| event.word()).collect::<Vec<_>>().join(", ")
}

fn stands(delivery: &Delivery) -> &'static str {
    match delivery.state {
        DeliveryState::Waiting if delivery.held_until.is_some() => "on its way",
        DeliveryState::Waiting => "waits",
        DeliveryState::Delivered => "delivered",
        DeliveryState::Gone => "given up, nobody is there any more",
        DeliveryState::GivenUp => "given up after a day",
    }
}

fn sign(state: DeliveryState) -> &'static str {
    match state {
        DeliveryState::Waiting => "clock",
        DeliveryState::Delivered => "circle-check",
        DeliveryState::Gone => "ban",
        DeliveryState::GivenUp => "circle-x",
    }
}
