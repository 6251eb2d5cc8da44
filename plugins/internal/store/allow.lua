-- One decision over all limits of a request, all or nothing, in calendar windows of UTC.
-- KEYS[1]  the caller's counters: a hash, for each period the field "0" (second) to "5"
--          (year) with "window:count"; the field "t" is the second of the last call
-- KEYS[2]  the event, remembered for a while so that it is not counted twice; may be missing
-- ARGV     how many seconds an event is remembered, then period and limit of each limit
-- Returns  {allowed, repeated, second, used of each limit}
if redis.replicate_commands then redis.replicate_commands() end -- before Redis 7

-- The month that a day (since 1970) lies in, counted from year 0.
local function month(day)
	local z = day + 719468
	local era = math.floor(z / 146097)
	local doe = z - era * 146097
	local yoe = math.floor((doe - math.floor(doe / 1460) + math.floor(doe / 36524) - math.floor(doe / 146096)) / 365)
	local doy = doe - (365 * yoe + math.floor(yoe / 4) - math.floor(yoe / 100))
	local mp = math.floor((5 * doy + 2) / 153)
	return (yoe + era * 400) * 12 + mp + 2 -- mp counts from March
end

local length = {1, 60, 3600, 86400}
-- At least as long as the longest window of the period: what is older has ended.
local longest = {1, 60, 3600, 86400, 31 * 86400, 366 * 86400}

local function window(period, second)
	if period <= 3 then return math.floor(second / length[period + 1]) end
	local m = month(math.floor(second / 86400))
	if period == 4 then return m end
	return math.floor(m / 12)
end

local repeated = KEYS[2] and redis.call('EXISTS', KEYS[2]) == 1

local now = tonumber(redis.call('TIME')[1])
local fields = {'t'}
for i = 2, #ARGV, 2 do fields[#fields + 1] = ARGV[i] end
local stored = redis.call('HMGET', KEYS[1], unpack(fields))
-- A clock that was set back a little (a failover) opens no window a second time.
local last = tonumber(stored[1] or 0)
if now < last and last - now <= 300 then now = last end

local used, windows = {}, {}
local allowed, ttl = true, 1
for i = 2, #ARGV, 2 do
	local n, period = i / 2, tonumber(ARGV[i])
	windows[n], used[n] = window(period, now), 0
	if stored[n + 1] then
		local w, count = string.match(stored[n + 1], '^(%d+):(%d+)$')
		if tonumber(w) == windows[n] then used[n] = tonumber(count) end
	end
	if used[n] >= tonumber(ARGV[i + 1]) then allowed = false end
	ttl = math.max(ttl, longest[period + 1])
end

if allowed and not repeated then
	local set = {'t', string.format('%d', now)}
	for n = 1, #used do
		used[n] = used[n] + 1
		set[#set + 1] = fields[n + 1]
		set[#set + 1] = string.format('%d:%d', windows[n], used[n])
	end
	redis.call('HSET', KEYS[1], unpack(set))
	redis.call('EXPIRE', KEYS[1], ttl)
	if KEYS[2] then redis.call('SET', KEYS[2], '', 'EX', ARGV[1]) end
end
return {(allowed or repeated) and 1 or 0, repeated and 1 or 0, now, unpack(used)}
