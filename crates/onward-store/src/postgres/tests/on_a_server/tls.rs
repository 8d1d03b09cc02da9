//! TLS to a real server whose root certificate no machine trusts by itself.

use onward_testkit::Certificates;

use crate::open::{Mode, OpenError, connect};
use crate::postgres::tests::server;
use crate::postgres::{self, PostgresStore};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_must_prove_that_it_is_the_host_that_was_meant() {
    let Some(server) = server() else { return };
    let certificates = Certificates::of("localhost").unwrap();
    server.speak_tls(&certificates).unwrap();
    let url = |host: &str, query: &str| server.url().replace("127.0.0.1", host) + query;
    let root = format!("sslrootcert={}", certificates.root().display());

    let trusted = format!("?sslmode=verify-full&{root}");
    let store = PostgresStore::open(&url("localhost", &trusted)).await.unwrap();
    onward_core::store::Store::ping(&store).await.unwrap();
    let encrypted = "SELECT count(*) > 0 AND bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) \
                     WHERE application_name = 'onward'";
    assert_eq!(server.sql(encrypted).unwrap(), "t");

    let refusal = async |url: &str| match connect(url, Mode::Join).await {
        Ok(_) => panic!("{url} was opened"),
        Err(OpenError::Postgres(error)) => error,
        Err(other) => panic!("{other}"),
    };
    // The right root alone switches TLS on, also on this machine.
    let other_name = refusal(&url("127.0.0.1", &format!("?{root}"))).await;
    assert!(matches!(other_name, postgres::OpenError::OtherHost { .. }), "{other_name}");
    let said = other_name.to_string();
    assert!(said.contains("127.0.0.1") && said.contains("localhost"), "both names are said: {said}");
    let stranger = Certificates::of("localhost").unwrap();
    for root in [String::new(), format!("&sslrootcert={}", stranger.root().display())] {
        let untrusted = refusal(&url("localhost", &format!("?sslmode=verify-full{root}"))).await;
        assert!(matches!(untrusted, postgres::OpenError::Untrusted { .. }), "{untrusted}");
        assert!(untrusted.to_string().contains("sslrootcert="), "{untrusted}");
    }
    let missing = refusal(&url("localhost", "?sslrootcert=/no/such/file")).await;
    assert!(matches!(missing, postgres::OpenError::RootCertificate { .. }), "{missing}");
}
