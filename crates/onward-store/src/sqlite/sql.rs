//! Every statement the SQLite store runs, by name; one file each under `src/sql/sqlite`.

macro_rules! statements {
    ($($name:ident = $file:literal;)*) => {
        $(pub(super) const $name: &str = include_str!(concat!("../sql/sqlite/", $file, ".sql"));)*

        /// All of them, so that a test prepares each against the schema.
        #[cfg(test)]
        pub(super) const ALL: &[(&str, &str)] = &[$(($file, $name)),*];
    };
}

statements! {
    ANSWER_FREE = "answer_free";
    ANSWER_GET = "answer_get";
    ANSWER_KEEP = "answer_keep";
    ANSWER_RESERVE = "answer_reserve";
    ANSWERS_FORGET = "answers_forget";
    ANSWERS_FORGET_OPEN = "answers_forget_open";
    CHUNK_GET = "chunk_get";
    CHUNK_PUT = "chunk_put";
    CHUNK_WITHOUT_ROWS = "chunk_without_rows";
    CHUNKS_DELETE = "chunks_delete";
    CHUNKS_FACTS = "chunks_facts";
    CREATOR_INSERT = "creator_insert";
    CREATOR_PAGE = "creator_page";
    CREATORS_WITHOUT_OUTCOME = "creators_without_outcome";
    DOUBT_ALONE = "doubt_alone";
    DOUBT_DELETE = "doubt_delete";
    DOUBT_INSERT = "doubt_insert";
    DOUBT_PAGE = "doubt_page";
    DOUBT_SETTLE = "doubt_settle";
    DOUBT_TRIAL = "doubt_trial";
    DOUBT_TRIAL_OVER = "doubt_trial_over";
    DOUBTS_PUT = "doubts_put";
    DUPLICATES_COUNT = "duplicates_count";
    DUPLICATES_DELETE = "duplicates_delete";
    DUPLICATES_PUT = "duplicates_put";
    EVENT_INSERT = "event_insert";
    EVENT_LAST = "event_last";
    EVENT_PAGE = "event_page";
    EVENT_PAGE_OF_JOB = "event_page_of_job";
    FAILED_ROWS_SINCE = "failed_rows_since";
    HISTORY_INSERT = "history_insert";
    HISTORY_OF_JOB_DELETE = "history_of_job_delete";
    HISTORY_OF_ROW = "history_of_row";
    HISTORY_PAGE = "history_page";
    INPUT_AVAILABLE = "input_available";
    INPUT_DELETE = "input_delete";
    INPUT_KEY = "input_key";
    INPUT_OF_JOB = "input_of_job";
    INPUT_OPEN = "input_open";
    INPUT_SEAL = "input_seal";
    INPUT_SUMMARY = "input_summary";
    INPUT_UNAVAILABLE = "input_unavailable";
    INPUT_USED = "input_used";
    INPUTS_UNUSED = "inputs_unused";
    JOB_ACTIVE_BY_WORK = "job_active_by_work";
    JOB_BURIED = "job_buried";
    JOB_BURIED_ELSEWHERE = "job_buried_elsewhere";
    JOB_BURIED_KEY = "job_buried_key";
    JOB_COUNTS = "job_counts";
    JOB_DELETE = "job_delete";
    JOB_HEAD = "job_head";
    JOB_INSERT = "job_insert";
    JOB_IS_HELD = "job_is_held";
    JOB_KEY = "job_key";
    JOB_LEASES = "job_leases";
    JOB_LIST = "job_list";
    JOB_LIST_BACK = "job_list_back";
    JOB_LOW_WATER = "job_low_water";
    JOB_NEWEST_BY_WORK = "job_newest_by_work";
    JOB_STEP = "job_step";
    JOB_TUNE = "job_tune";
    JOBS_BY_STATE = "jobs_by_state";
    JOBS_CLAIMABLE = "jobs_claimable";
    OUTCOME_ALREADY_THERE = "outcome_already_there";
    OUTCOME_COUNTS = "outcome_counts";
    OUTCOME_COUNTS_OF_SPAN = "outcome_counts_of_span";
    OUTCOME_DELETE = "outcome_delete";
    OUTCOME_GROUPS = "outcome_groups";
    OUTCOME_GROUPS_ADDED = "outcome_groups_added";
    OUTCOME_INSERT = "outcome_insert";
    OUTCOME_MARKS = "outcome_marks";
    OUTCOME_OUTSIDE = "outcome_outside";
    OUTCOME_PAGE = "outcome_page";
    OUTCOME_PAGE_ADDED = "outcome_page_added";
    OUTCOME_PAGE_OTHER = "outcome_page_other";
    OUTCOME_ROWS = "outcome_rows";
    OUTCOME_TO_HISTORY = "outcome_to_history";
    OUTCOMES_OF_JOB_DELETE = "outcomes_of_job_delete";
    PING_DELETE = "ping_delete";
    PING_WRITE = "ping_write";
    SPAN_COMMIT = "span_commit";
    SPAN_FINISH = "span_finish";
    SPAN_FIRST_FREE = "span_first_free";
    SPAN_FREE = "span_free";
    SPAN_HELD = "span_held";
    SPAN_INSERT = "span_insert";
    SPAN_LEASE = "span_lease";
    SPAN_MOVED_IN = "span_moved_in";
    SPAN_RELEASE = "span_release";
    SPAN_REOPEN = "span_reopen";
    SPAN_TO_COMMIT = "span_to_commit";
    SPAN_UNFINISHED = "span_unfinished";
    SPANS_FACTS = "spans_facts";
    SPANS_FREE = "spans_free";
    SPANS_LEASED = "spans_leased";
    SPANS_OF_JOB = "spans_of_job";
    TURNS_GET = "turns_get";
    TURNS_PUT = "turns_put";
    WORKER_BEAT = "worker_beat";
    WORKER_BEAT_AT = "worker_beat_at";
    WORKER_DRAIN = "worker_drain";
    WORKER_LEAVE = "worker_leave";
    WORKER_PRESENCE = "worker_presence";
    WORKERS_FORGET = "workers_forget";
    WORKERS_LIST = "workers_list";
}
