UPDATE onward.answers SET status = $2, body = $3 WHERE key = $1
