-- Takes turns under a shared rate: the generic cell rate algorithm, with no burst. By Redis's own clock.
-- KEYS[1]: "<server> <mark in microseconds>". ARGV: calls, interval_us, ahead_us, the server asked.
-- Answers {calls, wait_us}, as onward_core::turns says.
local calls, interval, ahead, server = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local kept = redis.pcall('GET', KEYS[1])
local mark = nil
if type(kept) == 'string' then
  local of, at = string.match(kept, '^(%S+) (%d+)$')
  if of == server then mark = tonumber(at) end
end
-- Flushed, evicted, restarted, another type: turns may be out that nobody remembers.
if not mark then mark = now + ahead end
-- Further away than any mark can be: made under a slower rate, or forged.
if mark > now + ahead + interval then mark = now + interval end
local first = math.max(mark, now)
local room = now + ahead - first
if room < 0 then return {0, -room} end
local given = math.min(math.floor(room / math.max(interval, 1)), calls - 1) + 1
local after = first + given * interval
redis.call('SET', KEYS[1], server .. ' ' .. string.format('%.0f', after), 'PX', math.ceil((after - now) / 1000) + 60000)
return {given, first - now}
