-- One decision over all limits of a request, all or nothing. It follows periods.lua.
-- KEYS[1]  the caller's counters
-- KEYS[2]  the event, remembered for a while so that it is not counted twice; may be missing
-- ARGV     seconds that an event is remembered, shape, burst (0: as each limit), cost, more
--          calls to count, then period and limit of each limit. Of the calls that are
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

function shapes.fixed(p, limit, stored)
	local current, used = window(shape, p, now), 0
	if stored[1] == current then used = stored[2] end
	return used, limit - used, function(n)
		return used + n, string.format('%d:%d', current, used + n), longest[p]
	end
end

function shapes.sliding(p, limit, stored)
	local current, count, before = window(shape, p, now), 0, 0
	if stored[1] == current then
		count, before = stored[2], stored[3]
	elseif stored[1] == current - 1 then
		before = stored[2]
	end
	local length = spans[p] * 1000
	local left = length - (now % spans[p] * 1000 + milli)
	local used = count + math.floor((before * left + length - 1) / length)
	return used, limit - used, function(n)
		return used + n, string.format('%d:%d:%d', current, count + n, before), 2 * spans[p]
	end
end

function shapes.gcra(p, limit, stored)
	local at, unit, level = tick(p, now, milli), worth(p), 0
	if stored[1] then level = math.max(0, stored[2] - (at - stored[1]) * limit) end
	local room = (burst > 0 and burst or limit) * unit - level
	return level, math.floor(room / unit), function(n)
		local after = level + n * unit
		return after, string.format('%d:%d', at, after), math.ceil(after / limit * ticks[p] / 1000) + 1
	end
end

local fields = {'t', 'b'}
for i = 6, #ARGV, 2 do fields[#fields + 1] = prefix[shape] .. ARGV[i] end
local stored = redis.call('HMGET', KEYS[1], unpack(fields))
now, milli = notBefore(tonumber(stored[1] or 0), now, milli)
if stored[1] then born = stored[2] or '0' end

local values, count, room = {}, {}, math.huge
for i = 6, #ARGV, 2 do
	local n, calls = (i - 4) / 2, nil
	values[n], calls, count[n] = shapes[shape](tonumber(ARGV[i]) + 1, tonumber(ARGV[i + 1]), numbers(stored[n + 2]))
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
