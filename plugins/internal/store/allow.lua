-- One decision over all limits of a request, all or nothing. The arithmetic is that of
-- detect/ratelimit; a test holds the two against each other.
-- KEYS[1]  the caller's counters: a hash. "t" is the second of the last call; for each period
--          from 0 (second) to 5 (year), by shape:
--            fixed    "0"   window:count, windows of the calendar in UTC
--            sliding  "s0"  window:count:count of the window before
--            gcra     "g0"  tick:level
-- KEYS[2]  the event, remembered for a while so that it is not counted twice; may be missing
-- ARGV     seconds that an event is remembered, shape, burst (0: as each limit), cost, then
--          period and limit of each limit
-- Returns  {allowed, repeated, second, millisecond, value of each limit}
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

-- By period + 1.
local spans = {1, 60, 3600, 86400, 30 * 86400, 365 * 86400} -- seconds
local longest = {1, 60, 3600, 86400, 31 * 86400, 366 * 86400} -- seconds, of calendar windows
local ticks = {1, 1, 10, 1000, 10000, 60000} -- milliseconds

local function numbers(text)
	local list = {}
	for digits in string.gmatch(text or '', '%d+') do list[#list + 1] = tonumber(digits) end
	return list
end

local shape, burst, cost = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local clock = redis.call('TIME')
local now, milli = tonumber(clock[1]), math.floor(tonumber(clock[2]) / 1000)
local function tick(p) return math.floor((now * 1000 + milli) / ticks[p]) end

-- Each shape has the prefix of its field, and a function that reads the field of a period
-- with a limit and returns: the value now, whether no call is admitted, the value with a call
-- more, the field with a call more, and how long it matters.
local shapes = {}

function shapes.fixed(p, limit, stored)
	local window
	if p <= 4 then
		window = math.floor(now / spans[p])
	else
		window = month(math.floor(now / 86400))
		if p == 6 then window = math.floor(window / 12) end
	end
	local used = 0
	if stored[1] == window then used = stored[2] end
	return used, used + cost > limit, used + cost, string.format('%d:%d', window, used + cost), longest[p]
end

function shapes.sliding(p, limit, stored)
	local window = math.floor(now / spans[p])
	local count, before = 0, 0
	if stored[1] == window then
		count, before = stored[2], stored[3]
	elseif stored[1] == window - 1 then
		before = stored[2]
	end
	local length = spans[p] * 1000
	local left = length - (now % spans[p] * 1000 + milli)
	local used = count + math.floor((before * left + length - 1) / length)
	return used, used + cost > limit, used + cost, string.format('%d:%d:%d', window, count + cost, before), 2 * spans[p]
end

function shapes.gcra(p, limit, stored)
	local at, unit = tick(p), spans[p] * 1000 / ticks[p]
	local room = (burst > 0 and burst or limit) * unit
	local level = 0
	if stored[1] then level = math.max(0, stored[2] - (at - stored[1]) * limit) end
	local more = level + cost * unit
	local drained = math.ceil(more / limit * ticks[p] / 1000) + 1
	return level, more > room, more, string.format('%d:%d', at, more), drained
end

local prefix = {fixed = '', sliding = 's', gcra = 'g'}

local fields = {'t'}
for i = 5, #ARGV, 2 do fields[#fields + 1] = prefix[shape] .. ARGV[i] end
local stored = redis.call('HMGET', KEYS[1], unpack(fields))
-- A clock that was set back a little (a failover) opens no window a second time.
local last = tonumber(stored[1] or 0)
if now < last and last - now <= 300 then now, milli = last, 0 end

local values, after, set = {}, {}, {'t', string.format('%d', now)}
local allowed, ttl = true, 1
for i = 5, #ARGV, 2 do
	local n = (i - 3) / 2
	local p = tonumber(ARGV[i]) + 1
	local value, full, more, field, matters = shapes[shape](p, tonumber(ARGV[i + 1]), numbers(stored[n + 1]))
	values[n], after[n] = value, more
	set[#set + 1] = fields[n + 1]
	set[#set + 1] = field
	if full then allowed = false end
	ttl = math.max(ttl, matters)
end

local repeated = KEYS[2] and redis.call('EXISTS', KEYS[2]) == 1
if allowed and not repeated then
	values = after
	redis.call('HSET', KEYS[1], unpack(set))
	if redis.call('TTL', KEYS[1]) < ttl then redis.call('EXPIRE', KEYS[1], ttl) end
	if KEYS[2] then redis.call('SET', KEYS[2], '', 'EX', ARGV[1]) end
end
return {(allowed or repeated) and 1 or 0, repeated and 1 or 0, now, milli, unpack(values)}
