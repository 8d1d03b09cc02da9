UPDATE onward.inputs SET sealed_at = $2, available = true, filename = $3, sha256 = $4, bytes = $5,
       row_count = $6, summary = $7
WHERE id = $1
