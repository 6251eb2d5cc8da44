-- Takes calls back that were counted and never made. It follows periods.lua.
-- KEYS[1]  the caller's counters
-- KEYS[2]  this return, remembered for a while so that it is not taken twice
-- ARGV     seconds that a return is remembered, shape, calls, second and millisecond when they
--          were counted, "b" at that time, then period, limit and length of each limit
-- Returns  {1} if the calls were taken back, {0} if they had been or the counters are others
local shape, calls, second, milli, born = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]), ARGV[6]
local clock = redis.call('TIME')

local limits, fields = limitsFrom(7, shape), {'t', 'b'}
for n, l in ipairs(limits) do fields[n + 2] = l.name end
local stored = redis.call('HMGET', KEYS[1], unpack(fields))
if not stored[1] or (stored[2] or '0') ~= born or redis.call('EXISTS', KEYS[2]) == 1 then return {0} end
local now, ms = notBefore(tonumber(stored[1]), tonumber(clock[1]), math.floor(tonumber(clock[2]) / 1000))

local set = {}
for n, l in ipairs(limits) do
	local s = numbers(stored[n + 2])
	local counted, field = window(l, second), nil
	if shape == 'gcra' then
		-- Since they were counted, the level has sunk. What is left of them by now is the least
		-- by which it would be lower without them.
		local at = tick(l, now, ms)
		local left = math.max(0, calls * worth(l) - (at - tick(l, second, milli)) * l.limit)
		local level = math.max(0, (s[2] or 0) - (at - (s[1] or at)) * l.limit)
		field = string.format('%d:%d', at, math.max(0, level - left))
	elseif s[1] == counted then
		field = string.format('%d:%d', s[1], math.max(0, s[2] - calls))
		if shape == 'sliding' then field = field .. ':' .. s[3] end
	elseif shape == 'sliding' and s[1] == counted + 1 then
		field = string.format('%d:%d:%d', s[1], s[2], math.max(0, s[3] - calls))
	end
	if field then
		set[#set + 1] = l.name
		set[#set + 1] = field
	end
end
if #set > 0 then redis.call('HSET', KEYS[1], unpack(set)) end
redis.call('SET', KEYS[2], '', 'EX', ARGV[1])
return {1}
