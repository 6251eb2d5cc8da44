-- One decision over all limits of a request, all or nothing. It follows periods.lua.
-- KEYS[1]  the caller's counters
-- KEYS[2]  the event, remembered for a while so that it is not counted twice; may be missing
-- ARGV     seconds that an event is remembered, shape, burst (0: as each limit), cost, more
--          calls to count, then period, limit and length of each limit. Of the calls that are
--          left no more than an eighth is counted beyond the one that is asked for.
-- Returns  {allowed, repeated, second, millisecond, counted beyond, "b", value of each limit}
local shape, burst, cost, more = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local clock = redis.call('TIME')
local now, milli = tonumber(clock[1]), math.floor(tonumber(clock[2]) / 1000)
local born = string.format('%d', now * 1000000 + tonumber(clock[2]))

-- Each shape has a function that reads the field of a period with a limit and returns: the
-- value now, for how many calls there is room, and a function from a number of calls to the
-- value with them, the field with them, and how long it matters.
local shapes = {}

function shapes.fixed(l, stored)
	local current, used = window(l, now), 0
	if stored[1] == current then used = stored[2] end
	return used, l.limit - used, function(n)
		return used + n, string.format('%d:%d', current, used + n), l.span or longest[l.p]
	end
end

function shapes.sliding(l, stored)
	local current, count, before = window(l, now), 0, 0
	if stored[1] == current then
		count, before = stored[2], stored[3]
	elseif stored[1] == current - 1 then
		before = stored[2]
	end
	local length = l.span * 1000
	local left = length - (now % l.span * 1000 + milli)
	local used = count + math.floor((before * left + length - 1) / length)
	return used, l.limit - used, function(n)
		return used + n, string.format('%d:%d:%d', current, count + n, before), 2 * l.span
	end
end

function shapes.gcra(l, stored)
	local at, unit, level = tick(l, now, milli), worth(l), 0
	if stored[1] then level = math.max(0, stored[2] - (at - stored[1]) * l.limit) end
	local room = (burst > 0 and burst or l.limit) * unit - level
	return level, math.floor(room / unit), function(n)
		local after = level + n * unit
		return after, string.format('%d:%d', at, after), math.ceil(after / l.limit * ticks[l.p] / 1000) + 1
	end
end

local limits, fields = limitsFrom(6, shape), {'t', 'b'}
for n, l in ipairs(limits) do fields[n + 2] = l.name end
local stored = redis.call('HMGET', KEYS[1], unpack(fields))
now, milli = notBefore(tonumber(stored[1] or 0), now, milli)
if stored[1] then born = stored[2] or '0' end

local values, count, room = {}, {}, math.huge
for n, l in ipairs(limits) do
	local calls
	values[n], calls, count[n] = shapes[shape](l, numbers(stored[n + 2]))
	room = math.min(room, calls)
end

local repeated = KEYS[2] and redis.call('EXISTS', KEYS[2]) == 1
local allowed = room >= cost
if repeated or not allowed then
	more = 0
else
	more = math.min(more, math.floor((room - cost) / 8))
	local set, ttl = {'t', string.format('%d', now), 'b', born}, 1
	for n = 1, #values do
		local field, matters
		values[n], field, matters = count[n](cost + more)
		set[#set + 1] = fields[n + 2]
		set[#set + 1] = field
		ttl = math.max(ttl, matters)
	end
	redis.call('HSET', KEYS[1], unpack(set))
	if redis.call('TTL', KEYS[1]) < ttl then redis.call('EXPIRE', KEYS[1], ttl) end
	if KEYS[2] then redis.call('SET', KEYS[2], '', 'EX', ARGV[1]) end
end
return {(allowed or repeated) and 1 or 0, repeated and 1 or 0, now, milli, more, tonumber(born), unpack(values)}
