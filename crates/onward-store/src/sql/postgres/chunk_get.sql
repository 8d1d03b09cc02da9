-- A chunk, and which of its rows repeat others.
SELECT chunk_first, chunk_rows, chunk_digest, chunk_packed, chunk_pairs FROM onward.chunk($1, $2)
