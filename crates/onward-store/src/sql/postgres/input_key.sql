-- The inner key of an input, and what is known of it. Nobody deletes or seals it meanwhile.
SELECT id, sealed_at, summary FROM onward.inputs WHERE uuid = $1 FOR NO KEY UPDATE
