//! Targets behind https: one that proves who it is is called, any other is not.

use axum::Router;
use axum::routing::post;
use onward_testkit::{Certificates, Serving};

use super::desk::Desk;

const RUN: &[&str] = &["run", "creators.csv", "--recipe", "recipe.toml"];

fn desk(target: &Serving) -> Desk {
    let desk = Desk::new();
    desk.write("creators.csv", "handle\nanna\nbea\n");
    let recipe = format!(
        "key = ['handle']\n[work]\nkind = 'http'\nurl = '{}/rows'\nretry = {{ attempts = 1 }}\n",
        target.url()
    );
    desk.write("recipe.toml", &recipe);
    desk
}

#[test]
fn a_target_that_proves_who_it_is_is_called_and_no_other() {
    let certificates = Certificates::of("127.0.0.1").unwrap();
    let rows = Router::new().route("/rows", post(async || r#"{"outcome":"added"}"#));
    let target = Serving::start_secured("secured", rows.clone(), &certificates).unwrap();
    let root = certificates.root().display().to_string();
    let trusting = [("SSL_CERT_FILE", root.as_str())];
    let said = desk(&target).type_with(&trusting, RUN).ends_with(0);
    assert!(said.err.contains("2 added"), "{}", said.err);

    let untrusted = desk(&target);
    untrusted.type_in(RUN).ends_with(3);
    let why = untrusted.type_in(&["errors", "last"]).ends_with(0).out;
    assert!(why.contains("unreachable"), "{why}");

    // A certificate for somebody else proves nothing, whoever signed it.
    let others = Certificates::of("elsewhere.example").unwrap();
    let target = Serving::start_secured("somebody else", rows, &others).unwrap();
    let root = others.root().display().to_string();
    let mistaken = desk(&target);
    mistaken.type_with(&[("SSL_CERT_FILE", root.as_str())], RUN).ends_with(3);
}
