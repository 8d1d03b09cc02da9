//! How statements are planned before PostgreSQL has counted anything: the first minute of a large job.

use crate::postgres::tests::{fresh_schema, server, within};
use crate::postgres::{PostgresStore, sql};

/// Any job.
const JOB: &str = "01900000-0000-7000-8000-000000000001";

/// What a page of a large job asks for, each once read the whole ledger of the job.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_of_a_job_that_was_never_analyzed_is_found_by_index() {
    let Some(server) = server() else { return };
    let schema = fresh_schema();
    PostgresStore::open(&within(&server.url(), &schema)).await.unwrap();
    let filled = format!(
        "ALTER TABLE {schema}.outcomes SET (autovacuum_enabled = false);
         INSERT INTO {schema}.outcomes (job, row, outcome, tries, duration_ms, finished_at, epoch, generation)
         SELECT 1, row, 0, 1, 0, 0, 1, 0 FROM generate_series(0, 199999) AS row"
    );
    server.sql(&filled).unwrap();
    let page = ["-1", "NULL", "NULL", "NULL", "NULL", "51"];
    let search = ["-1", "NULL", "NULL", "NULL", "'anna'", "51"];
    let marks = ["1000"];
    for (statement, values) in
        [(sql::OUTCOME_PAGE, &page[..]), (sql::OUTCOME_PAGE, &search), (sql::OUTCOME_MARKS, &marks)]
    {
        let mut statement = sql::within(statement, &schema).replace("$1", &format!("'{JOB}'"));
        for (no, value) in values.iter().enumerate() {
            statement = statement.replace(&format!("${}", no + 2), value);
        }
        let plan = server.sql(&format!("EXPLAIN {statement}")).unwrap();
        let ledger: Vec<_> = plan.lines().filter(|line| line.contains(" on outcomes")).collect();
        assert_eq!(ledger.len(), 1, "{plan}");
        assert!(ledger[0].contains("Index Scan using outcomes_pkey"), "{plan}");
    }
}

/// The plans of a function are made when it is first called, when the ledger may be empty, and are kept while it grows.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_function_that_is_planned_on_an_empty_ledger_finds_its_rows_by_index() {
    let Some(server) = server() else { return };
    let schema = fresh_schema();
    PostgresStore::open(&within(&server.url(), &schema)).await.unwrap();
    let job = format!(
        "INSERT INTO {schema}.inputs (uuid) VALUES ('{JOB}');
         INSERT INTO {schema}.jobs (uuid, name, state, total, created_at, updated_at, input, recipe, work_digest)
         VALUES ('{JOB}', '', 'running', 10, 0, 0, 1, '', '');
         INSERT INTO {schema}.spans (job, no, first_row, row_count, state, epoch, worker, lease_until_ms, low_water, claimed_until)
         VALUES (1, 0, 0, 10, 'leased', 1, 'w', 0, 0, 10), (1, 1, 10, 10, 'free', 0, NULL, NULL, 10, 10);
         ANALYZE {schema}.jobs, {schema}.spans"
    );
    server.sql(&job).unwrap();
    let commit = format!(
        "SELECT {schema}.commit_rows('{JOB}', 0, 1, 0, 1, 10, NULL, NULL, 0, 0, '{{0}}', '{{0}}', '{{anna}}', '{{0}}', '{{1}}', \
         '{{0}}', '{{NULL}}', '{{NULL}}', '{{NULL}}', '{{0}}', '{{creators}}', '{{anna}}', '{{{{}}}}', '', '', 1, NULL)"
    )
    .replace("'{{}}'", "ARRAY['{}']");
    let facts = format!(
        "SELECT * FROM {schema}.job_facts(ARRAY[1]) AS facts (id integer, added bigint, failed bigint, skipped bigint, \
         filtered bigint, beat_ms bigint, rests_until_ms bigint, low_water bigint, leases text, rows bigint)"
    );
    let jobs = |asked: &str| sql::within(sql::JOB_PAGE, &schema).replace("$1, $2, $3, $4, $5, $6", asked);
    let one = jobs(&format!("'{JOB}', NULL, NULL, NULL, 1, NULL"));
    let older = jobs("NULL, NULL, NULL, 'a', 1, NULL");
    let newer = jobs("NULL, NULL, NULL, 'a', 1, '00000000-0000-0000-0000-000000000000'");
    let claim = format!("SELECT * FROM {schema}.claim_span('{JOB}', 'w', 0, 1, 10, true)");
    let by_id = "Index Cond: (uuid = $1)";
    let reads: [(&str, String, &[&str], &str); 11] = [
        ("commit_rows", commit, &["outcomes", "spans", "jobs"], by_id),
        ("job_facts", facts, &["doubts", "spans", "span_sums", "jobs"], "ANY ($1)"),
        ("jobs_page", one, &["jobs", "inputs"], "Index Scan using jobs_uuid_key on jobs"),
        (
            "jobs_page",
            older,
            &["jobs", "inputs"],
            "(state >= asked.state) AND (ROW(state, uuid) < ROW(asked.state, ",
        ),
        (
            "jobs_page",
            newer,
            &["jobs", "inputs"],
            "(state <= asked.state) AND (ROW(state, uuid) > ROW(asked.state, $6))",
        ),
        ("claim_span", claim, &["spans", "jobs"], by_id),
        ("glance", format!("SELECT * FROM {schema}.glance('{JOB}', 'w')"), &["spans", "jobs"], by_id),
        ("has_open_span", format!("SELECT {schema}.has_open_span('{JOB}')"), &["spans", "jobs"], by_id),
        ("chunk", format!("SELECT * FROM {schema}.chunk('{JOB}', 0)"), &["chunks", "inputs"], by_id),
        ("leases", format!("SELECT * FROM {schema}.leases(NULL)"), &["spans", "jobs"], "'running'"),
        ("jobs_to_end", format!("SELECT {schema}.jobs_to_end()"), &["spans", "jobs"], "'running'"),
    ];
    for (function, call, tables, found_by) in reads {
        let plans = server.plans(&call).unwrap();
        assert!(!plans.contains("Seq Scan"), "{plans}");
        for table in tables {
            assert!(plans.contains(&format!(" on {table}")), "{table}: {plans}");
        }
        // Found, not filtered out of all that the index has.
        let lines: Vec<_> = plans.lines().collect();
        let is_found = |pair: &[&str]| !pair[0].contains(" Scan using ") || pair[1].contains("Index Cond:");
        assert!(lines.windows(2).all(is_found), "{plans}");
        // Rows of a job that is known, not those of all jobs.
        let by_job = plans.lines().filter(|line| line.contains("Index Cond:") && line.contains("row"));
        assert!(by_job.clone().all(|line| line.contains("job =")), "{plans}");
        // One plan for whatever is asked.
        assert!(plans.contains(found_by), "{plans}");
        // Left to itself the server reads tables whole that it knows to be small.
        if !["commit_rows", "job_facts"].contains(&function) {
            continue;
        }
        server.sql(&format!("ALTER FUNCTION {schema}.{function} RESET enable_seqscan")).unwrap();
        assert!(server.plans(&call).unwrap().contains("Seq Scan"), "the test would not notice");
    }
}
